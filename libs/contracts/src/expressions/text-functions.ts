import { ExpressionError, type JsonValue } from '#domain';
import { characterCount, characters, charactersBetween, countOf, textOf } from './arguments.ts';
import type { Meter } from './meter.ts';

type Call = (args: JsonValue[], meter: Meter) => JsonValue;

export function split([given, separator]: JsonValue[], meter: Meter): string[] {
  const text = textOf('split', given!);
  const between = textOf('split', separator!);
  meter.spendOnText(text.length * 8);
  return between === '' ? characters(text) : text.split(between);
}

export function textTest(test: 'includes' | 'startsWith' | 'endsWith'): Call {
  const name = test === 'includes' ? 'contains' : test;
  return ([given, part], meter) => {
    const text = textOf(name, given!);
    const wanted = textOf(name, part!);
    meter.spendOnText(text.length);
    return text[test](wanted);
  };
}

export function indexOf([given, part]: JsonValue[], meter: Meter): number {
  const text = textOf('indexOf', given!);
  meter.spendOnText(text.length);
  return countBefore(text, text.indexOf(textOf('indexOf', part!)));
}

export function lastIndexOf([given, part]: JsonValue[], meter: Meter): number {
  const text = textOf('lastIndexOf', given!);
  meter.spendOnText(text.length);
  return countBefore(text, text.lastIndexOf(textOf('lastIndexOf', part!)));
}

export function substring([given, from, to]: JsonValue[], meter: Meter): string {
  const text = textOf('substring', given!);
  meter.spendOnText(text.length * 2);
  const length = characterCount(text);
  const start = countOf('substring', from!);
  const end = to === undefined ? length : countOf('substring', to);
  if (start > end || end > length) {
    throw new ExpressionError(`substring(${start}, ${end}) of a text of ${length} characters`);
  }
  return charactersBetween(text, start, end);
}

export function replace([given, old, put]: JsonValue[], meter: Meter): string {
  const text = textOf('replace', given!);
  const from = textOf('replace', old!);
  const to = textOf('replace', put!);
  if (from === '') throw new ExpressionError('replace() takes a text to replace that is not empty');
  meter.spendOnText(text.length);
  const parts = text.split(from);
  meter.spendOnText(text.length + parts.length * to.length);
  return parts.join(to);
}

export function trim([given]: JsonValue[], meter: Meter): string {
  const text = textOf('trim', given!);
  meter.spendOnText(text.length);
  return text.trim();
}

export function lowerAscii([given]: JsonValue[], meter: Meter): string {
  const text = textOf('lowerAscii', given!);
  meter.spendOnText(text.length);
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function upperAscii([given]: JsonValue[], meter: Meter): string {
  const text = textOf('upperAscii', given!);
  meter.spendOnText(text.length);
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

function countBefore(text: string, at: number): number {
  return at < 0 ? at : characterCount(text.slice(0, at));
}
