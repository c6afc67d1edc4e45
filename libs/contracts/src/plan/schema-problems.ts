import type { z } from 'zod';
import { below, type KeyNode, planKeys } from './key-tree.ts';
import { show, type TextPath, type UnplacedProblem } from './problem.ts';
import { didYouMean } from './suggestion.ts';

/** Of one map. */
const KEYS_MAX = 100;

type Issue = z.core.$ZodIssue;

/** Says for people what the schema found, in the first `issuesMax` of its issues. */
export function wordIssues(issues: readonly Issue[], issuesMax: number): UnplacedProblem[] {
  return issues.slice(0, issuesMax).flatMap((issue) => wordIssue(issue, issue.path.map(plainPart)));
}

function wordIssue(issue: Issue, path: TextPath): UnplacedProblem[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, KEYS_MAX).map((key) => wordUnknownKey(key, path));
    case 'invalid_union':
      return wordUnion(issue, path);
    case 'invalid_key':
      return [{ code: 'wrong-value', message: issue.issues[0]?.message ?? issue.message, path, atKey: true }];
    case 'invalid_type':
      return [wordWrongType(issue, path)];
    case 'invalid_value':
      return [wordWrongValue(issue, path)];
    case 'too_small':
    case 'too_big':
      return [{ code: 'wrong-value', message: wordBound(issue), path }];
    default:
      return [{ code: 'wrong-value', message: issue.message, path }];
  }
}

function wordUnknownKey(key: string, path: TextPath): UnplacedProblem {
  const known = keysAt(path);
  const nearest = didYouMean(key, known);
  const hint =
    key === '<<'
      ? 'merge keys are not part of YAML 1.2: write the keys out'
      : nearest
        ? `did you mean \`${nearest}\`?`
        : known.length > 0
          ? `known here: ${known.join(', ')}`
          : undefined;
  return {
    code: 'unknown-key',
    message: `unknown key ${plainKey(key)}`,
    path: [...path, key],
    atKey: true,
    ...(hint ? { hint } : {}),
  };
}

/** The branch that the value was meant for is the one whose outermost type fits; if none fits, say what would. */
function wordUnion(issue: Extract<Issue, { code: 'invalid_union' }>, path: TextPath): UnplacedProblem[] {
  if (issue.input === undefined) return [missing(path)];
  const fitting = issue.errors.filter((branch) => !branch.some((inner) => isOutermost(inner)));
  const meant = fitting.length === 1 ? fitting[0] : undefined;
  if (!meant)
    return [{ code: 'wrong-type', message: `${issue.message}, got ${wordValue(issue.input)}`, path }];
  return meant.flatMap((inner) => wordIssue(inner, [...path, ...inner.path.map(plainPart)]));
}

function isOutermost(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

const EXPECTED: Record<string, string> = {
  string: 'text',
  int: 'a whole number',
  number: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
};

function wordWrongType(issue: Extract<Issue, { code: 'invalid_type' }>, path: TextPath): UnplacedProblem {
  if (issue.input === undefined) return missing(path);
  const expected = EXPECTED[issue.expected] ?? issue.expected;
  const isUnquoted = issue.expected === 'string' && ['number', 'boolean'].includes(typeof issue.input);
  const isYes =
    issue.expected === 'boolean' && typeof issue.input === 'string' && /^(yes|no|on|off)$/i.test(issue.input);
  const hint = isUnquoted ? 'put it in quotes' : isYes ? 'YAML 1.2 knows only true and false' : undefined;
  return {
    code: 'wrong-type',
    message: `expected ${expected}, got ${wordValue(issue.input)}`,
    path,
    ...(hint ? { hint } : {}),
  };
}

function missing(path: TextPath): UnplacedProblem {
  return { code: 'missing-key', message: `the key \`${String(path.at(-1))}\` is missing`, path };
}

function wordWrongValue(issue: Extract<Issue, { code: 'invalid_value' }>, path: TextPath): UnplacedProblem {
  if (issue.input === undefined) return missing(path);
  const values = issue.values.map(String);
  const expected = values.length === 1 ? issue.message : `expected one of ${values.join(', ')}`;
  const nearest = typeof issue.input === 'string' ? didYouMean(issue.input, values) : null;
  return {
    code: 'wrong-value',
    message: `${expected}, got ${wordValue(issue.input)}`,
    path,
    ...(nearest ? { hint: `did you mean \`${nearest}\`?` } : {}),
  };
}

function wordBound(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  if (issue.origin === 'string') return issue.message;
  if (issue.origin === 'array') {
    return issue.code === 'too_small' ? issue.message : `a list of at most ${String(issue.maximum)}`;
  }
  return issue.code === 'too_small'
    ? `expected at least ${String(issue.minimum)}, got ${String(issue.input)}`
    : `expected at most ${String(issue.maximum)}, got ${String(issue.input)}`;
}

function wordValue(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map of keys';
  return typeof value === 'string' ? show(value) : `${value as number | boolean}`;
}

function keysAt(path: TextPath): string[] {
  const here = path.reduce<KeyNode | null>((node, part) => node && below(node, part), planKeys());
  return here ? [...here.keys.keys()] : [];
}

function plainKey(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(key) ? `\`${key}\`` : show(key);
}

function plainPart(part: PropertyKey): string | number {
  return typeof part === 'number' ? part : String(part);
}
