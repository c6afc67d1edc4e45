import type { JsonValue } from '#domain';
import {
  declarationOf,
  LIST_MAX,
  paramDeclaration,
  type ParamDeclaration,
  typeOfValue,
} from './param-schema.ts';
import { isMap } from './placed.ts';
import { show, type UnplacedProblem } from './problem.ts';
import { text, valueName } from './rules.ts';
import { didYouMean } from './suggestion.ts';

export interface ParamValues {
  /** Of every param that has a right value. */
  values: Record<string, JsonValue>;
  /** All that are declared: a param without a right value is known, and what is said of it is said once. */
  names: string[];
  problems: UnplacedProblem[];
}

/** What the params of a plan are, from what its text declares and what was given beside it. */
export function paramValues(declared: unknown, given: Readonly<Record<string, unknown>>): ParamValues {
  const declarations = isMap(declared) ? declared : {};
  // A name that is none is told of as such.
  const names = Object.keys(declarations).filter((name) => valueName.safeParse(name).success);
  const values: [string, JsonValue][] = [];
  const problems: UnplacedProblem[] = [];
  for (const name of names) {
    const checked = paramDeclaration.safeParse(declarations[name]);
    // The schema's own problems are told with those of the rest of the text.
    if (!checked.success) continue;
    const declaration = declarationOf(checked.data);
    const wrong = declarationProblems(name, declaration);
    problems.push(...wrong);
    if (wrong.length > 0) continue;
    const found = valueOf(name, declaration, given);
    if ('problem' in found) problems.push(found.problem);
    else values.push([name, found.value]);
  }
  problems.push(...unknownParams(Object.keys(given), names));
  return { values: Object.fromEntries(values), names, problems };
}

/** What is wrong with a declaration itself. */
function declarationProblems(name: string, declaration: ParamDeclaration): UnplacedProblem[] {
  const { type, default: otherwise, enum: allowed } = declaration;
  const path = ['params', name];
  const problems: UnplacedProblem[] = [];
  for (const [index, value] of (allowed ?? []).entries()) {
    if (typeOfValue(value) !== type || type === 'list') {
      const message = type === 'list' ? 'a list cannot have an `enum`' : `${wordValue(value)} is no ${type}`;
      problems.push({ code: 'wrong-value', message, path: [...path, 'enum', index] });
    }
  }
  if (otherwise === undefined) return problems;
  const message = typeProblem(otherwise, declaration);
  if (message !== null) problems.push({ code: 'wrong-value', message, path: [...path, 'default'] });
  return problems;
}

function valueOf(
  name: string,
  declaration: ParamDeclaration,
  given: Readonly<Record<string, unknown>>,
): { value: JsonValue } | { problem: UnplacedProblem } {
  const path = ['params', name];
  if (!Object.hasOwn(given, name)) {
    if (declaration.default !== undefined) return { value: declaration.default };
    const message = `the param \`${name}\` must be given`;
    return { problem: { code: 'missing-param', message, path, atKey: true, hint: `--param ${name}=...` } };
  }
  const value = fromText(given[name], declaration.type);
  const message = typeProblem(value, declaration);
  if (message === null) return { value: value as JsonValue };
  return {
    problem: { code: 'wrong-param', message: `the param \`${name}\`: ${message}`, path, atKey: true },
  };
}

/** A command line gives texts only. */
function fromText(given: unknown, type: ParamDeclaration['type']): unknown {
  if (typeof given !== 'string') return given;
  switch (type) {
    case 'string':
      return given;
    case 'number':
      return /^[+-]?\d{1,17}(\.\d{1,17})?([eE][+-]?\d{1,3})?$/.test(given) ? Number(given) : given;
    case 'boolean':
      return given === 'true' ? true : given === 'false' ? false : given;
    case 'list':
      return listFromText(given);
  }
}

function listFromText(given: string): unknown {
  const trimmed = given.trim();
  if (trimmed === '') return [];
  if (!trimmed.startsWith('[')) return given.split(',').map((item) => item.trim());
  try {
    return JSON.parse(trimmed);
  } catch {
    return given;
  }
}

const WANTED = { string: 'text', number: 'a number', boolean: 'true or false', list: 'a list' } as const;

function typeProblem(value: unknown, { type, enum: allowed }: ParamDeclaration): string | null {
  if (typeOfValue(value) !== type) return `expected ${WANTED[type]}, got ${wordValue(value)}`;
  const items = Array.isArray(value) ? (value as unknown[]) : [value];
  if (items.length > LIST_MAX) return `a list of more than ${LIST_MAX}`;
  for (const item of items) {
    const wrong = itemProblem(item);
    if (wrong !== null) return wrong;
  }
  if (allowed && !allowed.some((one) => one === value)) {
    const known = allowed.map(String);
    const nearest = didYouMean(String(value), known);
    const which = nearest
      ? `; did you mean ${show(nearest)}?`
      : `: ${known.slice(0, 20).map(show).join(', ')}`;
    return `${wordValue(value)} is not one of those that it may have${which}`;
  }
  return null;
}

const itemText = text(32_768);

function itemProblem(item: unknown): string | null {
  const type = typeOfValue(item);
  if (type === null || type === 'list')
    return `a list holds texts, numbers, true and false, not ${wordValue(item)}`;
  if (typeof item !== 'string') return null;
  const checked = itemText.safeParse(item);
  return checked.success ? null : (checked.error.issues[0]?.message ?? 'no text');
}

function wordValue(value: unknown): string {
  if (typeof value === 'string') return show(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === null || value === undefined
    ? 'nothing'
    : Array.isArray(value)
      ? 'a list'
      : 'a map of keys';
}

const UNKNOWN_MAX = 20;

function unknownParams(given: readonly string[], names: readonly string[]): UnplacedProblem[] {
  const known = new Set(names);
  return given
    .filter((name) => !known.has(name))
    .slice(0, UNKNOWN_MAX)
    .map((name) => {
      const nearest = didYouMean(name, names);
      const hint = nearest
        ? `did you mean \`${nearest}\`?`
        : names.length > 0
          ? `it declares ${names.slice(0, 20).join(', ')}`
          : 'it declares none';
      return {
        code: 'unknown-param',
        message: `the plan declares no param ${show(name)}`,
        path: ['params'],
        atKey: true,
        hint,
      };
    });
}
