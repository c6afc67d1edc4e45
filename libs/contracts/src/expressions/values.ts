import { ExpressionError, type JsonValue } from '#domain';
import type { Meter } from './meter.ts';

/** What a value is, in the words of the documentation. */
export function typeName(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'a text';
    case 'number':
      return 'a number';
    case 'boolean':
      return 'true/false';
    default:
      return 'a map';
  }
}

const DEPTH_MAX = 64;

/** Deep, and the order of keys does not matter. Values of different types are not equal. */
export function equalValues(a: JsonValue, b: JsonValue, meter: Meter, depth = 0): boolean {
  meter.spend(1);
  if (a === b) return true;
  if (depth > DEPTH_MAX) throw new ExpressionError(`nested more than ${DEPTH_MAX} levels deep`);
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length === b.length) meter.spendOnText(a.length);
    return false;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => equalValues(item, b[index]!, meter, depth + 1));
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equalValues(a[key]!, b[key]!, meter, depth + 1));
}

/** Whether `a` comes before `b`: two numbers, or two texts by their characters' numbers. */
export function compareValues(a: JsonValue, b: JsonValue, meter: Meter): boolean {
  meter.spend(1);
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') {
    meter.spendOnText(Math.min(a.length, b.length));
    return a < b;
  }
  throw new ExpressionError(`${typeName(a)} and ${typeName(b)} have no order`);
}

/** What an expression gives is recorded: a copy of its own, and not large. */
export const RESULT_BYTES_MAX = 65_536;

/** A copy that shares nothing with what the expression looked at. Throws ExpressionError past 64 KB of JSON. */
export function copyResult(value: JsonValue): JsonValue {
  let left = RESULT_BYTES_MAX;
  const pay = (bytes: number): void => {
    left -= bytes;
    if (left < 0) throw new ExpressionError(`it gives more than ${RESULT_BYTES_MAX / 1_024} KB of JSON`);
  };
  const copy = (from: JsonValue, depth: number): JsonValue => {
    if (depth > DEPTH_MAX)
      throw new ExpressionError(`it gives more than ${DEPTH_MAX} levels of lists and maps`);
    if (typeof from === 'string') {
      // The length first: measuring a huge text is work, too.
      pay(from.length + 2);
      pay(Buffer.byteLength(JSON.stringify(from)) - from.length - 2);
      return from;
    }
    if (typeof from !== 'object' || from === null) {
      pay(String(from).length);
      return from;
    }
    pay(2);
    if (Array.isArray(from)) return from.map((item) => (pay(1), copy(item, depth + 1)));
    const entries = Object.entries(from).map(([key, item]): [string, JsonValue] => {
      pay(Buffer.byteLength(JSON.stringify(key)) + 2);
      return [key, copy(item, depth + 1)];
    });
    return Object.fromEntries(entries);
  };
  return copy(value, 0);
}
