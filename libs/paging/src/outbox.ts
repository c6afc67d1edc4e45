import type { PlanEvent } from '#domain';
import type { PageAction, PageKind } from './page.ts';

/** An event of which pages may be made. `at`: ISO 8601. */
export interface PagedEvent {
  planId: string;
  seq: number;
  at: string;
  event: PlanEvent;
}

/** A page as the outbox keeps it. */
export interface NewPage {
  id: string;
  planId: string;
  incident: string;
  action: PageAction;
  kind: PageKind;
  /** PageContent as JSON. */
  content: string;
  /** Of a trigger that the same making does not close again. */
  open: boolean;
}

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

export interface OpenIncident {
  planId: string;
  incident: string;
  kind: string;
  /** Of its trigger. */
  content: string;
}

/** What people call the things that events name by number; null: not known (yet). */
export interface Facts {
  /** `haltedAt`: ISO 8601; null: it does not stand halted. */
  plan(planId: string): { name: string; tenant: string; haltedAt: string | null } | null;
  step(planId: string, ordinal: number): { name: string; kind: string } | null;
}

export interface Batch {
  events: readonly PagedEvent[];
  facts: Facts;
  /** Of the plans that the events are of, or come from. */
  open: readonly OpenIncident[];
  waiting: number;
}

export interface Made {
  pages: readonly NewPage[];
  /** Incidents that were open before, and are not any more. */
  closed: readonly string[];
  /** How many of the events it is made of, from the first; the others come again. */
  consumed: number;
  /** Of these, those that nobody can make sense of. */
  unreadable: number;
}

export interface OpenAlerts {
  open: readonly OpenIncident[];
  closedBefore: (incident: string) => number;
  facts: Facts;
}

export interface SinkState {
  name: string;
  waiting: number;
  failures: number;
  failingSince: string | null;
  lastSuccessAt: string | null;
  lastErrorAt: string | null;
  lastError: string | null;
  givenUp: number;
}

/** Where pages wait, and what became of them: what libs/ledger keeps. Everything may throw while the ledger is away. */
export interface Outbox {
  collect(
    sink: string,
    o: { types: readonly string[]; events: number; waitingMax: number; nowMs: number },
    make: (batch: Batch) => Made,
  ): Promise<{ waiting: number; failingSinceMs: number | null; more: boolean; unreadable: number } | null>;
  reconcile(
    sink: string,
    o: {
      kinds: readonly string[];
      incidents: readonly string[];
      planIds: readonly string[];
      nowMs: number;
    },
    make: (alerts: OpenAlerts) => { pages: readonly NewPage[]; closed: readonly string[] },
  ): Promise<boolean>;
  take(sink: string, o: { nowMs: number; heldUntilMs: number }): Promise<DuePage | null>;
  acknowledge(sink: string, id: string, nowMs: number): Promise<void>;
  fail(
    sink: string,
    id: string,
    o: { nowMs: number; dueAtMs: number; resumeAtMs: number; error: string },
  ): Promise<void>;
  giveUp(sink: string, id: string, o: { nowMs: number; resumeAtMs: number; error: string }): Promise<void>;
  release(sink: string, id: string): Promise<void>;
  resume(sink: string, nowMs: number): Promise<void>;
  states(sinks: readonly string[]): Promise<SinkState[]>;
  prune(sink: string, o: { beforeMs: number; openBeforeMs: number; limit: number }): Promise<number>;
}
