/** Values that come from plans, settings or workers: the first so many get series of their own, the rest share `other`. */
export interface Capped {
  readonly first: number;
  /** Whose values they are, for the documentation. */
  readonly of: string;
}

/** A closed list; when `other` is on it, every value that is not counts as `other`. */
export type LabelValues = readonly string[] | Capped;

/** What stands for every value that gets no series of its own. */
export const OTHER = 'other';

/** Which process reports it. `decider`: the one coordinator that decides; a standby has no such series. */
export type ReportedBy = 'coordinator' | 'decider' | 'worker' | 'both';

/**
 * One metric. `counter` and `histogram` are recorded where things happen; a `gauge` and a `total` (a counter that somebody
 * else keeps) are read at each scrape, so they must be cheap to read.
 */
export interface MetricDeclaration {
  /** As Prometheus sees it. Counters end in `_total`. */
  readonly name: string;
  readonly kind: 'counter' | 'histogram' | 'gauge' | 'total';
  readonly unit: 'seconds' | 'bytes' | '1';
  readonly by: ReportedBy;
  readonly labels: Readonly<Record<string, LabelValues>>;
  readonly meaning: string;
  /** Of a gauge whose readings fall together (several tellers, `other`): the largest counts. Otherwise they are added up. */
  readonly merge?: 'max';
  /** What to be woken or warned by; empty: nothing of itself. */
  readonly alert: string;
  /** Of a histogram: upper bounds, ascending. */
  readonly bounds?: readonly number[];
}

/** Fractions of a millisecond to a minute: what machines wait for. */
export const SHORT_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

/** A hundredth of a second to hours: what programs, agents and queues take. */
export const LONG_SECONDS = [
  0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600,
] as const;

/** Minutes to weeks: what plans take. */
export const PLAN_SECONDS = [
  10, 30, 60, 300, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800,
] as const;

export const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096] as const;

/** Pools are named by plans and workers: made-up names must not make series without end. */
export const POOLS: Capped = { first: 32, of: 'names of pools' };

export const STEP_STATES = [
  'waiting',
  'sleeping',
  'ready',
  'admitted',
  'leased',
  'passed',
  'blocked',
  'poisoned',
  'cancelled',
  'skipped',
] as const;

export const STEP_KINDS = [
  'noop',
  'wait',
  'run',
  'codemod',
  'agent',
  'resolve',
  'baseline',
  'integrate',
  'publish',
  'report',
  'clean',
] as const;
