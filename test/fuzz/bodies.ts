import type { Chance } from '../sim/core/chance.ts';
import type { Json, Schema } from './document.ts';
import { hostileValue, hostileWord } from './noise.ts';

/** A value that a schema takes. Texts are short: what matters in them, their users put there. */
export function valueOf(schema: Schema, chance: Chance): Json {
  if (schema.enum) return chance.pick(schema.enum);
  if (schema.anyOf) return valueOf(chance.pick(schema.anyOf), chance);
  const type = Array.isArray(schema.type) ? chance.pick(schema.type) : schema.type;
  if (type === 'object') return objectOf(schema, chance);
  if (type === 'array')
    return Array.from({ length: chance.int(0, Math.min(3, schema.maxItems ?? 3)) }, () =>
      valueOf(schema.items ?? {}, chance),
    );
  if (type === 'integer' || type === 'number') return wholeOf(schema, chance);
  if (type === 'boolean') return chance.bool(0.5);
  if (type === 'null') return null;
  const text = chance.pick([
    'because',
    'x',
    'two words',
    'Ünïcödé \u{1f9f5}',
    '\u001b[31mred\u001b[0m',
    '${{ params.size }}',
  ]);
  const least = schema.minLength ?? 0;
  if (chance.bool(0.05)) return 'm'.repeat(schema.maxLength ?? 500);
  return chance.bool(0.05) && least === 0 ? '' : text;
}

function objectOf(schema: Schema, chance: Chance): Json {
  const made: [string, Json][] = [];
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const needed = schema.required?.includes(name) ?? false;
    if (needed || chance.bool(0.4)) made.push([name, valueOf(part, chance)]);
  }
  const { additionalProperties: more } = schema;
  if (typeof more === 'object') {
    for (let left = chance.int(0, 2); left > 0; left -= 1)
      made.push([chance.pick(['size', 'list', 'a/b.yaml', 'x']), valueOf(more, chance)]);
  }
  return Object.fromEntries(made);
}

function wholeOf({ minimum = 0, maximum = 1_000 }: Schema, chance: Chance): number {
  return chance.bool(0.15)
    ? chance.pick([minimum, maximum])
    : chance.int(minimum, Math.min(maximum, minimum + 60));
}

/** The value with one thing changed somewhere in it. */
export function almost(value: Json, chance: Chance): Json {
  if (typeof value !== 'object' || value === null || chance.bool(0.1)) return hostileValue(chance);
  if (Array.isArray(value))
    return chance.bool(0.5) ? [...value, hostileValue(chance)] : value.map((one) => almost(one, chance));
  const entries = Object.entries(value);
  const at = chance.int(0, Math.max(0, entries.length - 1));
  const entry = entries[at];
  const change = chance.next();
  if (!entry || change < 0.3) {
    const name = chance.bool(0.5) ? 'extra' : hostileWord(chance).slice(0, 300);
    entries.push([name, hostileValue(chance)]);
  } else if (change < 0.4) entries.splice(at, 1);
  else if (change < 0.5) entry[0] = `${entry[0]}s`;
  else if (typeof entry[1] === 'string' && change < 0.65) entry[1] = `${entry[1]}${'x'.repeat(20_000)}`;
  else if (typeof entry[1] === 'number')
    entry[1] = chance.pick<Json>([-1, 0, 1.5, 1e18, String(entry[1]), 101]);
  else entry[1] = almost(entry[1], chance);
  return Object.fromEntries(entries);
}
