import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonSchema, planJsonSchema } from './json-schema.ts';
import { parsePlan } from './parse-plan.ts';

const docs = join(import.meta.dirname, '../../../../docs');
const page = readFileSync(join(docs, 'plan-format.md'), 'utf8');
const yamlBlocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

/** `steps.matrix.glob` for every key that a plan can have, once. */
function keysOf(schema: JsonSchema, path: string[] = []): string[] {
  const inside = [schema, ...(schema.anyOf ?? [])];
  const own = inside.flatMap((one) =>
    Object.entries(one.properties ?? {}).flatMap(([key, value]) => [
      [...path, key].join('.'),
      ...keysOf(value, [...path, key]),
    ]),
  );
  return [...new Set([...own, ...inside.flatMap((one) => (one.items ? keysOf(one.items, path) : []))])];
}

function describedKeys(schema: JsonSchema): [string, string | undefined][] {
  return [schema, ...(schema.anyOf ?? [])].flatMap((one) => [
    ...Object.entries(one.properties ?? {}).flatMap(([key, value]): [string, string | undefined][] => [
      [key, value.description],
      ...describedKeys(value),
    ]),
    ...(one.items ? describedKeys(one.items) : []),
  ]);
}

describe('docs/plan-format.md', () => {
  it('has examples that are right', () => {
    expect(yamlBlocks.length).toBeGreaterThanOrEqual(2);
    for (const block of yamlBlocks) expect(parsePlan(block)).toMatchObject({ ok: true });
  });

  it('shows every key in its complete example, and explains every key', () => {
    const complete = yamlBlocks[1]!;
    for (const key of keysOf(planJsonSchema())) {
      const last = key.split('.').at(-1)!;
      expect(`${key}: ${new RegExp(`\\b${last}:`).test(complete)}`).toBe(`${key}: true`);
      expect(`${key}: ${new RegExp(`\`[a-z.]*${last}[.\`]`, 'i').test(page)}`).toBe(`${key}: true`);
    }
  });
});

describe('docs/plan.schema.json', () => {
  it('is current: npm run build && node scripts/write-docs.mjs', () => {
    const committed: unknown = JSON.parse(readFileSync(join(docs, 'plan.schema.json'), 'utf8'));
    expect(committed).toEqual(JSON.parse(JSON.stringify(planJsonSchema())));
  });

  it('describes every key', () => {
    const described = describedKeys(planJsonSchema());
    expect(described.length).toBeGreaterThan(40);
    for (const [key, description] of described) expect(`${key}: ${description ?? ''}`).toMatch(/: .{10,}/);
  });

  it('closes every map to unknown keys', () => {
    const open: string[] = [];
    const visit = (schema: JsonSchema, path: string): void => {
      if (schema.properties && schema.additionalProperties !== false) open.push(path);
      for (const [key, value] of Object.entries(schema.properties ?? {})) visit(value, `${path}.${key}`);
      for (const one of schema.anyOf ?? []) visit(one, path);
      if (schema.items) visit(schema.items, `${path}[]`);
    };
    visit(planJsonSchema(), '');
    expect(open).toEqual([]);
  });
});
