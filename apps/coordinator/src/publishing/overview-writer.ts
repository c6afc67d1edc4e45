import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '#config';
import type { PlanEvent, PlanState } from '#domain';
import type { PlanViews, Projector } from '#ledger';
import { count, OverviewTrace, STEP_SPANS_MAX, type Logger } from '#telemetry';
import type { Committed } from '../deciding/decision-loop.ts';
import { OverviewProgress, readOverview, type OverviewViews } from './overview-reader.ts';

export interface OverviewWriterOptions {
  views: OverviewViews & Pick<PlanViews, 'lastEnded'>;
  projector: Pick<Projector, 'waitFor' | 'caughtUp'>;
  settings: Pick<Settings['telemetry'], 'otlpEndpoint' | 'serviceName'>;
  log: Logger;
  /** Where the spans go; by default to the endpoint of the settings. */
  trace?: Pick<OverviewTrace, 'write' | 'close'>;
  /** Least time between two writes of one plan (default 2 s). */
  everyMs?: number;
  /** Pause after the first failed write; doubles up to a minute (default 2 s). */
  pauseMs?: number;
  /** How long `stop` may go on writing (default 3 s). */
  flushMs?: number;
}

/** A plan that is being written. */
interface Followed {
  readonly progress: OverviewProgress;
  /** The projections must show the plan at least here. */
  seq: number;
  closed: boolean;
  /** null: nothing to write. */
  dueAt: number | null;
  wroteAt: number;
  tries: number;
}

/** Past this many plans the oldest is let go: what was written of it is read and written again when it moves. */
const PLANS_MAX = 10_000;
/** Of one plan in a row, so that one that the collector refuses does not stay for ever. */
const TRIES_MAX = 10;
const LANES = 2;
/** Steps that end together are written together. */
const SETTLE_MS = 200;
const PAUSE_MAX_MS = 60_000;
const PROJECTED_MS = 5_000;
const CAUGHT_UP_MS = 30_000;
/** What a dead decider may have left unwritten: plans that ended this close to the last one that ended. */
const RECENT_MS = 10 * 60_000;
const RECENT_PLANS_MAX = 200;

/**
 * Writes each plan's overview trace as its steps end. It follows committed events, but what it writes comes from the
 * projections, so that another replica, or the next start, writes the same. Nothing waits for it: it works beside the
 * decider, in bounded lanes, and is off without an endpoint.
 */
export class OverviewWriter {
  private readonly trace: Pick<OverviewTrace, 'write' | 'close'> | null;
  /** The one that moved last is last. */
  private readonly plans = new Map<string, Followed>();
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private failures = 0;
  private pausedUntil = 0;
  private stopping = false;

  constructor(private readonly o: OverviewWriterOptions) {
    const { otlpEndpoint, serviceName } = o.settings;
    const options = { serviceName: serviceName ?? 'skein-coordinator', otlpEndpoint, log: o.log };
    this.trace = otlpEndpoint === null ? null : (o.trace ?? new OverviewTrace(options));
  }

  /** Synchronous and cheap: it runs between a commit and its answers. */
  follow(committed: readonly Committed[]): void {
    if (!this.trace || this.stopping) return;
    for (const { plan, events } of committed) {
      if (isNews(plan, events)) this.want(plan.planId, plan.seq, plan.closed);
    }
  }

  /**
   * This replica decides from now on. Whoever decided before may have died between a commit and its spans, so the plans
   * that ended last are written once more. Open plans follow with their next event: nothing of them is known here, and
   * all of it is written.
   */
  beginTerm(): void {
    if (!this.trace || this.stopping) return;
    this.rederive().catch((error: unknown) =>
      this.o.log.warn({ err: error }, 'The overview traces of the term before could not be looked at'),
    );
  }

  /** Writes what is left, for a bounded time. What is not written then, the next term's decider writes. */
  async stop(): Promise<void> {
    if (!this.trace || this.stopping) return;
    this.stopping = true;
    if (this.timer) clearTimeout(this.timer);
    await Promise.race([this.flush(), sleep(this.o.flushMs ?? 3_000, undefined, { ref: false })]);
    this.plans.clear();
    await Promise.race([this.trace.close(), sleep(1_000, undefined, { ref: false })]);
  }

  private async flush(): Promise<void> {
    await this.round;
    for (const plan of this.plans.values()) if (plan.dueAt !== null) plan.dueAt = 0;
    await this.writeDue();
  }

