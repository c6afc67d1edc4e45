import { listPaths, printable, printablePath } from './printable.ts';

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
});
