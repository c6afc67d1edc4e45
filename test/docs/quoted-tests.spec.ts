import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { anchorsOf } from './page-anchors.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, 'docs', 'adr')).map((name) => `docs/adr/${name}`),
];

function pageText(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

describe('the documentation', () => {
  it('quotes only tests that are there, by the names that they have', () => {
    const quotes = PAGES.flatMap((page) =>
      [...pageText(page).matchAll(/`([^`\s]+\.ts)`: ("[^"]+"(?:, "[^"]+")*)/g)].flatMap(([, spec, names]) =>
        [...names!.matchAll(/"([^"]+)"/g)].map(([, name]) => ({ page, spec, name })),
      ),
    );
    expect(quotes.length).toBeGreaterThan(20);
    const missing = quotes.filter(({ spec, name }) => {
      const path = join(ROOT, spec!);
      return !existsSync(path) || !readFileSync(path, 'utf8').replaceAll("\\'", "'").includes(name!);
    });
    expect(missing).toEqual([]);
  });

  it('links only to files that are there', () => {
    const links = PAGES.flatMap((page) =>
      [...pageText(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target]) => ({
        page,
        target,
      })),
    );
    const dead = links.filter(({ page, target }) => !existsSync(join(ROOT, dirname(page), target!)));
    expect(dead).toEqual([]);
  });

  it('links only to headings that are there', () => {
    const links = PAGES.flatMap((page) =>
      [...pageText(page).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)/g)].map(
        ([, target, anchor]) => ({
          page,
          target: target === '' ? page : join(dirname(page), target!),
          anchor,
        }),
      ),
    );
    expect(links.length).toBeGreaterThan(50);
    const dead = links.filter(
      ({ target, anchor }) => target.endsWith('.md') && !anchorsOf(pageText(target)).has(anchor!),
    );
    expect(dead).toEqual([]);
  });
});
