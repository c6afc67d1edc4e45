import { matchFiles } from './resolution.ts';

describe('files of a glob', () => {
  const paths = ['src/b.js', 'src/a.js', 'src/.x.js', 'src/Z.js', 'test/a.js', '.github/a.js', 'src/[id].js'];

  it('are sorted by code unit, without dot files, minus what is excluded', () => {
    expect(matchFiles(paths, { include: ['**/*.js'], exclude: ['test/**'] })).toEqual([
      'src/Z.js',
      'src/[id].js',
      'src/a.js',
      'src/b.js',
    ]);
  });

  it('take dot files when they are named', () => {
    expect(matchFiles(paths, { include: ['.github/**', 'src/.*.js'], exclude: [] })).toEqual([
      '.github/a.js',
      'src/.x.js',
    ]);
  });

  it('are not lost for a line break or a backslash in their names', () => {
    const odd = ['src/line\nbreak.js', 'src/back\\slash.js', 'src/\u2028.js'];
    for (const include of [['src/**'], ['**/*.js']]) {
      expect(matchFiles(odd, { include, exclude: [] })).toEqual([...odd].sort());
      expect(matchFiles(odd, { include, exclude: ['src/**'] })).toEqual([]);
    }
  });

  it('are none when nothing matches', () => {
    expect(matchFiles(paths, { include: ['lib/**'], exclude: [] })).toEqual([]);
  });
});
