import type { DuePage, SinkState } from './outbox-rows.ts';

/** A page as the driver gives it. */
export interface DueRow {
  id: string;
  plan_id: string;
  incident: string;
  action: string;
  kind: string;
  content: string;
  made_at: Date;
  tries: number;
  first_tried_at: Date;
  failures: number;
}

export function toDuePage(row: DueRow): DuePage {
  const { id, incident, action, kind, content, tries, failures } = row;
  const times = { madeAtMs: row.made_at.getTime(), firstTriedAtMs: row.first_tried_at.getTime() };
  return { id, planId: row.plan_id, incident, action, kind, content, tries, failures, ...times };
}

/** A sink as the driver gives it, with the number of its waiting pages. */
export interface SinkRow {
  name: string;
  waiting: number;
  failures: number;
  failing_since: Date | null;
  last_success_at: Date | null;
  last_error_at: Date | null;
  last_error: string | null;
  given_up: string;
}

export function toSinkState(row: SinkRow): SinkState {
  return {
    name: row.name,
    waiting: row.waiting,
    failures: row.failures,
    failingSince: row.failing_since?.toISOString() ?? null,
    lastSuccessAt: row.last_success_at?.toISOString() ?? null,
    lastErrorAt: row.last_error_at?.toISOString() ?? null,
    lastError: row.last_error,
    givenUp: Number(row.given_up),
  };
}
