import createClient, { type Client, type Middleware } from 'openapi-fetch';
import { UnexpectedAnswerError } from './errors.ts';
import { readEvents, planEvents, type EventStreamOptions, type StreamedEvent } from './event-stream.ts';
import { ANSWER_KEYS } from './generated/answer-keys.ts';
import type { operations, paths } from './generated/api.ts';
import { Transport, type TransportOptions } from './transport.ts';

export interface SkeinClientOptions extends TransportOptions {
  /** Such as `http://127.0.0.1:7070`. */
  baseUrl: string;
  /** Who asks, for the ledger. */
  actor?: string;
}

/** Which events of all plans are wanted: all conditions hold, of several plans or types any. */
export type EventFilter = Omit<NonNullable<operations['streamEvents']['parameters']['query']>, 'after'>;

/**
 * A coordinator. `api` has every operation, typed by the coordinator's own description; what it resolves to is a good
 * answer (`answerOf` unwraps it), everything else is thrown: ConnectionError, ProblemError, UnexpectedAnswerError.
 */
export class SkeinClient {
  readonly baseUrl: string;
  readonly api: Client<paths>;

  constructor(o: SkeinClientOptions) {
    this.baseUrl = o.baseUrl;
    const transport = new Transport(o);
    this.api = createClient<paths>({ baseUrl: o.baseUrl, fetch: transport.send });
    this.api.use(recognition, ...(o.actor === undefined ? [] : [signing(o.actor)]));
  }

  /** A plan's events from any seq on, each once, over connections that break; ends after `plan.closed`. */
  planEvents(planId: string, o: EventStreamOptions = {}): AsyncGenerator<StreamedEvent> {
    return planEvents(this.baseUrl, planId, o);
  }

  /** The events of all plans, each once, over connections that break. Ends only by its signal, or by `break`. */
  events(filter: EventFilter = {}, o: EventStreamOptions = {}): AsyncGenerator<StreamedEvent> {
    const url = new URL('/v1/events', this.baseUrl);
    for (const [name, value] of Object.entries(filter)) {
      for (const one of [value].flat()) url.searchParams.append(name, one);
    }
    return readEvents(url.href, o);
  }
}

/** What a call of `api` was answered with. */
export async function answerOf<T>(call: Promise<{ data?: T; response: Response }>): Promise<T> {
  const { data, response } = await call;
  if (data === undefined) throw new UnexpectedAnswerError(response.url, 'nothing');
  return data;
}

/** Something else may listen where a coordinator is looked for. */
const recognition: Middleware = {
  async onResponse({ request, response, schemaPath }) {
    const keys = ANSWER_KEYS[`${request.method} ${schemaPath}`];
    if (!keys) return;
    const text = await response.clone().text();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw new UnexpectedAnswerError(request.url, 'no JSON', { cause: error });
    }
    const answer = typeof json === 'object' && json !== null ? json : {};
    const missing = keys.filter((key) => !(key in answer));
    if (missing.length > 0) throw new UnexpectedAnswerError(request.url, `it lacks ${missing.join(', ')}`);
  },
};

function signing(actor: string): Middleware {
  return {
    onRequest({ request }) {
      if (request.method !== 'GET') request.headers.set('x-skein-actor', actor);
    },
  };
}
