import { type AnnotatedSchema, annotatedPlanSchema } from './json-schema.ts';
import type { ExpressionUse } from './key-facts.ts';

/** The keys of the format as a tree: what is below a key and what becomes of expressions in its value. */
export interface KeyNode {
  use: ExpressionUse | null;
  keys: ReadonlyMap<string, KeyNode>;
  /** Below any key that is not in `keys`: a map with names of the user. */
  any: KeyNode | null;
  items: KeyNode | null;
}

let tree: KeyNode | null = null;

export function planKeys(): KeyNode {
  tree ??= nodeOf([annotatedPlanSchema()]);
  return tree;
}

/** What is below a key or an item; null when the format knows nothing there. */
export function below(node: KeyNode, part: string | number): KeyNode | null {
  return typeof part === 'number' ? node.items : (node.keys.get(part) ?? node.any);
}

/** Alternatives of one value are seen as one: none of them has a key of another one's name and another use. */
function nodeOf(alternatives: readonly AnnotatedSchema[]): KeyNode {
  const all = alternatives.flatMap(flattened);
  const keys = new Map<string, AnnotatedSchema[]>();
  for (const schema of all) {
    for (const [key, value] of Object.entries(schema.properties ?? {})) {
      keys.set(key, [...(keys.get(key) ?? []), value]);
    }
  }
  const items = all.flatMap((schema) => (schema.items ? [schema.items] : []));
  const any = all.flatMap(({ additionalProperties: more }) => (typeof more === 'object' ? [more] : []));
  const use = all.map((schema) => schema['x-use']).find((one) => one !== undefined) ?? null;
  const node: KeyNode = {
    use,
    keys: new Map([...keys].map(([key, values]) => [key, nodeOf(values)])),
    any: any.length > 0 ? nodeOf(any) : null,
    items: items.length > 0 ? nodeOf(items) : null,
  };
  // Free-form data (`options`): the same holds at any depth.
  const isFree = any.length > 0 && any.every((schema) => Object.keys(schema).length === 0);
  return isFree ? freeForm(node) : node;
}

function freeForm(node: KeyNode): KeyNode {
  const free: KeyNode = { ...node };
  free.any = free;
  free.items = free;
  return free;
}

function flattened(schema: AnnotatedSchema): AnnotatedSchema[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(flattened)];
}
