import { z } from 'zod';
import { problemAnswer } from './answers.ts';
import type { Answer, Route } from './route.ts';

export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const TAGS = [
  { name: 'plans', description: 'Submitting, watching and cancelling plans.' },
  { name: 'events', description: 'What is recorded, as it is recorded.' },
  { name: 'limits', description: 'What may be in flight at once, of what, and whose turn it is.' },
  { name: 'sinks', description: 'Who is paged, and whether it arrives.' },
  { name: 'server', description: 'The coordinator itself.' },
];

const DESCRIPTION = `Skein carries large code changes to their end. Everything that goes wrong is told as a problem (RFC
9457): \`code\` is for programs and stays stable, \`detail\` says what was wrong and what to do. Queries and bodies are
checked strictly: an unknown name is refused. Answers may get new keys at any time.`;

/** The routes as an OpenAPI 3.1 document, made of the very schemas that check requests. Deterministic. */
export function openApiDocument(routes: readonly Route[]): JsonObject {
  const schemas = new Components();
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Skein',
      version: '1',
      description: oneLine(DESCRIPTION),
      license: { name: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: TAGS,
    paths,
    components: { schemas: schemas.all() },
  };
}

function operationOf(route: Route, schemas: Components): JsonObject {
  const parameters = [
    ...parametersOf(route.params, 'path', schemas),
    ...parametersOf(route.query, 'query', schemas),
    ...parametersOf(route.headers, 'header', schemas),
  ];
  return {
    operationId: route.operation,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description !== undefined && { description: oneLine(route.description) }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && { requestBody: bodyOf(route.body, schemas) }),
    responses: responsesOf(route, schemas),
  };
}

function parametersOf(schema: z.ZodObject, place: string, schemas: Components): JsonObject[] {
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, part]) => {
    const { description, example, ...rest } = schemas.use(part, 'input');
    return {
      name,
      in: place,
      required: !part.safeParse(undefined).success,
      ...(description !== undefined && { description }),
      ...(example !== undefined && { example }),
      schema: rest,
    };
  });
}

function bodyOf(schema: z.ZodType, schemas: Components): JsonObject {
  // Always, be it `{}`: a request that does not say that it is JSON might be a form of a foreign page.
  return { required: true, content: { 'application/json': { schema: schemas.use(schema, 'input') } } };
}

function responsesOf(route: Route, schemas: Components): JsonObject {
  const headers = Object.fromEntries(
    Object.entries(route.answerHeaders).map(([name, description]) => [
      name,
      { description, schema: { type: 'string' } },
    ]),
  );
  const answers = Object.entries(route.answers).map(([status, answer]) => [
    status,
    {
      description: answer.what,
      ...(Object.keys(headers).length > 0 && { headers }),
      ...contentOf(answer, schemas),
    },
  ]);
  const problem = { 'application/problem+json': { schema: schemas.use(problemAnswer, 'output') } };
  const problems = Object.entries(route.problems).map(([status, codes]) => [
    status,
    { description: `Problem: ${codes.map((code) => `\`${code}\``).join(', ')}.`, content: problem },
  ]);
  const otherwise = { description: 'Any other problem.', content: problem };
  return Object.fromEntries([...answers, ...problems, ['default', otherwise]]) as JsonObject;
}

function contentOf(answer: Answer, schemas: Components): JsonObject {
  if ('empty' in answer) return {};
  if ('json' in answer)
    return { content: { 'application/json': { schema: schemas.use(answer.json, 'output') } } };
  if ('text' in answer) return { content: { [answer.text]: { schema: { type: 'string' } } } };
  const event = schemas.use(answer.events, 'output');
  // OpenAPI 3.1 has no word for the messages of a stream; the schema of one is named beside it.
  return { content: { 'text/event-stream': { schema: { type: 'string' }, 'x-event-schema': event } } };
}

/** Schemas with an `id` are told once, under that name. */
class Components {
  private readonly byId = new Map<string, JsonObject>();

  use(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
    const made = z.toJSONSchema(schema, { io, override: ({ jsonSchema }) => openUp(jsonSchema, io) });
    const { $defs = {}, ...own } = made as JsonObject & { $defs?: Record<string, JsonObject> };
    delete own['$schema'];
    for (const [id, definition] of Object.entries($defs)) this.add(id, definition);
    return relocated(own);
  }

  all(): JsonObject {
    return Object.fromEntries([...this.byId].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private add(id: string, schema: JsonObject): void {
    const known = this.byId.get(id);
    const wanted = relocated(schema);
    if (known && JSON.stringify(known) !== JSON.stringify(wanted))
      throw new Error(`two schemas of the API are called ${id}`);
    this.byId.set(id, wanted);
  }
}

/** Answers may get new keys: a client that refused them would break with the next version. */
function openUp(schema: { additionalProperties?: unknown }, io: 'input' | 'output'): void {
  if (io === 'output' && schema.additionalProperties === false) delete schema.additionalProperties;
}

function relocated<T extends Json>(schema: T): T {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as T;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
