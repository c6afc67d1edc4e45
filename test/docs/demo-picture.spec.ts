import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePlan } from '#contracts';
// @ts-expect-error -- a script without types
import { palettes } from '../../scripts/recording/terminal-svg.mjs';

const ROOT = join(import.meta.dirname, '..', '..');

const read = (path: string) => readFile(join(ROOT, path), 'utf8');

/** Names of the demo's steps, as its plan and its service make them. */
async function demoSteps(): Promise<string[]> {
  const parsed = parsePlan(await read('apps/cli/demo/plan.yaml'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const services = await readdir(join(ROOT, 'apps/cli/demo/service/src/services'));
  const own = parsed.definition.steps.flatMap(({ name, matrix }) =>
    matrix ? services.map((file) => `${name}[src/services/${file}]`) : [name],
  );
  return ['resolve', ...own, 'integrate', 'publish', 'clean'];
}

/** The lines of the frame that is shown to those whose viewer does not move it. */
function stillLines(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*class="still [^"]*">(.*?)<\/text>/g)].map(([, runs]) =>
    [...runs!.matchAll(/<tspan[^>]*>([^<]*)<\/tspan>/g)].map(([, text]) => text).join(' '),
  );
}

/** Names of elements and attributes; throws where the text is no well-formed XML. */
function elementsOf(svg: string): { names: Set<string>; attributes: Set<string> } {
  const names = new Set<string>();
  const attributes = new Set<string>();
  const open: string[] = [];
  let place = 0;
  for (const match of svg.matchAll(/<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    checkText(svg.slice(place, match.index));
    place = match.index + match[0].length;
    const [, isEnd, name, written, isEmpty] = match as unknown as [string, string, string, string, string];
    names.add(name);
    for (const [, attribute, value] of written.matchAll(/([\w:-]+)="([^"]*)"/g)) {
      attributes.add(attribute!);
      checkText(value!);
    }
    if (isEnd) expect(open.pop()).toBe(name);
    else if (!isEmpty) open.push(name);
  }
  expect(open).toEqual([]);
  expect(svg.slice(place).trim()).toBe('');
  return { names, attributes };
}

function checkText(text: string): void {
  expect(text.replaceAll(/&(amp|lt|gt|quot);/g, '')).not.toMatch(/[<&]/);
}

function contrast(one: string, other: string): number {
  const light = (colour: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const share = parseInt(colour.slice(at, at + 2), 16) / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
  return (bright! + 0.05) / (dark! + 0.05);
}

describe('the picture of the demo in the README', () => {
  let svg: string;

  beforeAll(async () => {
    svg = await read('docs/demo.svg');
  });

  it('is shown there, with words for those who do not see it', async () => {
    expect(await read('README.md')).toMatch(/!\[[^\]]{40,}\]\(docs\/demo\.svg\)/);
    expect(svg).toMatch(/^<svg [^>]*role="img" aria-label="[^"]{40,}"/);
  });

  it('is well-formed, holds its text as text, and loads and runs nothing', () => {
    const { names, attributes } = elementsOf(svg);
    expect([...names].sort()).toEqual(['path', 'rect', 'style', 'svg', 'text', 'tspan']);
    for (const attribute of attributes) expect(attribute).not.toMatch(/^on|href/i);
    expect(svg).not.toMatch(/@import|url\(|javascript:/i);
    expect(svg.length).toBeLessThan(150_000);
  });

  it('has the steps of the demo’s plan, and no others', async () => {
    const shown = stillLines(svg).flatMap((line) => /^ *s\d+ +\S+ +(\S+)/.exec(line)?.[1] ?? []);
    expect(shown.sort()).toEqual((await demoSteps()).sort());
  });

  it('tells the story: a rejected attempt, the branch, the verified ledger', () => {
    for (const told of [
      'attempt 2 of 3',
      'rejected (verify-failed)',
      'completed',
      'skein/callbacks-to-promises',
      'verified',
    ]) {
      expect(svg).toContain(told);
    }
  });

  it('has nothing of the machine that it was recorded on', () => {
    expect(svg.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(svg).not.toMatch(/(^|[^\w.>/])\/(home|root|tmp|Users|private|var|work|mnt|opt)\b/);
  });

  it.each(['dark', 'light'])('can be read on a %s page', (theme) => {
    const { back, edge, ...colours } = (palettes as Record<string, Record<string, string>>)[theme]!;
    expect(edge).toBeDefined();
    for (const [name, colour] of Object.entries(colours)) {
      expect({ name, enough: contrast(colour, back!) >= 4.5 }).toEqual({ name, enough: true });
      expect(svg).toContain(colour);
    }
  });
});
