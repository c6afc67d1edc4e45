import { FUNCTIONS } from '../expressions/functions.ts';
import { type AnnotatedSchema, annotatedPlanSchema } from './json-schema.ts';
import type { ExpressionUse } from './key-facts.ts';
import { isMap } from './placed.ts';
import { readPlanTree } from './plan-tree.ts';

/** A runnable plan that the page shows. Its first comment is its title, further ones are said before it. */
export interface PageExample {
  name: string;
  text: string;
  /** Its template files: name in the plan to text. */
  files: Readonly<Record<string, string>>;
}

/** A key as the page explains it. */
interface DocumentedKey {
  /** `steps.matrix.glob`; `*` for names of the user. */
  path: string;
  schema: AnnotatedSchema;
  isRequired: boolean;
}

/**
 * docs/plan-format.md: the template with the tables of keys that the schema makes, the functions that there are, and the
 * examples. `<!-- keys: integrate.* -->`, `<!-- functions -->` and `<!-- examples: a b -->` are replaced.
 */
export function planFormatPage(template: string, examples: readonly PageExample[]): string {
  const keys = documentedKeys();
  const shown = examplesOfKeys(examples);
  return template
    .replace(/<!-- keys: (.+?) -->/g, (_, wanted: string) => keyTable(keysOf(keys, wanted), shown))
    .replace(/<!-- functions -->/g, () => functionTable())
    .replace(/<!-- examples: (.+?) -->/g, (_, names: string) =>
      names
        .split(' ')
        .map((name) => exampleText(examples.find((one) => one.name === name)!))
        .join('\n\n'),
    );
}

/** Every key once; those of templates and defaults are those of a step. */
export function documentedKeys(): DocumentedKey[] {
  return collect(annotatedPlanSchema(), '').filter(({ path }) => !/^(templates\.\*|defaults)\./.test(path));
}

function collect(schema: AnnotatedSchema, path: string): DocumentedKey[] {
  const found = new Map<string, DocumentedKey>();
  const add = (keys: DocumentedKey[]) => {
    for (const key of keys) if (!found.has(key.path)) found.set(key.path, key);
  };
  for (const [key, value] of Object.entries(schema.properties ?? {})) {
    const inner = path === '' ? key : `${path}.${key}`;
    const isRequired = (schema.required ?? []).includes(key);
    add([{ path: inner, schema: value, isRequired }, ...collect(value, inner)]);
  }
  if (typeof schema.additionalProperties === 'object') add(collect(schema.additionalProperties, `${path}.*`));
  if (schema.items) add(collect(schema.items, path));
  for (const one of schema.anyOf ?? []) add(collect(one, path));
  return [...found.values()];
}

/** `plan` is all without a dot, `a.*` all below a, `a` alone; `-a.b` takes out again. */
function keysOf(keys: readonly DocumentedKey[], wanted: string): DocumentedKey[] {
  const patterns = wanted.split(' ');
  const matches = (path: string, pattern: string) =>
    pattern === 'plan'
      ? !path.includes('.')
      : pattern.endsWith('.*')
        ? path.startsWith(pattern.slice(0, -1))
        : path === pattern;
  const isTaken = (path: string) =>
    patterns.some((pattern) => !pattern.startsWith('-') && matches(path, pattern)) &&
    !patterns.some((pattern) => pattern.startsWith('-') && matches(path, pattern.slice(1)));
  return keys.filter(({ path }) => isTaken(path));
}

function keyTable(keys: readonly DocumentedKey[], shown: ReadonlyMap<string, PageExample>): string {
  const rows = keys.map(({ path, schema, isRequired }) => {
    const name = `\`${path.replace(/^steps\./, '').replaceAll('.*', '.<name>')}\``;
    const example = shown.get(path);
    const linked = example ? `[${name}](#${slugOf(titleOf(example))})` : name;
    return [
      linked,
      cell(schema.description ?? ''),
      cell(wordValue(schema)),
      wordDefault(schema, isRequired),
      wordUse(schema),
    ];
  });
  return table(['key', 'what it is', 'value', 'default', 'expressions'], rows);
}

