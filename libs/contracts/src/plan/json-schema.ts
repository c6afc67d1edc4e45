import { z } from 'zod';
import { type ExpressionUse, keyFacts } from './key-facts.ts';
import { planTextSchema } from './text-schema.ts';

export interface JsonSchema {
  description?: string;
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  default?: unknown;
  [keyword: string]: unknown;
}

/** The format with what the schema says of its keys beyond their types. */
export interface AnnotatedSchema extends JsonSchema {
  properties?: Record<string, AnnotatedSchema>;
  additionalProperties?: boolean | AnnotatedSchema;
  items?: AnnotatedSchema;
  anyOf?: AnnotatedSchema[];
  'x-use'?: ExpressionUse;
  'x-otherwise'?: string;
}

let annotated: AnnotatedSchema | null = null;
let made: JsonSchema | null = null;

/** Made once: it costs milliseconds. */
export function annotatedPlanSchema(): AnnotatedSchema {
  annotated ??= {
    ...(z.toJSONSchema(planTextSchema, {
      io: 'input',
      override: ({ zodSchema, jsonSchema }) => {
        const facts = keyFacts.get(zodSchema as unknown as z.ZodType);
        if (facts?.use) jsonSchema['x-use'] = facts.use;
        if (facts?.otherwise) jsonSchema['x-otherwise'] = facts.otherwise;
      },
    }) as AnnotatedSchema),
    title: 'Skein plan, version 1',
  };
  return annotated;
}

/** The format for editors and other programs; committed as docs/plan.schema.json. */
export function planJsonSchema(): JsonSchema {
  made ??= forEditors(annotatedPlanSchema());
  return made;
}

const EXPRESSION = {
  type: 'string',
  pattern: '\\$\\{\\{',
  description: 'An expression: ${{ params.name }}',
};

/** Where an expression may stand for a value of another type, editors must not call it wrong. */
function forEditors(schema: AnnotatedSchema): JsonSchema {
  const { 'x-use': used, ...plain } = schema;
  delete plain['x-otherwise'];
  const own: JsonSchema = {
    ...plain,
    ...(schema.properties && { properties: mapValues(schema.properties, forEditors) }),
    ...(typeof schema.additionalProperties === 'object' && {
      additionalProperties: forEditors(schema.additionalProperties),
    }),
    ...(schema.items && { items: forEditors(schema.items) }),
    ...(schema.anyOf && { anyOf: schema.anyOf.map(forEditors) }),
  };
  return isReplaceable(used) && !takesAnyText(schema) ? withExpression(own) : own;
}

function isReplaceable(used: ExpressionUse | undefined): boolean {
  return used === 'static' || used === 'text' || used === 'glob' || used === 'wait';
}

function takesAnyText(schema: AnnotatedSchema): boolean {
  if (schema.anyOf) return schema.anyOf.some(takesAnyText);
  return schema.type === 'string' && schema['pattern'] === undefined && schema['enum'] === undefined;
}

/** What is said of the key stays outside; the kinds of its value become alternatives. */
function withExpression(schema: JsonSchema): JsonSchema {
  const { description, default: otherwise, anyOf, ...value } = schema;
  return {
    anyOf: [...(anyOf ?? [value]), EXPRESSION],
    ...(description === undefined ? {} : { description }),
    ...(otherwise === undefined ? {} : { default: otherwise }),
  };
}

function mapValues<A, B>(map: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}
