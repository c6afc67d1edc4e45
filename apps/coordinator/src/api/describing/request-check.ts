import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { didYouMean, show } from '#contracts';
import { Problem } from '../problem.ts';
import type { Route } from './route.ts';

/**
 * Holds every request against its route's description, before a controller sees it: what a controller is given are the
 * values that the texts stand for, defaults filled in. Must be installed before the routes are.
 */
export function checkRequests(app: FastifyInstance, routes: readonly Route[]): void {
  const described = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  app.addHook('preValidation', async (request) => {
    // A HEAD is answered as its GET is.
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = described.get(`${method} ${request.routeOptions.url}`);
    if (route) check(request, route);
  });
}

function check(request: FastifyRequest, route: Route): void {
  request.params = values(route.params, decode(route.params, texts(request.params)));
  checkHeaders(request, route);
  request.query = query(route, texts(request.query));
  if (route.body) request.body = body(route.body, request.body ?? undefined);
}

type Texts = Record<string, string | string[]>;

function texts(given: unknown): Texts {
  return (given ?? {}) as Texts;
}

function query(route: Route, given: Texts): unknown {
  const known = Object.keys(route.query.shape);
  for (const name of Object.keys(given)) if (!known.includes(name)) throw unknownParameter(name, known);
  return values(route.query, decode(route.query, given));
}

function unknownParameter(name: string, known: string[]): Problem {
  const nearest = didYouMean(name, known);
  const instead =
    nearest !== null
      ? `did you mean ${nearest}?`
      : known.length > 0
        ? `this takes ${known.join(', ')}`
        : 'this takes none';
  return new Problem(400, 'query-invalid', `unknown query parameter ${show(name)}; ${instead}`);
}

/** Numbers and lists of their texts. What cannot be decoded is left for the schema to refuse. */
function decode(schema: z.ZodObject, given: Texts): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const [name, part] of partsOf(schema)) {
    const text = given[name];
    if (text === undefined) continue;
    const plain = unwrapped(part);
    if (plain instanceof z.ZodArray) decoded[name] = [text].flat();
    else if (plain instanceof z.ZodNumber && typeof text === 'string')
      decoded[name] = /^\d{1,16}$/.test(text) ? Number(text) : text;
    else decoded[name] = text;
  }
  return decoded;
}

function partsOf(schema: z.ZodObject): [name: string, part: z.ZodType][] {
  return Object.entries<z.ZodType>(schema.shape);
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return unwrapped(schema.unwrap() as z.ZodType);
  return schema;
}

function values(schema: z.ZodObject, decoded: Record<string, unknown>): unknown {
  const parsed = schema.safeParse(decoded);
  if (parsed.success) return parsed.data;
  const said = new Set(parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`));
  throw new Problem(400, 'query-invalid', [...said].slice(0, 5).join('; '));
}

function checkHeaders(request: FastifyRequest, route: Route): void {
  for (const [name, schema] of partsOf(route.headers)) {
    const given = request.headers[name.toLowerCase()];
    const parsed = schema.safeParse(given);
    if (parsed.success) continue;
    const message = parsed.error.issues[0]?.message ?? 'is not valid';
    throw new Problem(400, `${name.toLowerCase()}-invalid`, `${name} ${message}`);
  }
}

function body(schema: z.ZodType, given: unknown): unknown {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const told = issues.slice(0, ISSUES_TOLD_MAX).map(({ path, message }) => `${placeOf(path)}: ${message}`);
  if (issues.length > ISSUES_TOLD_MAX) told.push(`and ${issues.length - ISSUES_TOLD_MAX} more`);
  throw new Problem(400, 'body-invalid', told.join('; '));
}

/** A body may be wrong in as many places as it has bytes. */
const ISSUES_TOLD_MAX = 20;

/** Keys of maps are the sender's: they may hold what steers a terminal. */
function placeOf(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (/^[\w-]{1,60}$/.test(String(part)) ? String(part) : show(String(part))));
  return parts.join('.') || 'body';
}
