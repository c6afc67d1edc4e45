import { GlobTooSlowError, matchingPaths } from './globs.ts';

describe('matching the names of a repository with the globs of a plan', () => {
  it('gives those that match and are not excepted', () => {
    const paths = ['src/a.js', 'src/deep/b.js', 'src/.env.js', 'src/x\n.js', 'README.md'];
    expect([...matchingPaths(paths, ['src/**/*.js'], { dot: false, except: ['**/b.js'] })]).toEqual([
      'src/a.js',
      'src/x\n.js',
    ]);
    expect([...matchingPaths(paths, ['src/*.js', '!README.md'], { dot: true })]).toEqual([
      'src/a.js',
      'src/.env.js',
      'src/x\n.js',
    ]);
    expect([...matchingPaths(paths, [], { dot: true })]).toEqual([]);
  });

  it.each([
    ['stars in a name', '*a*a*a*a*a*a*a*a*a*b', 'a'.repeat(200)],
    ['stars over folders', '**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b', 'a/'.repeat(60)],
  ])('stops when %s would take years: the worker has leases to renew', (_what, glob, path) => {
    const startedAt = performance.now();
    expect(() => matchingPaths([path], [glob], { dot: true })).toThrow(GlobTooSlowError);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