  private async rederive(): Promise<void> {
    const caughtUp = await this.o.projector.caughtUp(CAUGHT_UP_MS);
    if (!caughtUp)
      this.o.log.warn({}, 'The projections are behind; some overview traces may stay incomplete');
    const ended = await this.o.views.lastEnded(RECENT_PLANS_MAX);
    // Counted from the last end, not from now: the whole stack may have been down for days.
    const since = Date.parse(ended[0]?.endedAt ?? '') - RECENT_MS;
    for (const { planId, endedAt, head, closed } of ended.reverse()) {
      if (endedAt !== null && Date.parse(endedAt) >= since) this.want(planId, head.seq, closed);
    }
  }

  private want(planId: string, seq: number, closed: boolean): void {
    const now = performance.now();
    const plan = this.plans.get(planId) ?? newlyFollowed();
    plan.seq = Math.max(plan.seq, seq);
    plan.closed ||= closed;
    plan.dueAt ??= Math.max(now + SETTLE_MS, plan.wroteAt + (this.o.everyMs ?? 2_000));
    this.plans.delete(planId);
    this.plans.set(planId, plan);
    if (this.plans.size > PLANS_MAX) this.letGoOldest();
    this.schedule();
  }

  private letGoOldest(): void {
    for (const [planId, { dueAt }] of this.plans) {
      this.plans.delete(planId);
      if (dueAt !== null)
        this.o.log.warn({ planId }, 'Too many overview traces wait; this one stays incomplete');
      return;
    }
  }

  private schedule(): void {
    if (this.timer || this.round || this.stopping) return;
    let next = Infinity;
    for (const { dueAt } of this.plans.values()) if (dueAt !== null && dueAt < next) next = dueAt;
    if (next === Infinity) return;
    // Never sooner than SETTLE_MS: looking for the next one looks at all of them.
    const waitMs = Math.max(SETTLE_MS, Math.max(next, this.pausedUntil) - performance.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      this.round = this.writeDue().finally(() => {
        this.round = null;
        this.schedule();
      });
    }, waitMs).unref();
  }

  /** Ends at the first failure: the collector, or the ledger, is the same for all. */
  private async writeDue(): Promise<void> {
    const now = performance.now();
    const due = [...this.plans].filter(([, { dueAt }]) => dueAt !== null && dueAt <= now);
    const failuresBefore = this.failures;
    const lane = async (): Promise<void> => {
      for (let next = due.shift(); next; next = due.shift()) {
        if (this.failures > failuresBefore) return;
        await this.write(...next);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  private async write(planId: string, plan: Followed): Promise<void> {
    const { seq } = plan;
    plan.dueAt = null;
    plan.wroteAt = performance.now();
    if (await this.tryToWrite(planId, plan)) {
      count('overviewWrites', { result: 'written' });
      this.failures = 0;
      plan.tries = 0;
      if (plan.closed && plan.seq === seq && this.plans.get(planId) === plan) this.plans.delete(planId);
      return;
    }
    this.failures += 1;
    plan.tries += 1;
    const pauseMs = Math.min(PAUSE_MAX_MS, (this.o.pauseMs ?? 2_000) * 2 ** (this.failures - 1));
    this.pausedUntil = performance.now() + pauseMs;
    const givenUp = plan.tries >= TRIES_MAX;
    count('overviewWrites', { result: givenUp ? 'given-up' : 'failed' });
    if (givenUp)
      this.o.log.warn({ planId, tries: plan.tries }, 'An overview trace was given up; it stays incomplete');
    else plan.dueAt = this.pausedUntil;
  }

  private async tryToWrite(planId: string, { seq, progress }: Followed): Promise<boolean> {
    try {
      if (!(await this.o.projector.waitFor(planId, seq, PROJECTED_MS))) return false;
      const overview = await readOverview(this.o.views, planId, progress);
      if (!overview) return true;
      if (!(await this.trace?.write(overview))) return false;
      progress.keep(overview);
      return true;
    } catch (error) {
      if (!this.stopping)
        this.o.log.warn({ err: error, planId }, 'An overview trace could not be written yet');
      return false;
    }
  }
}

function newlyFollowed(): Followed {
  const progress = new OverviewProgress();
  return { progress, seq: 0, closed: false, dueAt: null, wroteAt: -Infinity, tries: 0 };
}

/** Steps of a very large plan have no spans of their own. */
function isNews(plan: PlanState, events: readonly PlanEvent[]): boolean {
  const byStep = plan.steps.length <= STEP_SPANS_MAX;
  return events.some(({ type }) => PLAN_ENDS.has(type) || (byStep && STEP_ENDS.has(type)));
}

const STEP_ENDS = new Set<PlanEvent['type']>([
  'step.passed',
  'step.blocked',
  'step.poisoned',
  'step.cancelled',
  'step.skipped',
]);
const PLAN_ENDS = new Set<PlanEvent['type']>([
  'plan.completed',
  'plan.halted',
  'plan.cancelled',
  'plan.closed',
]);
