/** The API's own description, as far as requests are made of it and answers held against it. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: Json[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schema: Schema;
}

export interface Response {
  description: string;
  headers?: Record<string, unknown>;
  content?: Record<string, { schema: Schema; 'x-event-schema'?: Schema }>;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  pattern: RegExp;
  parameters: Parameter[];
  body: Schema | null;
  responses: Record<string, Response>;
}

export interface ApiDocument {
  paths: Record<string, Record<string, Record<string, unknown>>>;
  components: { schemas: Record<string, Schema> };
}

export function operationsOf(document: ApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => operation(path, method, one)),
  );
}

/** A slash at the end is let be; HEAD is as GET. */
export function operationAt(
  operations: readonly Operation[],
  method: string,
  address: string,
): Operation | null {
  const path = address.replace(/^http:\/\/[^/]*/, '').split('?', 1)[0] ?? '';
  const as = method === 'HEAD' ? 'GET' : method;
  return operations.find((one) => one.method === as && one.pattern.test(path)) ?? null;
}

function operation(path: string, method: string, one: Record<string, unknown>): Operation {
  const body = one['requestBody'] as { content: Record<string, { schema: Schema }> } | undefined;
  return {
    id: one['operationId'] as string,
    method: method.toUpperCase(),
    path,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`),
    parameters: (one['parameters'] ?? []) as Parameter[],
    body: body?.content['application/json']?.schema ?? null,
    responses: one['responses'] as Record<string, Response>,
  };
}
