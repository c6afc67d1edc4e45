import type { AttemptFinished, JsonValue, PlanStatus, Reason, StepKind } from '#domain';
import { InvalidCursorError } from '../errors.ts';
import type { Head, StoredEvent } from '../ledger.ts';
import { EVENT_COLUMNS, toStoredEvent, type EventRow } from '../postgres/event-row.ts';
import type { LedgerDatabase } from '../postgres/ledger-database.ts';
import { deadLetters, lastRedriveAt, type DeadLetterFilter, type DeadLetterPage } from './dead-letters.ts';
import type { IntegrationView } from './fold.ts';
import { pageQuery, type PlanFilter } from './plan-filter.ts';
import { countsOf, type PlanRow } from './plan-row.ts';
import type { StepCounts, StepRow, StepViewState } from './step-row.ts';

export interface PlanView {
  planId: string;
  name: string;
  tenant: string;
  status: PlanStatus;
  labels: Record<string, string>;
  /** What it was given, defaults filled in. */
  params: Record<string, JsonValue>;
  priority: number;
  submittedAt: string;
  endedAt: string | null;
  /** Steps by state, the system's own steps included. */
  counts: StepCounts;
  baseSha: string | null;
  integration: IntegrationView | null;
  /** Why it ended as it did; null while it runs. */
  reason: Reason | null;
  /** Up to where this view was computed. */
  head: Head;
  /** Nothing will be appended to it any more. */
  closed: boolean;
}

export interface StepView {
  ordinal: number;
  name: string;
  kind: StepKind;
  state: StepViewState;
  /** 0: never admitted. */
  epoch: number;
  attemptsUsed: number;
  leasesLost: number;
  /** It waits until then, after a lost lease or a fault outside; null: no such wait. */
  notBefore: string | null;
  reason: Reason | null;
  /** Who holds it, or held it last. */
  worker: string | null;
  /** Of its first lease. */
  startedAt: string | null;
  endedAt: string | null;
  commit: { sha: string; ref: string } | null;
  outputs: Record<string, JsonValue>;
  /** Names of the steps (as defined, before a matrix) that it needs. */
  needs: string[];
}

export interface AttemptView extends AttemptFinished {
  finishedAt: string;
}

/** A lease that told where its live trace is. */
export interface LeaseTrace {
  seq: number;
  ordinal: number;
  traceparent: string;
}

const STEPS_MAX = 200_000;

/** What REST shows. Every answer is a bounded number of queries, however large the plan. */
export class PlanViews {
  constructor(private readonly database: LedgerDatabase) {}

  /** Newest first. `cursor` is the `next` of the page before. */
  async listPlans(o: PlanFilter & { limit: number; cursor?: string | null }): Promise<{
    plans: PlanView[];
    next: string | null;
  }> {
    const before = o.cursor ?? null;
    if (before !== null && !isPosition(before)) throw new InvalidCursorError(before);
    // Not prepared: which index is best depends on the values, a rare status or a label that every plan has.
    const { text, values } = pageQuery(this.database.schema, { ...o, before });
    const rows = await this.database.read<PlanRow>(null, text, values);
    const page = rows.slice(0, o.limit);
    return {
      plans: page.map(toPlanView),
      next: rows.length > o.limit ? (page.at(-1)?.position ?? null) : null,
    };
  }

  /** null: no such plan, or its submission is not projected yet (`Projector.waitFor`). */
  async plan(planId: string): Promise<PlanView | null> {
    const row = await this.planRow(planId);
    return row && toPlanView(row);
  }

  /** In ordinal order. */
  async steps(
    planId: string,
    o: { afterOrdinal?: number; limit?: number; state?: StepViewState | null } = {},
  ): Promise<StepView[]> {
    const plan = await this.planRow(planId);
    if (!plan) return [];
    const rows = await this.database.read<StepRow>(
      'views.steps',
      `SELECT * FROM ${this.database.schema}.steps
       WHERE plan_id = $1 AND ordinal > $2 AND ($3::text IS NULL OR state = $3) ORDER BY ordinal LIMIT $4`,
      [planId, o.afterOrdinal ?? -1, o.state ?? null, Math.min(o.limit ?? STEPS_MAX, STEPS_MAX)],
    );
    return rows.map(stepViewOf(plan));
  }

  /** Poisoned steps of all plans that are wanted. */
  deadLetters(page: DeadLetterPage): ReturnType<typeof deadLetters> {
    return deadLetters(this.database, page);
  }

  /** Until when (ISO 8601) those wait that were redriven at a rate; null: none does at `now`. */
  lastRedriveAt(filter: DeadLetterFilter, now: string): Promise<string | null> {
    return lastRedriveAt(this.database, filter, now);
  }

  /** By ordinal, or by name; of several steps with one name, the first. */
  async step(planId: string, which: number | string): Promise<StepView | null> {
    const plan = await this.planRow(planId);
    if (!plan) return null;
    const byOrdinal = typeof which === 'number';
    const [row] = await this.database.read<StepRow>(
      byOrdinal ? 'views.step' : 'views.step-by-name',
      `SELECT * FROM ${this.database.schema}.steps
       WHERE plan_id = $1 AND ${byOrdinal ? 'ordinal = $2::integer' : 'name = $2::text'} ORDER BY ordinal LIMIT 1`,
      [planId, which],
    );
    return row ? stepViewOf(plan)(row) : null;
  }

  /** First to last. Their texts come from the ledger itself. */
  async attempts(planId: string, ordinal: number): Promise<AttemptView[]> {
    const { schema } = this.database;
    const rows = await this.database.read<EventRow>(
      'views.attempts',
      `SELECT ${EVENT_COLUMNS} FROM ${schema}.events WHERE plan_id = $1 AND seq IN (
         SELECT seq FROM ${schema}.attempts WHERE plan_id = $1 AND ordinal = $2) ORDER BY seq`,
      [planId, ordinal],
    );
    return rows.flatMap((row) => toAttempts(toStoredEvent(row)));
  }

