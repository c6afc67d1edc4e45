import { listPaths, printable, printablePath, trimMiddle } from './printable.ts';

describe('text for people', () => {
  it('makes terminal escapes and bidirectional overrides visible', () => {
    expect(printable('a\u001b[2Jb\u202ec\td\ne')).toBe('a\\u001b[2Jb\\u202ec\td\ne');
  });

  it('quotes only paths that are not plain', () => {
    expect(printablePath('src/auth/[id].ts')).toBe('src/auth/[id].ts');
    expect(printablePath('a\nb\u0007"')).toBe('"a\\nb\\u0007\\""');
    expect(printablePath('two words.js')).toBe('"two words.js"');
  });

  it('names the first paths and counts the rest', () => {
    expect(listPaths(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
  });

  it('keeps both ends within the bound and cuts no character in two', () => {
    const trimmed = trimMiddle(`start${'ü'.repeat(5_000)}end`, 1_000);
    expect(Buffer.byteLength(trimmed)).toBeLessThanOrEqual(1_000);
    expect(trimmed.startsWith('start')).toBe(true);
    expect(trimmed.endsWith('end')).toBe(true);
    expect(trimmed).not.toContain('\ufffd');
    expect(trimMiddle('short', 1_000)).toBe('short');
  });
});
