import { z } from 'zod';
import { noQuery } from './queries.ts';

/** What is sent with a status that is not a problem. */
export type Answer = { what: string } & (
  | { json: z.ZodType }
  /** Its media type. */
  | { text: string }
  /** A stream of messages, each with this as data. */
  | { events: z.ZodType }
  | { empty: true }
);

/** One route of the API: what is checked of its requests, and what its answers hold. */
export interface Route {
  method: 'GET' | 'POST' | 'PATCH';
  /** As the router has it: `/v1/plans/:planId`. */
  path: string;
  /** What generated clients call it. */
  operation: string;
  tag: 'plans' | 'events' | 'limits' | 'sinks' | 'server';
  summary: string;
  description?: string;
  params: z.ZodObject;
  query: z.ZodObject;
  headers: z.ZodObject;
  body: z.ZodType | null;
  answers: Record<number, Answer>;
  /** Headers of its good answers, with their meaning. */
  answerHeaders: Record<string, string>;
  /** Statuses of its problems, with their codes. */
  problems: Record<number, readonly string[]>;
}

type Given = Pick<Route, 'operation' | 'tag' | 'summary' | 'answers'> & Partial<Route>;

export function get(path: string, o: Given): Route {
  return { ...EMPTY, ...o, method: 'GET', path };
}

export function post(path: string, o: Given & Pick<Route, 'body'>): Route {
  return { ...EMPTY, ...o, method: 'POST', path };
}

export function patch(path: string, o: Given & Pick<Route, 'body'>): Route {
  return { ...EMPTY, ...o, method: 'PATCH', path };
}

const EMPTY = {
  params: z.object({}),
  query: noQuery,
  headers: z.object({}),
  body: null,
  answerHeaders: {},
  problems: {},
};
