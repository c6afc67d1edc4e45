import type { PlanEvent, PlanState } from '#domain';

export interface KnownLease {
  planId: string;
  ordinal: number;
  epoch: number;
  worker: string | null;
  /** On the decider's monotonic clock. */
  expiresAt: number;
  /** Whether this decider has heard of the lease itself. A lease that died with the last decider is nobody's fault. */
  seen: boolean;
}

/**
 * When each lease ends unless its worker speaks. In memory only: after a take-over every known lease gets one full
 * term, so nothing needs to be written for a heartbeat.
 */
export class LeaseTable {
  private readonly byPlan = new Map<string, Map<number, KnownLease>>();

  constructor(private readonly leaseMs: number) {}

  /** A lease that an earlier decider granted. */
  inherit(lease: { planId: string; ordinal: number; epoch: number; worker: string }, now: number): void {
    this.set({ ...lease, expiresAt: now + this.leaseMs, seen: false });
  }

  /** After a plan was read again: what was committed for it may never have come by here. */
  adopt(plan: PlanState, now: number): void {
    const before = this.byPlan.get(plan.planId);
    this.byPlan.delete(plan.planId);
    for (const step of plan.steps) {
      if (step.status !== 'leased' || !step.holder) continue;
      const known = before?.get(step.instance.ordinal);
      if (known?.epoch === step.epoch) this.set(known);
      else {
        const { ordinal } = step.instance;
        this.inherit({ planId: plan.planId, ordinal, epoch: step.epoch, worker: step.holder.worker }, now);
      }
    }
  }

  /** Follows committed events: a lease begins with its claim and ends with whatever ends the step's epoch. */
  follow(planId: string, event: PlanEvent, now: number): void {
    switch (event.type) {
      case 'lease.granted':
        this.set({
          planId,
          ordinal: event.data.ordinal,
          epoch: event.data.epoch,
          worker: event.data.worker,
          expiresAt: now + this.leaseMs,
          seen: true,
        });
        return;
      case 'attempt.finished':
        this.renew(planId, event.data.ordinal, event.data.epoch, now);
        return;
      case 'lease.lost':
      case 'lease.released':
      case 'step.passed':
      case 'step.blocked':
      case 'step.poisoned':
      case 'step.cancelled':
      case 'step.skipped':
        this.drop(planId, event.data.ordinal);
        return;
      case 'report.published':
        this.drop(planId, event.data.ordinal);
        return;
      default:
        return;
    }
  }

  /** After an event that ends many steps at once: what is not leased any more is not watched. */
  keepLeased(plan: PlanState): void {
    for (const ordinal of this.byPlan.get(plan.planId)?.keys() ?? [])
      if (plan.steps[ordinal]?.status !== 'leased') this.drop(plan.planId, ordinal);
  }

  /** False: there is no such lease here. */
  renew(planId: string, ordinal: number, epoch: number, now: number): boolean {
    const lease = this.byPlan.get(planId)?.get(ordinal);
    if (lease?.epoch !== epoch) return false;
    lease.expiresAt = now + this.leaseMs;
    lease.seen = true;
    return true;
  }

  /** After a time in which nobody could be heard (a stopped process), everyone gets a full term again. */
  extendAll(now: number): void {
    for (const lease of this.all()) {
      lease.expiresAt = now + this.leaseMs;
      lease.seen = false;
    }
  }

  expired(now: number): KnownLease[] {
    return [...this.all()].filter((lease) => lease.expiresAt <= now);
  }

  get size(): number {
    let size = 0;
    for (const leases of this.byPlan.values()) size += leases.size;
    return size;
  }

  private *all(): IterableIterator<KnownLease> {
    for (const leases of this.byPlan.values()) yield* leases.values();
  }

  private set(lease: KnownLease): void {
    let leases = this.byPlan.get(lease.planId);
    if (!leases) {
      leases = new Map();
      this.byPlan.set(lease.planId, leases);
    }
    leases.set(lease.ordinal, lease);
  }

  private drop(planId: string, ordinal: number): void {
    const leases = this.byPlan.get(planId);
    if (leases?.delete(ordinal) && leases.size === 0) this.byPlan.delete(planId);
  }
}
