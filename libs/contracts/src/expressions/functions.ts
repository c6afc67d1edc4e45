import { ExpressionError, type JsonValue } from '#domain';
import { characterCount, describe, wrong } from './arguments.ts';
import { jsonText } from './json-text.ts';
import { chunk, distinct, flatten, join, range, slice, sort, sum } from './list-functions.ts';
import type { Meter } from './meter.ts';
import {
  indexOf,
  lastIndexOf,
  lowerAscii,
  replace,
  split,
  substring,
  textTest,
  trim,
  upperAscii,
} from './text-functions.ts';

/** A function of the language. A method's receiver is its first argument. */
export interface ExpressionFunction {
  /** As the documentation writes it. */
  signature: string;
  about: string;
  forms: ('function' | 'method')[];
  /** Least and most arguments, the receiver included. */
  arity: [number, number];
  run(args: JsonValue[], meter: Meter): JsonValue;
}

type Call = (args: JsonValue[], meter: Meter) => JsonValue;

const METHOD: ExpressionFunction['forms'] = ['method'];
const FUNCTION: ExpressionFunction['forms'] = ['function'];
const EITHER: ExpressionFunction['forms'] = ['function', 'method'];

/**
 * All of them. Each is total and pure: the same on every machine, no regular expressions (a hostile pattern never comes
 * back), no clock, no time zones; each charges the meter for what it looks at and makes before it makes it.
 */
export const FUNCTIONS: ReadonlyMap<string, ExpressionFunction> = new Map<string, ExpressionFunction>([
  entry('size(x)', 'characters of a text, items of a list, keys of a map', EITHER, [1, 1], size),
  entry('string(x)', 'a number or true/false as text; a list or map as JSON', FUNCTION, [1, 1], toText),
  entry('int(x)', 'a text or number as a whole number; fractions are cut off', FUNCTION, [1, 1], toInt),
  entry('double(x)', 'a text as a number', FUNCTION, [1, 1], toNumber),
  entry('bool(x)', 'the texts `true` and `false` as what they say', FUNCTION, [1, 1], toBool),
  entry('range(n)', 'the list of 0 to n - 1', FUNCTION, [1, 1], range),
  entry('chunk(list, n)', 'the list as lists of n items, the last may be shorter', EITHER, [2, 2], chunk),
  entry(
    'list.flatten()',
    'lists in the list are replaced by their items, one level',
    METHOD,
    [1, 1],
    flatten,
  ),
  entry('list.distinct()', 'each item once, in the order of their first places', METHOD, [1, 1], distinct),
  entry('list.sort()', 'numbers or texts, smallest first', METHOD, [1, 1], sort),
  entry('list.slice(from, to)', 'items from (counted from 0) to before `to`', METHOD, [3, 3], slice),
  entry('list.sum()', 'the sum of numbers', METHOD, [1, 1], sum),
  entry('list.join(separator)', 'texts in one; without a separator nothing is between', METHOD, [1, 2], join),
  entry('text.split(separator)', 'the list of what is between', METHOD, [2, 2], split),
  entry('text.contains(part)', 'whether it holds the part', METHOD, [2, 2], textTest('includes')),
  entry('text.startsWith(part)', 'whether it begins so', METHOD, [2, 2], textTest('startsWith')),
  entry('text.endsWith(part)', 'whether it ends so', METHOD, [2, 2], textTest('endsWith')),
  entry('text.indexOf(part)', 'where the part begins, -1 when it is not there', METHOD, [2, 2], indexOf),
  entry('text.lastIndexOf(part)', 'where its last one begins', METHOD, [2, 2], lastIndexOf),
  entry(
    'text.substring(from, to)',
    'characters from `from` to before `to`, or to the end',
    METHOD,
    [2, 3],
    substring,
  ),
  entry('text.replace(old, new)', 'every `old` replaced', METHOD, [3, 3], replace),
  entry('text.trim()', 'without the space around it', METHOD, [1, 1], trim),
  entry('text.lowerAscii()', 'A to Z in lower case', METHOD, [1, 1], lowerAscii),
  entry('text.upperAscii()', 'a to z in upper case', METHOD, [1, 1], upperAscii),
]);

function entry(
  signature: string,
  about: string,
  forms: ExpressionFunction['forms'],
  arity: [number, number],
  run: Call,
): [string, ExpressionFunction] {
  const name = /([A-Za-z]+)\(/.exec(signature)![1]!;
  return [name, { signature, about, forms, arity, run }];
}

function size([value]: JsonValue[], meter: Meter): number {
  if (typeof value === 'string') {
    meter.spendOnText(value.length);
    return characterCount(value);
  }
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw wrong('size', 'a text, list or map', value!);
}

function toText([value]: JsonValue[], meter: Meter): string {
  if (typeof value === 'string') return value;
  return jsonText(value!, meter);
}

function toInt([value]: JsonValue[]): number {
  if (typeof value === 'number') return whole(Math.trunc(value));
  if (typeof value === 'string' && /^[+-]?\d{1,16}$/.test(value)) return whole(Number(value));
  throw new ExpressionError(`int() takes a number or a text of digits, not ${describe(value!)}`);
}

function whole(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new ExpressionError(`${value} is too large for a whole number`);
}

function toNumber([value]: JsonValue[]): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && /^[+-]?\d{1,17}(\.\d{1,17})?([eE][+-]?\d{1,3})?$/.test(value)) {
    const number = Number(value);
    if (Number.isFinite(number)) return number;
  }
  throw new ExpressionError(`double() takes a number or its text, not ${describe(value!)}`);
}

function toBool([value]: JsonValue[]): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new ExpressionError(`bool() takes true, false or one of their texts, not ${describe(value!)}`);
}
