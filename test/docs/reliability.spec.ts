import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const PAGE = read('docs/reliability.md');

/** Rows of the tables of promises: what is promised, what holds it, how that was seen. */
const promises = [
  ...PAGE.slice(0, PAGE.indexOf('## All of it at once')).matchAll(
    /^\| (?!promise|proof|---)(.+?) \| (.+?) \| (.+?) \|$/gm,
  ),
].map(([, promise, test, seen]) => ({ promise: promise!, test: test!, seen: seen! }));

describe('the page on reliability', () => {
  it('names a test for every promise', () => {
    expect(promises.length).toBeGreaterThan(50);
    for (const { promise, test } of promises)
      expect([promise, /`[^`\s]+\.spec\.ts`: "[^"]+"/.test(test)]).toEqual([promise, true]);
  });

  it('says of each how it was seen that its test fails without it, or that it was not', () => {
    for (const { promise, seen } of promises)
      expect([promise, /^(-|hand|`sim:|broken there|bugs planted there)/.test(seen)]).toEqual([
        promise,
        true,
      ]);
  });

  it('gives a figure for every proof of all of it at once', () => {
    const figures = [...PAGE.matchAll(/<!-- figures:([a-z]+) --> (.+) \|$/gm)];
    expect(figures.map(([, proof]) => proof)).toEqual(['sim', 'planted', 'chaos', 'fuzz']);
    for (const [, proof, figure] of figures)
      expect([proof, /not measured|\bTBD\b/i.test(figure!)]).toEqual([proof, false]);
  });

  it('names only bugs that the simulation plants', () => {
    const planted = read('test/sim/planting/planted-bugs.ts');
    const named = [...PAGE.matchAll(/`sim:([a-z-]+)`/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => name !== 'name' && !planted.includes(`'${name}'`))).toEqual([]);
  });
});
