import { z } from 'zod';
import type { JsonValue } from '#domain';
import { optionally, use } from './key-facts.ts';
import { text } from './rules.ts';

/** How a plan text declares its params. */

export const PARAM_TYPES = ['string', 'number', 'boolean', 'list'] as const;
export type ParamType = (typeof PARAM_TYPES)[number];

const TEXT_MAX = 32_768;
export const LIST_MAX = 10_000;

const scalars = [text(TEXT_MAX), z.number(), z.boolean()] as const;
const scalar = z.union(scalars, { error: 'expected text, a number, true or false' });
const list = z.array(scalar).max(LIST_MAX);
const value = z.union([...scalars, list], {
  error: 'expected text, a number, true, false or a list of them',
});

export const paramMap = z.strictObject({
  type: optionally(z.enum(PARAM_TYPES), 'that of `default`, else string').describe(
    'What it is. A list is given as JSON or with commas between.',
  ),
  default: value.optional().describe('Its value when none is given. Without one it must be given.'),
  enum: z
    .array(scalar)
    .min(1, 'the list is empty')
    .max(1_000)
    .optional()
    .describe('The values that it may have.'),
  description: use('opaque', text(1_000)).optional().describe('For people.'),
});

export const paramDeclaration = z
  .union([...scalars, list, paramMap], {
    error: 'expected { type, default, enum, description } or a default value',
  })
  .describe('What the param is, or its default value, which also says its type.');

export interface ParamDeclaration {
  type: ParamType;
  /** undefined: it must be given. */
  default: JsonValue | undefined;
  enum: (string | number | boolean)[] | null;
}

/** The declaration that a checked value of `params` is. */
export function declarationOf(given: z.output<typeof paramDeclaration>): ParamDeclaration {
  if (typeof given !== 'object' || Array.isArray(given)) {
    return { type: typeOfValue(given)!, default: given, enum: null };
  }
  const example = given.default ?? given.enum?.[0];
  const type = given.type ?? (example === undefined ? 'string' : typeOfValue(example)!);
  return { type, default: given.default, enum: given.enum ?? null };
}

export function typeOfValue(value: unknown): ParamType | null {
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return typeof value as 'string' | 'boolean';
    case 'number':
      return Number.isFinite(value) ? 'number' : null;
    default:
      return null;
  }
}
