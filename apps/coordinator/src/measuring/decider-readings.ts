import { firstReady, type LimitInUse, type PlanState, type PoolSlots, type StepStatus } from '#domain';
import { declaredMetrics, observe } from '#telemetry';
import type { KnownWorker } from '../deciding/worker-roster.ts';

export interface DeciderFacts {
  term: number;
  /** A decider that may have been deposed says nothing: its successor does. */
  isSure: () => boolean;
  /** Wall clock (ms). */
  now: () => number;
  plans: () => Iterable<PlanState>;
  stuck: () => number;
  workers: () => KnownWorker[];
  slots: () => PoolSlots;
  limits: () => Iterable<LimitInUse>;
  waiting: () => number;
  unclaimed: () => number;
}

/**
 * What only the decider knows, read at each scrape until the returned function is called. It costs a few additions for
 * each open plan: steps are counted where they change, never looked through.
 */
export function observeDecider(facts: DeciderFacts): () => void {
  const whileSure =
    <T>(read: (tell: T) => void) =>
    (tell: T): void => {
      if (facts.isSure()) read(tell);
    };
  const offs = [
    observe(
      'deciderTerm',
      whileSure((tell) => tell(facts.term, {})),
    ),
    observe(
      'steps',
      whileSure((tell) => {
        for (const state of declaredMetrics.steps.labels.state) tell(0, { state });
        for (const plan of open(facts)) {
          for (const [state, steps] of Object.entries(plan.counts))
            tell(steps, { state: state as StepStatus });
        }
      }),
    ),
    observe(
      'plansOpen',
      whileSure((tell) => {
        for (const status of declaredMetrics.plansOpen.labels.status) tell(0, { status });
        for (const { status } of open(facts)) tell(1, { status });
      }),
    ),
    observe(
      'plansStuck',
      whileSure((tell) => tell(facts.stuck(), {})),
    ),
    observe(
      'inFlight',
      whileSure((tell) => {
        for (const plan of open(facts))
          for (const [pool, steps] of plan.inFlightByPool) tell(steps, { pool });
      }),
    ),
    observe(
      'limitsFull',
      whileSure((tell) => {
        for (const kind of declaredMetrics.limitsFull.labels.kind) tell(0, { kind });
        for (const limit of facts.limits()) {
          const { kind, value, inUse } = limit;
          if (kind === 'weight' || kind === 'priority' || value === null || inUse === null) continue;
          if (inUse >= value) tell(1, { kind });
        }
      }),
    ),
    observe(
      'limitsChanged',
      whileSure((tell) => {
        let changed = 0;
        for (const { from } of facts.limits()) if (from === 'changed') changed += 1;
        tell(changed, {});
      }),
    ),
    observe(
      'oldestWait',
      whileSure((tell) => {
        const now = facts.now();
        for (const plan of open(facts)) {
          for (const [pool, readyAt] of oldestReady(plan)) tell(Math.max(0, now - readyAt) / 1_000, { pool });
        }
      }),
    ),
    observe(
      'slots',
      whileSure((tell) => {
        for (const [pool, slots] of facts.slots()) tell(slots, { pool });
      }),
    ),
    observe(
      'workers',
      whileSure((tell) => {
        const draining = facts.workers().filter((worker) => worker.draining).length;
        tell(facts.workers().length - draining, { state: 'serving' });
        tell(draining, { state: 'draining' });
      }),
    ),
    observe(
      'queueDepth',
      whileSure((tell) => tell(facts.waiting(), {})),
    ),
    observe(
      'unclaimedJobs',
      whileSure((tell) => tell(facts.unclaimed(), {})),
    ),
  ];
  return () => {
    for (const off of offs) off();
  };
}

/** Without those that are being submitted and of which nothing is committed yet. */
function* open({ plans }: DeciderFacts): Generator<PlanState> {
  for (const plan of plans()) if (plan.submitted) yield plan;
}

/** Of each pool, when the first step in line became ready: the others of its lane came after it. */
function* oldestReady(plan: PlanState): Generator<[pool: string, readyAt: number]> {
  if (plan.readyCount === 0) return;
  for (const pool of plan.lanes.pools()) {
    for (const lane of plan.lanes.inPool(pool)) {
      const ordinal = firstReady(lane, plan.steps);
      if (ordinal !== undefined) yield [pool, plan.steps[ordinal]!.readyAt];
    }
  }
}
