import { ExpressionError, type JsonValue } from '#domain';
import type { Meter } from './meter.ts';

const DEPTH_MAX = 64;

/** JSON of any value, paid for before it is made. */
export function jsonText(value: JsonValue, meter: Meter): string {
  payFor(value, meter, 0);
  const text = JSON.stringify(value);
  meter.spendOnText(text.length);
  return text;
}

function payFor(value: JsonValue, meter: Meter, depth: number): void {
  if (depth > DEPTH_MAX) throw new ExpressionError(`nested more than ${DEPTH_MAX} levels deep`);
  if (typeof value === 'string') meter.spendOnText(value.length);
  else meter.spend(1);
  if (typeof value !== 'object' || value === null) return;
  for (const inner of Object.values(value)) payFor(inner, meter, depth + 1);
}
