import type { StepInstance } from '#domain';

/** What a reader is told of a step. The domain's `ready` is a `waiting` here, its `leased` is `running`. What sleeps passes at its `not_before`. */
export const STEP_STATES = [
  'waiting',
  'sleeping',
  'admitted',
  'running',
  'passed',
  'blocked',
  'poisoned',
  'cancelled',
  'skipped',
] as const;
export type StepViewState = (typeof STEP_STATES)[number];

export type StepCounts = Record<StepViewState, number>;

export function noSteps(): StepCounts {
  return Object.fromEntries(STEP_STATES.map((state) => [state, 0])) as StepCounts;
}

/** A row of `steps`. Keys are the columns. */
export interface StepRow {
  plan_id: string;
  ordinal: number;
  name: string;
  kind: StepInstance['kind'];
  definition: number | null;
  state: StepViewState;
  epoch: number;
  attempts_used: number;
  leases_lost: number;
  not_before: string | null;
  reason: string | null;
  worker: string | null;
  started_at: string | null;
  ended_at: string | null;
  commit_sha: string | null;
  commit_ref: string | null;
  outputs: string | null;
}

export function newStepRow(planId: string, instance: StepInstance): StepRow {
  return {
    plan_id: planId,
    ordinal: instance.ordinal,
    name: instance.name,
    kind: instance.kind,
    definition: instance.definition,
    state: 'waiting',
    epoch: 0,
    attempts_used: 0,
    leases_lost: 0,
    not_before: null,
    reason: null,
    worker: null,
    started_at: null,
    ended_at: null,
    commit_sha: null,
    commit_ref: null,
    outputs: null,
  };
}