function functionTable(): string {
  const rows = [...FUNCTIONS.values()].map(({ signature, about }) => [`\`${signature}\``, cell(about)]);
  return table(['function', 'gives'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** What a value looks like, in words. */
function wordValue(schema: AnnotatedSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(wordValue))].join(' or ');
  if (schema['const'] !== undefined) return `\`${JSON.stringify(schema['const'])}\``;
  if (Array.isArray(schema['enum'])) return schema['enum'].map((one) => `\`${String(one)}\``).join(', ');
  switch (schema.type) {
    case 'integer':
      return `${String(schema['minimum'])} to ${String(schema['maximum'])}`;
    case 'boolean':
      return '`true`, `false`';
    case 'number':
      return 'a number';
    case 'array':
      return `a list${bound(schema['maxItems'], ' of at most ')}${schema.items ? ` (${wordValue(schema.items)})` : ''}`;
    case 'object':
      return schema.properties ? 'a map' : `a map of names${wordInner(schema)}`;
    case 'string':
      return 'text';
    default:
      return Array.isArray(schema.type)
        ? schema.type.map((type) => wordValue({ type })).join(' or ')
        : 'anything';
  }
}

function wordInner({ additionalProperties }: AnnotatedSchema): string {
  if (typeof additionalProperties !== 'object' || Object.keys(additionalProperties).length === 0)
    return ' to anything';
  return ` (each: ${wordValue(additionalProperties)})`;
}

function bound(most: unknown, words: string): string {
  return typeof most === 'number' ? `${words}${most}` : '';
}

function wordDefault(schema: AnnotatedSchema, isRequired: boolean): string {
  if (isRequired) return 'required';
  const otherwise = schema['x-otherwise'];
  if (otherwise !== undefined) return cell(otherwise);
  if (schema.default === undefined) return '';
  if (Array.isArray(schema.default)) return 'none';
  return `\`${typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default)}\``;
}

const USES: Record<ExpressionUse, string> = {
  static: 'at submission',
  text: 'at submission',
  late: 'when the step starts',
  command: 'when the step starts',
  glob: 'when the step starts',
  wait: 'when the step starts',
  bare: 'it is one',
  opaque: '',
};

function wordUse(schema: AnnotatedSchema): string {
  const all = flattened(schema).flatMap((one) => one['x-use'] ?? []);
  const use = all[0];
  return use === undefined ? '' : USES[use];
}

/** The value itself, its alternatives, and what lists and maps of names hold. */
function flattened(schema: AnnotatedSchema): AnnotatedSchema[] {
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : null;
  return [
    schema,
    ...(schema.anyOf ?? []).flatMap(flattened),
    ...(schema.items && !schema.items.properties ? flattened(schema.items) : []),
    ...(more && !more.properties ? flattened(more) : []),
  ];
}

function titleOf({ text }: PageExample): string {
  return /^# (.+)/.exec(text)?.[1] ?? '';
}

/** As GitHub makes anchors of headings. */
function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

function exampleText(example: PageExample): string {
  const [, comment = '', plan = ''] = /^((?:#.*\n)+)([\s\S]*)$/.exec(example.text) ?? [];
  const said = comment
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/^# ?/, ''))
    .join('\n')
    .trim();
  const files = Object.entries(example.files).map(([path, text]) => `\`${path}\`:\n\n${fence(text)}`);
  return [`### ${titleOf(example)}`, ...(said ? [said] : []), fence(plan), ...files].join('\n\n');
}

function fence(text: string): string {
  return `\`\`\`yaml\n${text.trimEnd()}\n\`\`\``;
}

/** The first example that has the key, by the key's path. */
export function examplesOfKeys(examples: readonly PageExample[]): Map<string, PageExample> {
  const shown = new Map<string, PageExample>();
  const known = new Set(documentedKeys().map(({ path }) => path));
  for (const example of examples) {
    const reading = readPlanTree(example.text, example.text.length, {
      maxDepth: 32,
      maxYamlBytes: 1_000_000,
    });
    if (!reading.ok) continue;
    for (const path of pathsIn(reading.tree.value, '')) {
      const key = keyAt(path, known);
      if (key !== null && !shown.has(key)) shown.set(key, example);
    }
  }
  return shown;
}

function pathsIn(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, path));
  if (!isMap(value)) return [];
  return Object.keys(value).flatMap((key) => {
    const inner = path === '' ? key : `${path}.${key}`;
    return [inner, ...pathsIn(value[key], inner)];
  });
}

/** A key by the path of a value: names of the user become `*`. */
function keyAt(path: string, known: ReadonlySet<string>): string | null {
  if (known.has(path)) return path;
  const parts = path.split('.');
  const starred = [parts[0], '*', ...parts.slice(2)].join('.');
  return known.has(starred) ? starred : null;
}
