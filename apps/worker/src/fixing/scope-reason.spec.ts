import type { Change } from '#workspace';
import { scopeReason } from './scope-reason.ts';

const change = (path: string, more: Partial<Change> = {}): Change => ({
  path,
  status: 'modified',
  oldMode: '100644',
  newMode: '100644',
  oldSha: 'a'.repeat(40),
  newSha: 'b'.repeat(40),
  symlinkLeaves: false,
  ...more,
});

describe('the reason for a change out of scope', () => {
  it('is none when everything is in scope', () => {
    expect(scopeReason([change('src/a.ts')], { write: ['src/**'], protect: [] })).toBeNull();
    expect(scopeReason([change('any')], { write: null, protect: [] })).toBeNull();
  });

  it('takes a folder as everything below it', () => {
    expect(scopeReason([change('src/deep/a.ts')], { write: ['src/'], protect: [] })).toBeNull();
    expect(scopeReason([change('src/deep/a.ts')], { write: ['src'], protect: [] })).toBeNull();
    expect(scopeReason([change('srcs/a.ts')], { write: ['src'], protect: [] })?.code).toBe('scope-violation');
    expect(scopeReason([change('test/a.js')], { write: null, protect: ['test'] })?.code).toBe(
      'protected-path',
    );
  });

  it('names every path, the gravest kind first', () => {
    const reason = scopeReason(
      [
        change('README.md'),
        change('vendor', { newMode: '160000' }),
        change('link', { newMode: '120000', symlinkLeaves: true, symlinkTarget: '/etc/passwd' }),
        change('test/a.js'),
      ],
      { write: ['src/**'], protect: ['test/**'] },
    );
    expect(reason?.code).toBe('gitlink');
    for (const path of ['README.md', 'vendor', 'link', 'test/a.js']) expect(reason?.message).toContain(path);
  });
});
