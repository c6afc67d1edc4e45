import type { LedgerEvent } from '../fleet/fleet-client.ts';

/** When a plan had work under way, and when it moved. Times in milliseconds since the epoch. */
export interface PlanTimeline {
  /** From the admission of each epoch to its end; Infinity: it has not ended. */
  underWay: { fromMs: number; toMs: number }[];
  /** Claims, attempts and ends of steps or of the plan, ascending. A lost lease is none. */
  movesMs: number[];
}

const STEP_ENDS = ['step.passed', 'step.blocked', 'step.poisoned', 'step.cancelled', 'step.skipped'];
const PLAN_ENDS = ['plan.cancelled', 'plan.halted', 'plan.completed'];
const EPOCH_ENDS = new Set(['lease.lost', 'lease.released', ...STEP_ENDS]);
const MOVES = new Set(['lease.granted', 'attempt.finished', ...STEP_ENDS, ...PLAN_ENDS]);

export function timelineOf(events: LedgerEvent[]): PlanTimeline {
  const underWay: PlanTimeline['underWay'] = [];
  const movesMs: number[] = [];
  const live = new Map<unknown, { fromMs: number; toMs: number }>();
  for (const { at, type, data } of events) {
    const atMs = Date.parse(at);
    if (MOVES.has(type)) movesMs.push(atMs);
    if (type === 'step.admitted') {
      const epoch = { fromMs: atMs, toMs: Infinity };
      underWay.push(epoch);
      live.set(data['ordinal'], epoch);
    }
    const ended = PLAN_ENDS.includes(type) ? [...live.keys()] : EPOCH_ENDS.has(type) ? [data['ordinal']] : [];
    for (const ordinal of ended) {
      const epoch = live.get(ordinal);
      if (epoch) epoch.toMs = atMs;
      live.delete(ordinal);
    }
  }
  return { underWay, movesMs: movesMs.sort((one, other) => one - other) };
}

/**
 * The longest time from the end of a round of faults to the next move of a plan that had a step under way at that
 * moment, over all rounds and such plans; null: there were none. A plan of which nothing was under way (a backoff, a
 * wait, a person's turn) could not move by itself and is left out. One that never moved again has not closed: that is for
 * other checks.
 */
export function longestForOnePlan(roundEndsMs: number[], timelines: PlanTimeline[]): number | null {
  const waits = roundEndsMs.flatMap((endMs) =>
    timelines
      .filter(({ underWay }) => underWay.some(({ fromMs, toMs }) => fromMs <= endMs && endMs < toMs))
      .flatMap(({ movesMs }) => movesMs.find((atMs) => atMs >= endMs) ?? [])
      .map((atMs) => atMs - endMs),
  );
  return waits.length === 0 ? null : Math.max(...waits);
}
