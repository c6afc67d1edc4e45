import { ExpressionError, type JsonValue } from '#domain';
import { countOf, describe, listOf, textOf, wrong } from './arguments.ts';
import { jsonText } from './json-text.ts';
import type { Meter } from './meter.ts';
import { compareValues, equalValues } from './values.ts';

export function range([given]: JsonValue[], meter: Meter): JsonValue[] {
  const count = countOf('range', given!);
  meter.spendOnList(count);
  return Array.from({ length: count }, (_, index) => index);
}

export function chunk([given, most]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('chunk', given!);
  const length = countOf('chunk', most!);
  if (length === 0) throw new ExpressionError('chunk() takes at least 1 item per list');
  meter.spendOnList(list.length);
  const chunks: JsonValue[][] = [];
  for (let from = 0; from < list.length; from += length) chunks.push(list.slice(from, from + length));
  return chunks;
}

export function flatten([given]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('flatten', given!);
  const length = list.reduce<number>((total, item) => total + (Array.isArray(item) ? item.length : 1), 0);
  meter.spendOnList(list.length + length);
  return list.flat();
}

export function distinct([given]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('distinct', given!);
  const seen = new Set<string>();
  return list.filter((item) => {
    // Maps that differ in the order of their keys only are equal to `==`, but rarely made; each stays.
    const key = jsonText(item, meter);
    return !seen.has(key) && seen.add(key);
  });
}

export function sort([given]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('sort', given!);
  meter.spend(list.length * Math.max(1, Math.ceil(Math.log2(list.length + 1))));
  return [...list].sort((a, b) => {
    if (equalValues(a, b, meter)) return 0;
    return compareValues(a, b, meter) ? -1 : 1;
  });
}

export function slice([given, from, to]: JsonValue[], meter: Meter): JsonValue[] {
  const list = listOf('slice', given!);
  const [start, end] = [countOf('slice', from!), countOf('slice', to!)];
  meter.spendOnList(list.length);
  return list.slice(start, end);
}

export function sum([given]: JsonValue[], meter: Meter): number {
  const list = listOf('sum', given!);
  meter.spendOnList(list.length);
  const total = list.reduce<number>((before, item) => {
    if (typeof item !== 'number') throw wrong('sum', 'a list of numbers', item);
    return before + item;
  }, 0);
  if (!Number.isFinite(total)) throw new ExpressionError('the sum is too large');
  return total;
}

export function join([given, separator = '']: JsonValue[], meter: Meter): string {
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
