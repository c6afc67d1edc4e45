import { ExpressionError, type JsonValue } from '#domain';
import { show } from '../plan/problem.ts';
import { typeName } from './values.ts';

/** What the functions are given, checked, and how they say what is wrong with it. */

export function textOf(name: string, value: JsonValue): string {
  if (typeof value === 'string') return value;
  throw wrong(name, 'a text', value);
}

export function listOf(name: string, value: JsonValue): JsonValue[] {
  if (Array.isArray(value)) return value;
  throw wrong(name, 'a list', value);
}

export function countOf(name: string, value: JsonValue): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(name, 'a whole number from 0 on', value);
}

export function wrong(name: string, expected: string, value: JsonValue): ExpressionError {
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

const PAIRED = /[\ud800-\udbff]/;

/** Whole characters: a position never falls into the middle of one. */
export function characters(text: string): string[] {
  return Array.from(text);
}

export function characterCount(text: string): number {
  return PAIRED.test(text) ? characters(text).length : text.length;
}

/** From the character at `start` to before the one at `end`. */
export function charactersBetween(text: string, start: number, end: number): string {
  return PAIRED.test(text) ? characters(text).slice(start, end).join('') : text.slice(start, end);
}
