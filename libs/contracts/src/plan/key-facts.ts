import { z } from 'zod';

/**
 * What becomes of an expression in the value of a key.
 * static: replaced when the plan is submitted; one that is all of the value keeps its type.
 * text: the same, where text is expected: a number or true/false becomes its text.
 * The others are replaced when a step's needs are met: in commands, in globs, in plain text (`late`), as a bare
 * expression (`when`), or as a wait. opaque: the value is a program, and nothing in it is an expression of ours.
 */
export type ExpressionUse = 'static' | 'text' | 'late' | 'command' | 'glob' | 'bare' | 'wait' | 'opaque';

export interface KeyFacts {
  use?: ExpressionUse;
  /** What holds when the key is left out, where the schema's own default does not say it. */
  otherwise?: string;
}

/** What the schema says of keys beyond their types: read by the passes, the JSON Schema and the documentation. */
export const keyFacts = z.registry<KeyFacts>();

export function fact<T extends z.ZodType>(schema: T, facts: KeyFacts): T {
  const known = keyFacts.get(schema);
  keyFacts.add(schema, { ...known, ...facts });
  return schema;
}

/** A fresh schema each time: facts belong to one place of the format. */
export function use<T extends z.ZodType>(how: ExpressionUse, schema: T): T {
  return fact(schema.clone(), { use: how });
}

/** The key may be left out, and then `otherwise` holds. */
export function optionally<T extends z.ZodType>(schema: T, otherwise: string): z.ZodOptional<T> {
  return fact(schema.optional(), { otherwise });
}
