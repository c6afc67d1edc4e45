import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { planExamples } from '#testing';
import { documentedKeys, examplesOfKeys, planFormatPage } from './format-page.ts';
import { type JsonSchema, planJsonSchema } from './json-schema.ts';
import { parsePlan } from './parse-plan.ts';

const docs = join(import.meta.dirname, '../../../../docs');
const page = readFileSync(join(docs, 'plan-format.md'), 'utf8');
const yamlBlocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

function described(schema: JsonSchema, path = ''): [string, string | undefined][] {
  const more = typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, value]): [string, string | undefined][] => [
      [`${path}.${key}`, value.description],
      ...described(value, `${path}.${key}`),
    ]),
    ...[...more, ...(schema.items ? [schema.items] : []), ...(schema.anyOf ?? [])].flatMap((one) =>
      described(one, path),
    ),
  ];
}

describe('docs/plan-format.md', () => {
  it('is current: npm run build && node scripts/write-docs.mjs', async () => {
    const template = readFileSync(join(docs, 'plan-format/page.md'), 'utf8');
    const made = planFormatPage(template, planExamples());
    const file = join(docs, 'plan-format.md');
    expect(page).toBe(await format(made, { ...(await resolveConfig(file)), parser: 'markdown' }));
  });

  it('explains every key once, and links each to an example that has it', () => {
    const shown = examplesOfKeys(planExamples());
    const keys = documentedKeys().map(({ path }) => path);
    expect(keys.filter((key) => !shown.has(key))).toEqual([]);
    for (const key of keys) {
      const name = `\`${key.replace(/^steps\./, '').replaceAll('.*', '.<name>')}\``;
      const rows = page.split('\n').filter((line) => line.startsWith('|') && line.includes(`[${name}](#`));
      const isShared = keys.some(
        (other) => other !== key && other.replace(/^steps\./, '') === key.replace(/^steps\./, ''),
      );
      expect(`${key} ${rows.length}`).toBe(`${key} ${isShared ? 2 : 1}`);
    }
  });

  it('links to headings that are there', () => {
    const slugs = new Set(
      [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
        title!
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, slug]) => slug!);
    expect(links.length).toBeGreaterThan(80);
    expect(links.filter((slug) => !slugs.has(slug))).toEqual([]);
  });

  it('shows every example, as it is', () => {
    for (const { text, files } of planExamples()) {
      for (const shown of [text.replace(/^(#.*\n)+/, ''), ...Object.values(files)])
        expect(yamlBlocks).toContain(shown);
    }
  });

  it.each(planExamples())('has an example $name that is right', ({ text, params, files }) => {
    expect(text).toMatch(/^# [A-Z][-A-Za-z, ]+\n/);
    expect(parsePlan(text, { params, files })).toMatchObject({ ok: true });
  });
});

describe('docs/plan.schema.json', () => {
  it('is current: npm run build && node scripts/write-docs.mjs', () => {
    const committed: unknown = JSON.parse(readFileSync(join(docs, 'plan.schema.json'), 'utf8'));
    expect(committed).toEqual(JSON.parse(JSON.stringify(planJsonSchema())));
  });

  it('describes every key', () => {
    const all = described(planJsonSchema());
    expect(all.length).toBeGreaterThan(140);
    for (const [key, description] of all) expect(`${key}: ${description ?? ''}`).toMatch(/: .{10,}/);
  });

  it('closes every map to unknown keys', () => {
    const open: string[] = [];
    const visit = (schema: JsonSchema, path: string): void => {
      if (schema.properties && schema.additionalProperties !== false) open.push(path);
      for (const [key, value] of Object.entries(schema.properties ?? {})) visit(value, `${path}.${key}`);
      for (const one of schema.anyOf ?? []) visit(one, path);
      if (schema.items) visit(schema.items, `${path}[]`);
      if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties, `${path}.*`);
    };
    visit(planJsonSchema(), '');
    expect(open).toEqual([]);
  });
});
