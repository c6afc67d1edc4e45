import { setTimeout as delay } from 'node:timers/promises';
import type { PlanSource } from './plan-source.ts';
import type { WatchedPlan } from './watched-plan.ts';
import { hasEndedStep } from './watched-step.ts';

const LOOK_MS = 500;
/** After the last change: what waits then waits for something. */
const QUIET_MS = 1_000;
/** A plan that changes all the time is asked about this often, and one in which nothing happens. */
const EVERY_MS = 5_000;
const IDLE_MS = 10_000;
/** Of the time that asking takes, this many times as long is not asked: the list of ten thousand steps costs. */
const SHARE = 20;

/** Events do not tell why steps wait: that is in the decider's memory. Asks for it, seldom enough to cost nothing. */
export class WaitReader {
  private changedMs = performance.now();
  private askedMs = performance.now();
  private pauseMs = 0;
  /** Since the last change. The picture's own waits do not count: they may be from before anybody looked at the plan. */
  private isAsked = false;

  constructor(
    private readonly source: Pick<PlanSource, 'steps'>,
    private readonly plan: WatchedPlan,
    private readonly told: () => void,
  ) {}

  /** Something happened: what is known of waits is old. */
  changed(): void {
    this.changedMs = performance.now();
    this.isAsked = false;
  }

  /** Until the signal is given. A server that is away is somebody else's concern. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted && this.isDue()) await this.ask(signal);
    }
  }

  private isDue(): boolean {
    const nowMs = performance.now();
    const sinceMs = nowMs - this.askedMs;
    if (sinceMs < this.pauseMs || this.plan.endedMs !== null) return false;
    if (!this.plan.steps().some((step) => step.state !== 'running' && !hasEndedStep(step))) return false;
    if (this.isAsked) return sinceMs > IDLE_MS;
    return nowMs - this.changedMs > QUIET_MS || sinceMs > EVERY_MS;
  }

  private async ask(signal: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    this.isAsked = true;
    try {
      const steps = await this.source.steps(this.plan.planId);
      if (signal.aborted) return;
      this.plan.setWaits(new Map(steps.flatMap(({ ordinal, wait }) => (wait ? [[ordinal, wait]] : []))));
      this.told();
    } catch {
      this.isAsked = false;
    } finally {
      this.askedMs = performance.now();
      this.pauseMs = SHARE * (this.askedMs - startedMs);
    }
  }
}
