import fc from 'fast-check';
import type { Change } from './change.ts';
import { judgeScope } from './scope.ts';

function change(path: string, more: Partial<Change> = {}): Change {
  const sha = 'a'.repeat(40);
  return {
    path,
    status: 'modified',
    oldMode: '100644',
    newMode: '100644',
    oldSha: sha,
    newSha: sha,
    symlinkLeaves: false,
    ...more,
  };
}

const kinds = (changes: Change[], write: string[] | null, protect: string[] = []) =>
  judgeScope(changes, { write, protect }).map((v) => `${v.kind} ${v.path}`);

describe('a step that may write src/**', () => {
  it('may change anything below it, dot files too, and nothing beside it', () => {
    const changes = ['src/a.js', 'src/deep/.hidden', 'src/.env', 'srcs/a.js', 'README.md', 'lib/src/a.js'];
    expect(
      kinds(
        changes.map((path) => change(path)),
        ['src/**'],
      ),
    ).toEqual(['outside-write srcs/a.js', 'outside-write README.md', 'outside-write lib/src/a.js']);
  });

  it('is told what it did and what it may, in words that are safe to print', () => {
    const [violation] = judgeScope([change('a\u001b[31m\n.js', { status: 'deleted' })], {
      write: ['src/**'],
      protect: [],
    });
    expect(violation?.message).toBe('a\\x1b[31m\\n.js was deleted, but only src/** may change (paths.write)');
  });
});

describe('protected paths', () => {
  it('win over writable ones', () => {
    const changes = [change('src/a.test.js'), change('src/a.js')];
    expect(kinds(changes, ['src/**'], ['**/*.test.js'])).toEqual(['protected src/a.test.js']);
    expect(kinds(changes, null, ['**/*.test.js'])).toEqual(['protected src/a.test.js']);
  });

  it('cannot be got around by a newline, a dot or stray bytes in a name', () => {
    const names = ['test/a\nb', 'test/.x', 'test/\udcff', 'test/a\n/b', 'test/\r\u2028x'];
    expect(
      kinds(
        names.map((name) => change(name)),
        null,
        ['test/**'],
      ),
    ).toHaveLength(names.length);
    expect(
      kinds(
        names.map((name) => change(name)),
        ['src/**'],
      ),
    ).toHaveLength(names.length);
  });

  it('cover everything when they are **, whatever a name is (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, unit: 'binary' }), { minLength: 1 }), (parts) => {
        const clean = parts
          .map((part) => part.replace(/[/\0]/g, '_'))
          .filter((part) => !/^\.{1,2}$/.test(part));
        fc.pre(clean.length > 0);
        expect(kinds([change(clean.join('/'))], null, ['**'])).toHaveLength(1);
        expect(kinds([change(clean.join('/'))], ['**'])).toHaveLength(0);
      }),
    );
  });
});

describe('a glob that begins with !', () => {
  it('means a name, and never everything else', () => {
    expect(kinds([change('x.js')], ['!secret'])).toEqual(['outside-write x.js']);
  });
});

describe('embedded repositories and links', () => {
  it('are violations wherever they are', () => {
    const gitlink = change('src/sub', { status: 'added', oldMode: '000000', newMode: '160000' });
    const link = change('src/l', { newMode: '120000', symlinkTarget: '/etc', symlinkLeaves: true });
    const moved = change('src/sub', { oldMode: '160000', newMode: '160000' });
    expect(kinds([gitlink, link, moved], ['src/**'])).toEqual([
      'gitlink src/sub',
      'symlink-leaves src/l',
      'gitlink src/sub',
    ]);
    const [, first] = judgeScope([gitlink, link], { write: null, protect: [] });
    expect(first?.message).toBe("src/l -> /etc is a symlink that leads out of the repository's files");
  });

  it('may go, when their place may be changed', () => {
    const gone = change('vendor/x', { status: 'deleted', oldMode: '160000', newMode: '000000' });
    expect(kinds([gone], ['src/**'])).toEqual(['outside-write vendor/x']);
    expect(kinds([gone], null)).toEqual([]);
  });
});

it('a step that may write nothing is rejected for any change, and passes without one', () => {
  expect(judgeScope([change('a')], { write: [], protect: [] })[0]?.message).toContain(
    'only nothing may change',
  );
  expect(judgeScope([], { write: [], protect: ['**'] })).toEqual([]);
});
