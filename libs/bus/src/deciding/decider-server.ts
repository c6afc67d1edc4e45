import type { Msg, Subscription } from '@nats-io/nats-core';
import type { z } from 'zod';
import {
  attemptMessage,
  claimMessage,
  type DeciderVerb,
  heartbeatMessage,
  releaseMessage,
  resultMessage,
} from '#contracts';
import { type Bus, traceparentOf } from '../connection/bus.ts';
import type { DeciderProtocol } from '../requesting/decider-client.ts';
import { MessageTooLargeError } from '../errors.ts';
import { ANSWER_TOO_LARGE, LATER } from '../requesting/wire.ts';

/** What comes with a message. */
export interface RequestMeta {
  verb: DeciderVerb;
  traceparent: string | null;
}

/**
 * One handler per verb. Messages are validated before they come here. A handler answers after its commit; when it
 * throws, the sender is told to repeat the message, so a throw must leave nothing half done.
 */
export type DeciderHandlers = {
  [V in DeciderVerb]: (
    message: DeciderProtocol[V]['message'],
    meta: RequestMeta,
  ) => Promise<DeciderProtocol[V]['reply']> | DeciderProtocol[V]['reply'];
};

export interface DeciderServerOptions {
  bus: Bus;
  /** Requests being handled at once (default 8,192); above it senders are told "later". Heartbeats always pass. */
  maxInFlight?: number;
}

/** A term that is being served. */
export interface ServedTerm extends AsyncDisposable {
  /** No new requests (senders look for the next decider); resolves when those in flight are answered. */
  stop(): Promise<void>;
  readonly inFlight: number;
}

/** Answers the workers' requests for one term. A deposed decider stops; its term's subject is then silent for ever. */
export class DeciderServer {
  readonly #bus: Bus;
  readonly #maxInFlight: number;

  constructor(o: DeciderServerOptions) {
    this.#bus = o.bus;
    this.#maxInFlight = o.maxInFlight ?? 8_192;
  }

  serve(term: number, handlers: DeciderHandlers): ServedTerm {
    return new TermService(this.#bus, term, handlers, this.#maxInFlight);
  }
}

const SCHEMAS: Record<Exclude<DeciderVerb, 'command'>, z.ZodType> = {
  claim: claimMessage,
  attempt: attemptMessage,
  result: resultMessage,
  release: releaseMessage,
  heartbeat: heartbeatMessage,
};
const VERBS = new Set<string>([...Object.keys(SCHEMAS), 'command']);

class TermService implements ServedTerm {
  readonly #bus: Bus;
  readonly #handlers: DeciderHandlers;
  readonly #maxInFlight: number;
  readonly #subscription: Subscription;
  readonly #verbAt: number;
  #inFlight = 0;
  #idle: (() => void)[] = [];

  constructor(bus: Bus, term: number, handlers: DeciderHandlers, maxInFlight: number) {
    this.#bus = bus;
    this.#handlers = handlers;
    this.#maxInFlight = maxInFlight;
    const subject = bus.subjects.deciderOfTerm(term);
    this.#verbAt = subject.length - 1;
    this.#subscription = bus.nc.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) void this.#take(message);
      },
    });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  async stop(): Promise<void> {
    if (!this.#subscription.isClosed()) this.#subscription.unsubscribe();
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #take(request: Msg): Promise<void> {
    const verb = request.subject.slice(this.#verbAt) as DeciderVerb;
    if (!VERBS.has(verb))
      return this.#answer(request, { status: 'refused', reason: `Unknown verb "${verb}"` });
    // Refusing heartbeats for load would turn a busy minute into lost leases.
    if (this.#inFlight >= this.#maxInFlight && verb !== 'heartbeat')
      return this.#answer(request, { status: LATER });
    const read = readMessage(verb, request);
    if ('problem' in read) return this.#refuse(verb, request, read.problem);
    this.#inFlight++;
    try {
      const handler = this.#handlers[verb] as (message: unknown, meta: RequestMeta) => unknown;
      const meta = { verb, traceparent: traceparentOf(request.headers) };
      this.#send(request, this.#encoded(verb, await handler(read.message, meta)));
    } catch (error) {
      this.#bus.log.warn({ err: error, verb }, 'A request failed; its sender will repeat it');
      this.#answer(request, { status: LATER });
    } finally {
      this.#end();
    }
  }

  #refuse(verb: DeciderVerb, request: Msg, problem: string): void {
    this.#bus.log.warn({ verb, problem }, 'Refused a malformed request');
    this.#answer(request, { status: 'refused', reason: problem });
  }

  /** A request whose answer cannot be sent must not be repeated for ever: its answer would be as large again. */
  #encoded(verb: DeciderVerb, reply: unknown): string {
    try {
      return this.#bus.encode(verb, reply ?? null);
    } catch (error) {
      if (!(error instanceof MessageTooLargeError)) throw error;
      const { sizeBytes, limitBytes } = error;
      this.#bus.log.warn({ verb, sizeBytes, limitBytes }, 'An answer is too large to be sent');
      return JSON.stringify({ status: ANSWER_TOO_LARGE, sizeBytes, limitBytes });
    }
  }

  #answer(request: Msg, reply: object): void {
    this.#send(request, JSON.stringify(reply));
  }

  #send(request: Msg, payload: string): void {
    // An answer that cannot be sent now is asked for again.
    if (request.reply && this.#bus.connected) this.#bus.nc.publish(request.reply, payload);
  }

  #end(): void {
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}

function readMessage(verb: DeciderVerb, request: Msg): { message: unknown } | { problem: string } {
  let body: unknown;
  try {
    body = request.json();
  } catch {
    return { problem: 'Not JSON' };
  }
  if (verb === 'command') return { message: body };
  const parsed = SCHEMAS[verb].safeParse(body);
  if (parsed.success) return { message: parsed.data };
  const issue = parsed.error.issues[0];
  return { problem: `${issue?.path.join('.') || 'message'}: ${issue?.message ?? 'invalid'}` };
}