  /** The accepted attempt of each step that has one, in ordinal order, with one query for the whole plan. */
  async acceptedAttempts(
    planId: string,
    o: { afterOrdinal?: number; limit: number },
  ): Promise<AttemptView[]> {
    const { schema } = this.database;
    const rows = await this.database.read<EventRow>(
      'views.accepted',
      `SELECT ${EVENT_COLUMNS} FROM ${schema}.events WHERE plan_id = $1 AND seq IN (
         SELECT a.seq FROM ${schema}.steps s JOIN ${schema}.attempts a
           ON a.plan_id = s.plan_id AND a.ordinal = s.ordinal AND a.attempt = s.attempts_used
         WHERE s.plan_id = $1 AND s.state = 'passed' AND s.ordinal > $2 ORDER BY s.ordinal LIMIT $3)`,
      [planId, o.afterOrdinal ?? -1, o.limit],
    );
    return rows
      .flatMap((row) => toAttempts(toStoredEvent(row)))
      .sort((one, other) => one.ordinal - other.ordinal);
  }

  /** Plans that are over, the one that ended last first. Looks at every plan: for rare use. */
  async lastEnded(limit: number): Promise<PlanView[]> {
    const rows = await this.database.read<PlanRow>(
      'views.last-ended',
      `SELECT * FROM ${this.database.schema}.plans
       WHERE ended_at IS NOT NULL ORDER BY ended_at DESC, position DESC LIMIT $1`,
      [limit],
    );
    return rows.map(toPlanView);
  }

  /**
   * Where the live traces of a plan's leases are, from the ledger itself: its claims and results carry the context of
   * the span that they were sent from. A lease may be named twice. In order of `seq`, a page of at most `limit`, which
   * is empty only at the end; an event without a trace is told with an empty one, so that the page's end is known.
   */
  async leaseTraces(planId: string, afterSeq: number, limit: number): Promise<LeaseTrace[]> {
    const rows = await this.database.read<EventRow>(
      'views.lease-traces',
      `SELECT ${EVENT_COLUMNS} FROM ${this.database.schema}.events
       WHERE plan_id = $1 AND seq > $2 AND type IN ('lease.granted', 'step.passed') ORDER BY seq LIMIT $3`,
      [planId, afterSeq, limit],
    );
    return rows
      .map(toStoredEvent)
      .flatMap(({ seq, traceparent, event }) =>
        event.type === 'lease.granted' || event.type === 'step.passed'
          ? [{ seq, ordinal: event.data.ordinal, traceparent: traceparent ?? '' }]
          : [],
      );
  }

  /** The ledger as it is, not a projection: complete up to the last commit. */
  async events(planId: string, afterSeq: number, limit: number): Promise<StoredEvent[]> {
    const rows = await this.database.read<EventRow>(
      'views.events',
      `SELECT ${EVENT_COLUMNS} FROM ${this.database.schema}.events
       WHERE plan_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
      [planId, afterSeq, limit],
    );
    return rows.map(toStoredEvent);
  }

  private async planRow(planId: string): Promise<PlanRow | null> {
    const [row] = await this.database.read<PlanRow>(
      'views.plan',
      `SELECT * FROM ${this.database.schema}.plans WHERE plan_id = $1`,
      [planId],
    );
    return row ?? null;
  }
}

function isPosition(text: string): boolean {
  return /^\d{1,19}$/.test(text) && BigInt(text) <= 9223372036854775807n;
}

function toAttempts({ at, event }: StoredEvent): AttemptView[] {
  return event.type === 'attempt.finished' ? [{ ...event.data, finishedAt: at }] : [];
}

function toPlanView(row: PlanRow): PlanView {
  return {
    planId: row.plan_id,
    name: row.name,
    tenant: row.tenant,
    status: row.status,
    labels: JSON.parse(row.labels) as Record<string, string>,
    params: JSON.parse(row.params) as Record<string, JsonValue>,
    priority: row.priority,
    submittedAt: row.submitted_at,
    endedAt: row.ended_at,
    counts: countsOf(row),
    baseSha: row.base_sha,
    integration: parsed<IntegrationView>(row.integration),
    reason: parsed<Reason>(row.reason),
    head: { seq: Number(row.head_seq), hash: row.head_hash },
    closed: row.closed,
  };
}

function stepViewOf(plan: PlanRow): (row: StepRow) => StepView {
  const needs = JSON.parse(plan.needs) as string[][];
  return (row) => ({
    ordinal: row.ordinal,
    name: row.name,
    kind: row.kind,
    state: row.state,
    epoch: row.epoch,
    attemptsUsed: row.attempts_used,
    leasesLost: row.leases_lost,
    notBefore: row.not_before,
    reason: parsed<Reason>(row.reason) ?? waitingReason(plan, row),
    worker: row.worker,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    commit: row.commit_sha && row.commit_ref ? { sha: row.commit_sha, ref: row.commit_ref } : null,
    outputs: parsed<Record<string, JsonValue>>(row.outputs) ?? {},
    needs: row.definition === null ? [] : (needs[row.definition] ?? []),
  });
}

/** Steps of a halted plan that never started have no event of their own: the plan's end is their reason. */
function waitingReason(plan: PlanRow, row: StepRow): Reason | null {
  if (row.state !== 'waiting' || plan.status === 'running' || row.kind === 'clean') return null;
  return { code: 'plan-ended', message: `not started: the plan ${plan.status} before its turn` };
}

function parsed<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}
