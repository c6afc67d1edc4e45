import { createHash } from 'node:crypto';
import { EVENT_VERSION, upcast, type PlanEvent } from '#domain';
import { InvalidAppendError } from '../errors.ts';
import type { Append, Head, LedgerEvent } from '../ledger.ts';

/** Version of the body's content. Readers upcast older ones for `evolve`; verification never does. */
export const BODY_VERSION = EVENT_VERSION;

/** Head of a plan that has no events. */
export const EMPTY_HEAD: Head = { seq: 0, hash: '0'.repeat(64) };

/** Needs no escape in JSON, so the database can check that a body's plan and seq are its row's. */
const PLAN_ID = /^[A-Za-z0-9_-]{1,64}$/;

export interface BodyParts<E extends LedgerEvent = PlanEvent> {
  planId: string;
  seq: number;
  at: string;
  traceparent: string | null;
  event: E;
}

export interface ChainedEvent extends BodyParts<LedgerEvent> {
  body: string;
  prevHash: string;
  hash: string;
}

/**
 * The exact text that is hashed and stored. JSON.stringify escapes NUL and lone surrogates, so any string
 * survives UTF-8 and a text column; key order is fixed here and never sorted.
 */
export function eventBody(parts: BodyParts<LedgerEvent>): string {
  return JSON.stringify({
    v: BODY_VERSION,
    plan: parts.planId,
    seq: parts.seq,
    type: parts.event.type,
    at: parts.at,
    trace: parts.traceparent,
    data: parts.event.data,
  });
}

/** What a body says, in today's shape. */
export function parseBody(body: string): BodyParts {
  const { v, plan, seq, type, at, trace, data } = JSON.parse(body) as {
    v: number;
    plan: string;
    seq: number;
    type: string;
    at: string;
    trace: string | null;
    data: unknown;
  };
  return { planId: plan, seq, at, traceparent: trace, event: upcast(v, { type, data } as PlanEvent) };
}

/** SHA-256 (hex) over the previous hash, a newline and the body. */
export function hashEvent(prevHash: string, body: string): string {
  return createHash('sha256').update(prevHash).update('\n').update(body).digest('hex');
}

/** The rows that an append writes. Throws InvalidAppendError on what no stream can take. */
export function chainAppend(append: Append<LedgerEvent>): ChainedEvent[] {
  const { planId, expected, at } = append;
  if (!PLAN_ID.test(planId)) throw new InvalidAppendError(planId, expected, 'this cannot be a plan id');
  if (append.events.length === 0) throw new InvalidAppendError(planId, expected, 'an append needs an event');
  let previous = expected;
  return append.events.map((event, index) => {
    const traceparent = append.traceparents ? (append.traceparents[index] ?? null) : append.traceparent;
    const parts = { planId, seq: previous.seq + 1, at, traceparent, event };
    const body = eventBody(parts);
    const chained = { ...parts, body, prevHash: previous.hash, hash: hashEvent(previous.hash, body) };
    previous = chained;
    return chained;
  });
}

/** All appends of a call, checked: at most one per plan. */
export function chainAppends(appends: Append<LedgerEvent>[]): ChainedEvent[][] {
  const seen = new Set<string>();
  return appends.map((append) => {
    if (seen.has(append.planId)) {
      throw new InvalidAppendError(append.planId, append.expected, 'two appends for one plan in one call');
    }
    seen.add(append.planId);
    return chainAppend(append);
  });
}
