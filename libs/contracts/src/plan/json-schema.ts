import { z } from 'zod';
import { planTextSchema } from './text-schema.ts';

export interface JsonSchema {
  description?: string;
  type?: string;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  [keyword: string]: unknown;
}

/** The format for editors and other programs; committed as docs/plan.schema.json. */
export function planJsonSchema(): JsonSchema {
  return {
    ...(z.toJSONSchema(planTextSchema, { io: 'input' }) as JsonSchema),
    title: 'Skein plan, version 1',
  };
}
