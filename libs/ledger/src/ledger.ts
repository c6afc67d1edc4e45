import { FLEET_STREAM, type FleetEvent, type PlanEvent } from '#domain';

/** What an append may hold: events of a plan, or of the fleet in its own stream (`FLEET_STREAM` in place of a plan's id). */
export type LedgerEvent = PlanEvent | FleetEvent;

/** An event as it was written. Everything but `position` and `tx` comes from the hashed bytes. */
export interface StoredEvent {
  /** Order of writing in the whole ledger; holes are normal, and a later commit may hold a smaller one. */
  position: bigint;
  /** The transaction that wrote it: a 64-bit number as decimal text. */
  tx: string;
  planId: string;
  /** 1-based and without holes inside a plan. */
  seq: number;
  /** ISO 8601 in UTC: when the decider decided it. */
  at: string;
  traceparent: string | null;
  event: PlanEvent;
  /** The exact text that was hashed. */
  body: string;
  prevHash: string;
  hash: string;
}

/** The newest event of a plan's stream. `EMPTY_HEAD` for a plan without events. */
export interface Head {
  seq: number;
  hash: string;
}

export interface Append<E extends LedgerEvent = PlanEvent> {
  planId: string;
  /** Both seq and hash must be those of the stream's head, so neither a gap nor an overlap can be written. */
  expected: Head;
  at: string;
  /** Of the message that caused the events. */
  traceparent: string | null;
  events: E[];
  /** By event, instead of `traceparent`: one append may hold what several messages caused. */
  traceparents?: readonly (string | null)[];
}

export type AppendResult =
  { planId: string; status: 'appended'; head: Head } | { planId: string; status: 'conflict'; actual: Head };

/** Where a tail reader stands: after this event. Compare with `compareCursors`, keep with `formatCursor`. */
export interface TailCursor {
  tx: string;
  position: bigint;
}

export interface Ledger {
  /**
   * Appends to many plans with one commit. At most one `Append` per plan; a conflict in one never harms another.
   * Throws TermLostError when `term` is no longer the fleet's term (nothing of this call counts),
   * and LedgerUnavailableError; after `outcome: 'unknown'` every plan of the call must be read again.
   */
  appendAll(term: number, appends: Append<LedgerEvent>[]): Promise<AppendResult[]>;
  /** Events with seq > afterSeq, in order, at most `limit`. */
  read(planId: string, afterSeq: number, limit: number): Promise<StoredEvent[]>;
  head(planId: string): Promise<Head>;
  /** Plans that have `plan.submitted` and no `plan.closed`, oldest first. */
  openPlans(): Promise<string[]>;
  /**
   * Events of all streams after the cursor; never skips one that commits late. A plan's events come in seq order. Those of
   * the fleet come among them: a reader passes over types that it does not know.
   */
  tail(after: TailCursor, limit: number): Promise<{ events: StoredEvent[]; cursor: TailCursor }>;
}

/** Of the fleet's stream, what was read as any stream is. Throws nothing: a plan's event is null. */
export function fleetEventOf({ planId, event }: Pick<StoredEvent, 'planId' | 'event'>): FleetEvent | null {
  return planId === FLEET_STREAM ? (event as PlanEvent | FleetEvent as FleetEvent) : null;
}
