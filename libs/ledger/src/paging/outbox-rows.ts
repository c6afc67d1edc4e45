import type { PlanEvent } from '#domain';
import type { StoredEvent } from '../ledger.ts';

/** An event of which pages may be made. */
export type PagedEvent = Pick<StoredEvent, 'planId' | 'seq' | 'at'> & { event: PlanEvent };

/** A page as it is written: the store knows nothing of what is in it. */
export interface NewPage {
  /** What is made twice has the same one, and is kept once. */
  id: string;
  planId: string;
  incident: string;
  action: string;
  kind: string;
  /** JSON. */
  content: string;
  /** Of a trigger that the same making does not close again. */
  open: boolean;
}

/** A page whose turn it is. */
export interface DuePage {
  id: string;
  planId: string;
  incident: string;
  action: string;
  kind: string;
  content: string;
  madeAtMs: number;
  /** This one included. */
  tries: number;
  firstTriedAtMs: number;
  /** Of the sink, in a row, before this try. */
  failures: number;
}

/** A trigger that was not resolved yet. */
export interface OpenIncident {
  planId: string;
  incident: string;
  kind: string;
  /** Of its trigger. */
  content: string;
}

/** What people call the things that events name by number; null: not projected (yet). */
export interface Facts {
  /** `haltedAt`: ISO 8601; null: it does not stand halted. */
  plan(planId: string): { name: string; tenant: string; haltedAt: string | null } | null;
  step(planId: string, ordinal: number): { name: string; kind: string } | null;
}

/** News for one sink, in the order of the tail. */
export interface Batch {
  events: readonly PagedEvent[];
  facts: Facts;
  /** Of the plans that the events are of, or come from. */
  open: readonly OpenIncident[];
  /** Pages that the sink has not taken yet. */
  waiting: number;
}

/** What became of a batch. */
export interface Made {
  pages: readonly NewPage[];
  /** Incidents that were open before, and are not any more. */
  closed: readonly string[];
  /** How many of the events it is made of, from the first; the others come again. */
  consumed: number;
  /** Of these, those that nobody can make sense of. */
  unreadable: number;
}

/** Incidents of a kind that no event opens or closes. */
export interface OpenAlerts {
  open: readonly OpenIncident[];
  /** How often this incident was opened before and closed again. */
  closedBefore: (incident: string) => number;
  facts: Facts;
}

/** How a sink stands, as every replica can tell. */
export interface SinkState {
  name: string;
  waiting: number;
  /** In a row. */
  failures: number;
  failingSince: string | null;
  lastSuccessAt: string | null;
  lastErrorAt: string | null;
  lastError: string | null;
  /** Pages that were given up, ever. */
  givenUp: number;
}
