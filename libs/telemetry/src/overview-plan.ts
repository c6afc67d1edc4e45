/** A plan as the ledger tells it. Times are ISO 8601 in UTC. */
export interface OverviewPlan {
  planId: string;
  name: string;
  submittedAt: string;
  /** null while the plan is open: then only its ended steps are written. */
  endedAt: string | null;
  outcome: 'completed' | 'halted' | 'cancelled' | null;
  /** Of the submission: the plan's trace is linked to it. */
  traceparent: string | null;
  /** All steps of the plan, ended or not: it decides between a span per step and a span per matrix. */
  stepCount: number;
  /** Ended steps: all of them at the plan's end, any of them before. */
  steps: OverviewStep[];
}

export interface OverviewStep {
  ordinal: number;
  name: string;
  startedAt: string;
  endedAt: string;
  outcome: 'passed' | 'blocked' | 'poisoned' | 'cancelled' | 'skipped';
  /** One per lease that reported its live trace. */
  leaseTraceparents: string[];
}
