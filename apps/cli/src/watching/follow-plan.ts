import type { PlanDefinition } from '#domain';
import type { PlanView, StepView } from '#client';
import { hasEnded } from '../exit-code.ts';
import { LogFollower } from './log-follower.ts';
import type { PlanSource } from './plan-source.ts';
import type { PlanWatcher } from './plan-watcher.ts';
import { WaitReader } from './wait-reader.ts';
import { WatchedPlan } from './watched-plan.ts';

/** A server that restarts, or is upgraded, comes back within this; after it the watching gives up. */
const AWAY_MS_MAX = 5 * 60_000;

export interface FollowPlanOptions {
  source: PlanSource;
  planId: string;
  watcher: PlanWatcher;
  /** Ends the watching, with the signal's reason; the plan goes on. */
  signal?: AbortSignal;
  /** Hands out every event of the plan, not only those that are still to come. */
  fromStart?: boolean;
  /** Ordinal or name of a step whose log is shown as it grows. */
  follow?: string | null;
}

/**
 * Shows a plan until it ends: one picture of it, then its events as the server tells them. Throws ConnectionError when
 * the server stays away, ProblemError when it refuses.
 */
export async function followPlan(o: FollowPlanOptions): Promise<PlanView> {
  const { summary, plan } = await takePicture(o.source, o.planId);
  o.signal?.throwIfAborted();
  const over = new AbortController();
  const asides = AbortSignal.any([over.signal, ...(o.signal ? [o.signal] : [])]);
  const waits = new WaitReader(o.source, plan, () => o.watcher.waits?.());
  const log = o.follow && o.watcher.log ? new LogFollower(o.source, plan, o.follow, o.watcher.log) : null;
  // Before anything is shown: a step that cannot be there is wrong usage.
  log?.check();
  o.watcher.begin(plan);
  const reading = Promise.all([o.watcher.waits ? waits.run(asides) : null, log?.run(asides)]);
  try {
    const isOver = hasEnded(summary.status);
    if (!isOver || o.fromStart) {
      await followEvents(o, plan, () => {
        waits.changed();
        log?.wake();
      });
    }
    await log?.finish();
    return isOver ? summary : await o.source.plan(o.planId);
  } finally {
    over.abort();
    await reading;
    o.watcher.done();
  }
}

async function followEvents(o: FollowPlanOptions, plan: WatchedPlan, changed: () => void): Promise<void> {
  const events = o.source.events(o.planId, {
    after: o.fromStart ? 0 : plan.seq,
    giveUpAfterMs: AWAY_MS_MAX,
    onTrouble: (error) => o.watcher.lost(error),
    onConnected: () => o.watcher.back(),
    ...(o.signal ? { signal: o.signal } : {}),
  });
  for await (const event of events) {
    const change = plan.apply(event);
    o.watcher.event(event, change);
    if (change) changed();
    if (ENDS.has(event.type)) return;
  }
}

const ENDS = new Set(['plan.completed', 'plan.halted', 'plan.cancelled']);

/** The steps are read after the plan, so they may be newer than its seq; the plan's events know how to bear that. */
export async function takePicture(
  source: Pick<PlanSource, 'plan' | 'steps' | 'ledger'>,
  planId: string,
): Promise<{ summary: PlanView; steps: StepView[]; plan: WatchedPlan }> {
  const summary = await source.plan(planId);
  const [steps, first] = await Promise.all([source.steps(planId), source.ledger(planId, 0, 1)]);
  const plan = new WatchedPlan(summary, steps, definitionIn(first.events[0]?.body));
  return { summary, steps, plan };
}

/** Of the first event. null: a server that is so new that its plans are told in another way. */
function definitionIn(body: string | undefined): PlanDefinition | null {
  if (body === undefined) return null;
  const { data } = JSON.parse(body) as { data?: { definition?: PlanDefinition } };
  return Array.isArray(data?.definition?.steps) ? data.definition : null;
}
