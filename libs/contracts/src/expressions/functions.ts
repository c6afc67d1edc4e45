import { ExpressionError, type JsonValue } from '#domain';
import { show } from '../plan/problem.ts';
import type { Meter } from './meter.ts';
import { compareValues, equalValues, typeName } from './values.ts';

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
    return characters(value).length;
  }
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw wrong('size', 'a text, list or map', value!);
}

function toText([value]: JsonValue[], meter: Meter): string {
  if (typeof value === 'string') return value;
  return jsonText(value!, meter);
}

/** JSON of any value, paid for before it is made. */
export function jsonText(value: JsonValue, meter: Meter): string {
  payFor(value, meter, 0);
  const text = JSON.stringify(value);
  meter.spendOnText(text.length);
  return text;
}

const DEPTH_MAX = 64;

function payFor(value: JsonValue, meter: Meter, depth: number): void {
  if (depth > DEPTH_MAX) throw new ExpressionError(`nested more than ${DEPTH_MAX} levels deep`);
  if (typeof value === 'string') meter.spendOnText(value.length);
  else meter.spend(1);
  if (typeof value !== 'object' || value === null) return;
  for (const inner of Object.values(value)) payFor(inner, meter, depth + 1);
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

function range([given]: JsonValue[], meter: Meter): JsonValue[] {
  const count = countOf('range', given!);
  meter.spendOnList(count);
  return Array.from({ length: count }, (_, index) => index);
}

function chunk([given, most]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('chunk', given!);
  const length = countOf('chunk', most!);
  if (length === 0) throw new ExpressionError('chunk() takes at least 1 item per list');
  meter.spendOnList(list.length);
  const chunks: JsonValue[][] = [];
  for (let from = 0; from < list.length; from += length) chunks.push(list.slice(from, from + length));
  return chunks;
}

function flatten([given]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('flatten', given!);
  const length = list.reduce<number>((total, item) => total + (Array.isArray(item) ? item.length : 1), 0);
  meter.spendOnList(list.length + length);
  return list.flat();
}

function distinct([given]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('distinct', given!);
  const seen = new Set<string>();
  return list.filter((item) => {
    // Maps that differ in the order of their keys only are equal to `==`, but rarely made; each stays.
    const key = jsonText(item, meter);
    return !seen.has(key) && seen.add(key);
  });
}

function sort([given]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('sort', given!);
  meter.spend(list.length * Math.max(1, Math.ceil(Math.log2(list.length + 1))));
  return [...list].sort((a, b) => {
    if (equalValues(a, b, meter)) return 0;
    return compareValues(a, b, meter) ? -1 : 1;
  });
}

function slice([given, from, to]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('slice', given!);
  const [start, end] = [countOf('slice', from!), countOf('slice', to!)];
  meter.spendOnList(list.length);
  return list.slice(start, end);
}

function sum([given]: JsonValue[], meter: Meter): number {
  const list = listOf('sum', given!);
  meter.spendOnList(list.length);
  const total = list.reduce<number>((before, item) => {
    if (typeof item !== 'number') throw wrong('sum', 'a list of numbers', item);
    return before + item;
  }, 0);
  if (!Number.isFinite(total)) throw new ExpressionError('the sum is too large');
  return total;
}

function join([given, separator = '']: JsonValue[], meter: Meter): string {
  const list = listOf('join', given!);
  const between = textOf('join', separator);
  let length = 0;
  const texts = list.map((item) => {
    if (typeof item !== 'string') {
      throw new ExpressionError(
        `join() takes a list of texts; this one holds ${describe(item)} (make texts of them by .map(x, string(x)))`,
      );
    }
    meter.spend(1);
    length += item.length + between.length;
    return item;
  });
  meter.spendOnText(length);
  return texts.join(between);
}

function split([given, separator]: JsonValue[], meter: Meter): string[] {
  const text = textOf('split', given!);
  const between = textOf('split', separator!);
  meter.spendOnText(text.length * 8);
  return between === '' ? characters(text) : text.split(between);
}

function textTest(test: 'includes' | 'startsWith' | 'endsWith'): Call {
  const name = test === 'includes' ? 'contains' : test;
  return ([given, part], meter) => {
    const text = textOf(name, given!);
    const wanted = textOf(name, part!);
    meter.spendOnText(text.length);
    return text[test](wanted);
  };
}

function indexOf([given, part]: JsonValue[], meter: Meter): number {
  const text = textOf('indexOf', given!);
  meter.spendOnText(text.length);
  return countBefore(text, text.indexOf(textOf('indexOf', part!)));
}

function lastIndexOf([given, part]: JsonValue[], meter: Meter): number {
  const text = textOf('lastIndexOf', given!);
  meter.spendOnText(text.length);
  return countBefore(text, text.lastIndexOf(textOf('lastIndexOf', part!)));
}

function substring([given, from, to]: JsonValue[], meter: Meter): string {
  const text = textOf('substring', given!);
  meter.spendOnText(text.length * 2);
  const all = characters(text);
  const start = countOf('substring', from!);
  const end = to === undefined ? all.length : countOf('substring', to);
  if (start > end || end > all.length) {
    throw new ExpressionError(`substring(${start}, ${end}) of a text of ${all.length} characters`);
  }
  return all.slice(start, end).join('');
}

function replace([given, old, put]: JsonValue[], meter: Meter): string {
  const text = textOf('replace', given!);
  const from = textOf('replace', old!);
  const to = textOf('replace', put!);
  if (from === '') throw new ExpressionError('replace() takes a text to replace that is not empty');
  meter.spendOnText(text.length);
  const parts = text.split(from);
  meter.spendOnText(text.length + parts.length * to.length);
  return parts.join(to);
}

function trim([given]: JsonValue[], meter: Meter): string {
  const text = textOf('trim', given!);
  meter.spendOnText(text.length);
  return text.trim();
}

function lowerAscii([given]: JsonValue[], meter: Meter): string {
  const text = textOf('lowerAscii', given!);
  meter.spendOnText(text.length);
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function upperAscii([given]: JsonValue[], meter: Meter): string {
  const text = textOf('upperAscii', given!);
  meter.spendOnText(text.length);
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** Whole characters: a position never falls into the middle of one. */
function characters(text: string): string[] {
  return Array.from(text);
}

function countBefore(text: string, at: number): number {
  return at < 0 ? at : characters(text.slice(0, at)).length;
}

function textOf(name: string, value: JsonValue): string {
  if (typeof value === 'string') return value;
  throw wrong(name, 'a text', value);
}

function listOf(name: string, value: JsonValue): JsonValue[] {
  if (Array.isArray(value)) return value;
  throw wrong(name, 'a list', value);
}

function countOf(name: string, value: JsonValue): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(name, 'a whole number from 0 on', value);
}

function wrong(name: string, expected: string, value: JsonValue): ExpressionError {
  return new ExpressionError(`${name}() takes ${expected}, not ${describe(value)}`);
}

/** A value for a message: what it is and, when it is short, which. */
export function describe(value: JsonValue): string {
  return typeof value === 'string'
    ? show(value)
    : typeof value === 'object'
      ? typeName(value)
      : String(value);
}
