import { isStuck, type Fleet, type PlanInput } from '#domain';
import { count, type Logger } from '#telemetry';
import type { JobDispatcher } from '../publishing/job-dispatcher.ts';
import { repeat, type Clock } from './clock.ts';
import type { DecisionLoop } from './decision-loop.ts';
import type { LeaseTable } from './lease-table.ts';
import type { OpenPlans } from './open-plans.ts';
import type { WorkerRoster } from './worker-roster.ts';

export interface SweeperOptions {
  clock: Clock;
  fleet: Fleet;
  plans: OpenPlans;
  leases: LeaseTable;
  roster: WorkerRoster;
  loop: DecisionLoop;
  dispatcher: JobDispatcher;
  leaseMs: number;
  /** Whether workers can be heard. While they cannot, their silence means nothing. */
  hears: () => boolean;
  /** Whether the term is surely ours. An unsure decider judges nobody and repairs nothing: another one may do it. */
  isSure: () => boolean;
  /** Default 500 ms. */
  intervalMs?: number;
  /** 0 to 1: the jitter of what is tried again. */
  random: () => number;
  /** All plans that are stuck now; not told before it is known. */
  onStuck: (planIds: readonly string[]) => void;
  log: Logger;
}

/**
 * Level-triggered: whatever was missed (a lost message, a silent worker, a wiped queue) is found here within seconds,
 * from the state alone. In a calm run it repairs nothing.
 */
export class Sweeper {
  private calloff: (() => void) | null = null;
  private stopTicking: () => void = () => undefined;
  private lastTick: number;
  private busy: Promise<void> = Promise.resolve();
  private readonly intervalMs: number;
  /** As of the last sweep; null: there was none. */
  private stuck: ReadonlySet<string> | null = null;
  private sweeping: Promise<void> | null = null;
  private again = false;
  /** Leases whose end is being decided: their silence is told once, however long the ledger takes. */
  private readonly judged = new Set<string>();
  /** Plans that are being told the time. */
  private readonly told = new Set<string>();
  repairs = 0;
  /** As of the last sweep. */
  stuckPlans = 0;

  constructor(private readonly o: SweeperOptions) {
    this.intervalMs = o.intervalMs ?? 500;
    this.lastTick = o.clock.monotonic();
  }

  start(): void {
    this.lastTick = this.o.clock.monotonic();
    // A sweep may wait long for a slow broker: that is not standing still.
    const { clock, leaseMs } = this.o;
    this.stopTicking = repeat(clock, Math.min(this.intervalMs, leaseMs / 4), () => this.tick());
    this.schedule();
  }

  async stop(): Promise<void> {
    this.calloff?.();
    this.calloff = null;
    this.stopTicking();
    await this.busy;
    await this.sweeping;
  }

  /** One at a time: who asks in the middle of one gets another one after it, shared with all others who asked. */
  async sweep(): Promise<void> {
    if (this.sweeping) {
      this.again = true;
      return this.sweeping;
    }
    this.sweeping = this.sweepUntilCalm();
    try {
      await this.sweeping;
    } finally {
      this.sweeping = null;
    }
  }

  private async sweepUntilCalm(): Promise<void> {
    do {
      this.again = false;
      await this.sweepOnce();
    } while (this.again && this.calloff);
  }

  private async sweepOnce(): Promise<void> {
    const now = this.tick();
    if (!this.o.hears()) this.o.leases.extendAll(now);
    if (!this.o.isSure()) return;
    this.loseSilentLeases(now);
    if (this.o.roster.sweep(now)) this.o.loop.admitSoon();
    this.passTime();
    this.findStuckPlans();
    this.repairs += await this.o.dispatcher.sweep((planId) => this.o.plans.cached(planId));
  }

  /** This process stood still (stopped, suspended): nobody could be heard, so nobody's silence counts. */
  private tick(): number {
    const now = this.o.clock.monotonic();
    const stoodStillMs = Math.round(now - this.lastTick);
    this.lastTick = now;
    if (stoodStillMs > this.o.leaseMs / 2) {
      this.o.log.warn({ stoodStillMs }, 'The decider stood still; all leases get a full term');
      this.o.leases.extendAll(now);
      count('repairs', { kind: 'stood-still' });
    }
    return now;
  }

  /** Delayed steps, waits that are over, deadlines: all of it is found without a look at plans that only wait. */
  private passTime(): void {
    const { clock, fleet, loop } = this.o;
    const now = clock.now();
    if ((fleet.nextWake() ?? Infinity) > now) return;
    loop.admitSoon();
    for (const planId of fleet.overdue(now, OVERDUE_PLANS_MAX)) {
      if (this.told.has(planId)) continue;
      this.told.add(planId);
      loop
        .submit(planId, { kind: 'time' }, null)
        .catch(() => undefined)
        .finally(() => this.told.delete(planId));
    }
  }

  private schedule(): void {
    this.calloff = this.o.clock.schedule(this.intervalMs, () => {
      this.busy = this.sweep()
        .catch((error: unknown) =>
          this.o.log.warn({ err: error }, 'A sweep failed; the next one tries again'),
        )
        .finally(() => {
          if (this.calloff) this.schedule();
        });
    });
  }

  private loseSilentLeases(now: number): void {
    for (const lease of this.o.leases.expired(now)) {
      const name = `${lease.planId}/${lease.ordinal}/${lease.epoch}`;
      if (this.judged.has(name)) continue;
      this.judged.add(name);
      count('repairs', { kind: 'silent-lease' });
      const input: PlanInput = {
        kind: 'lease-expired',
        ordinal: lease.ordinal,
        epoch: lease.epoch,
        counts: lease.seen,
        reason: lease.seen
          ? { code: 'worker-silent', message: `worker ${lease.worker} was silent for ${this.o.leaseMs} ms` }
          : {
              code: 'lost-with-decider',
              message: `worker ${lease.worker} has not been heard since this decider took over; not counted`,
            },
        jitter: this.o.random(),
      };
      // The ledger may be slow: a worker that has spoken by the time this is decided is not silent.
      const hasSpoken = (): boolean => lease.expiresAt > this.o.clock.monotonic();
      // Ends the entry when it is committed; until then it is found again, and refused as over.
      this.o.loop
        .submit(lease.planId, input, null, hasSpoken)
        .catch(() => undefined)
        .finally(() => this.judged.delete(name));
    }
  }

  /** A plan that runs nothing, waits for nothing and has not ended is a bug: say so, and nudge it. */
  private findStuckPlans(): void {
    const stuck = new Set<string>();
    for (const plan of this.o.fleet.openPlans) if (isStuck(plan)) stuck.add(plan.planId);
    const before = this.stuck;
    this.stuck = stuck;
    if (!before) return;
    // Twice in a row: a turn may be under way between the two.
    const surely = [...stuck].filter((planId) => before.has(planId));
    this.stuckPlans = surely.length;
    for (const planId of surely)
      this.o.log.error({ planId, alert: 'plan-stuck' }, 'A plan can neither go on nor end');
    this.o.onStuck(surely);
  }
}

/** Plans that are told the time in one sweep; the rest follows with the next. */
const OVERDUE_PLANS_MAX = 1_000;
