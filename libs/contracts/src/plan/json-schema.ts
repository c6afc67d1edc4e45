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

let made: JsonSchema | null = null;

/** The format for editors and other programs; committed as docs/plan.schema.json. Made once: it costs milliseconds. */
export function planJsonSchema(): JsonSchema {
  made ??= {
    ...(z.toJSONSchema(planTextSchema, { io: 'input' }) as JsonSchema),
    title: 'Skein plan, version 1',
  };
  return made;
}
