import { integrationBranch, readyQueue, stepOf, type PlanState, type StepState } from '../plan/state.ts';

/** Limits of the whole fleet, from its settings. `null` means no limit of its own. */
export interface FleetCaps {
  fleet: number | null;
  pools: Record<string, number>;
}

/** What workers can take, by pool, from their heartbeats. */
export type PoolSlots = ReadonlyMap<string, number>;

export interface Admission {
  planId: string;
  ordinal: number;
}

/** Why a ready step is not admitted now. */
export type Hold =
  | { kind: 'delayed'; until: number }
  | { kind: 'no-worker'; pool: string }
  | { kind: 'pool-window'; pool: string; inFlight: number; limit: number }
  | { kind: 'pool-cap'; pool: string; inFlight: number; limit: number }
  | { kind: 'fleet-cap'; inFlight: number; limit: number }
  | { kind: 'plan-cap'; inFlight: number; limit: number }
  | { kind: 'branch-lock'; branch: string; planId: string };

/**
 * Which ready steps of all open plans are admitted next.
 *
 * The queue holds only a shallow window of what workers can start soon: with S slots in a pool at most 2 S of its
 * steps are in flight, so a newcomer never waits behind somebody's ten thousand steps. Within a pool the turn goes
 * round by tenant, and within a tenant round by plan, one step at a time.
 */
export class Fleet {
  private readonly plans = new Map<string, PlanState>();
  private readonly counted = new Map<string, Map<string, number>>();
  private readonly inFlightByPool = new Map<string, number>();
  private readonly rings = new Map<string, TenantRing>();
  /** Plans with steps that become ready later: few. */
  private readonly delayed = new Set<string>();
  private readonly branchHolders = new Map<string, string>();
  private inFlight = 0;

  constructor(private readonly caps: FleetCaps) {}

  /** Takes in what changed in a plan; call it after each turn of the plan. */
  update(plan: PlanState): void {
    this.plans.set(plan.planId, plan);
    this.count(plan);
    this.holdBranch(plan);
    if (plan.delayed.size > 0) this.delayed.add(plan.planId);
    else this.delayed.delete(plan.planId);
    for (const pool of plan.ready.keys()) {
      if (nextReady(plan, pool) === undefined) continue;
      this.ring(pool).add(plan.submitted?.tenant ?? '', plan.planId);
    }
    if (plan.closed) this.remove(plan.planId);
  }

  remove(planId: string): void {
    const plan = this.plans.get(planId);
    this.plans.delete(planId);
    this.delayed.delete(planId);
    for (const [pool, count] of this.counted.get(planId) ?? []) this.bump(pool, -count);
    this.counted.delete(planId);
    if (plan) this.releaseBranch(plan);
    for (const ring of this.rings.values()) ring.drop(planId);
  }

  /**
   * Admits one step after the other through `admitOne` (which must apply `step.admitted` to the plan) until every
   * pool is full or has nothing ready. Pools take turns, too: under a cap of the fleet or of a plan, a pool that
   * never runs dry would starve the others.
   */
  admit(now: number, slots: PoolSlots, admitOne: (plan: PlanState, ordinal: number) => void): number {
    this.promoteDelayed(now);
    let admitted = 0;
    const done = new Set<string>();
    const held: [ring: TenantRing, tenant: string, planId: string][] = [];
    for (let pool = this.nextPool(done); pool !== null; pool = this.nextPool(done)) {
      const ring = this.rings.get(pool)!;
      const turn = this.poolHold(pool, slots) ? null : ring.next();
      if (!turn) {
        done.add(pool);
        continue;
      }
      const plan = this.plans.get(turn.planId);
      const ordinal = plan ? nextReady(plan, pool) : undefined;
      if (!plan || ordinal === undefined) continue;
      if (this.planHold(plan, stepOf(plan, ordinal))) {
        held.push([ring, turn.tenant, turn.planId]);
        continue;
      }
      plan.ready.get(pool)!.shift();
      admitOne(plan, ordinal);
      admitted += 1;
      this.update(plan);
      // To the end of the row of pools.
      this.rings.delete(pool);
      this.rings.set(pool, ring);
    }
    // Held by a cap of their own: they are looked at again next time.
    for (const [ring, tenant, planId] of held) ring.add(tenant, planId);
    return admitted;
  }

  private nextPool(done: ReadonlySet<string>): string | null {
    for (const pool of this.rings.keys()) if (!done.has(pool)) return pool;
    return null;
  }

  /** The first thing that keeps a ready step from being admitted; null: it goes next time. */
  holdOf(plan: PlanState, step: StepState, now: number, slots: PoolSlots): Hold | null {
    if (step.notBefore > now) return { kind: 'delayed', until: step.notBefore };
    return this.planHold(plan, step) ?? this.poolHold(step.pool, slots);
  }

  /** The next instant at which a delayed step may go; null when there is none. */
  nextDelayed(): number | null {
    let next: number | null = null;
    for (const planId of this.delayed) {
      const plan = this.plans.get(planId)!;
      for (const ordinal of plan.delayed) {
        const at = stepOf(plan, ordinal).notBefore;
        if (next === null || at < next) next = at;
      }
    }
    return next;
  }

  get openPlans(): IterableIterator<PlanState> {
    return this.plans.values();
  }

  get stepsInFlight(): number {
    return this.inFlight;
  }

  private poolHold(pool: string, slots: PoolSlots): Hold | null {
    const inFlight = this.inFlightByPool.get(pool) ?? 0;
    if (this.caps.fleet !== null && this.inFlight >= this.caps.fleet) {
      return { kind: 'fleet-cap', inFlight: this.inFlight, limit: this.caps.fleet };
    }
    const cap = this.caps.pools[pool];
    if (cap !== undefined && inFlight >= cap) return { kind: 'pool-cap', pool, inFlight, limit: cap };
    const free = slots.get(pool) ?? 0;
    if (free === 0) return { kind: 'no-worker', pool };
    if (inFlight >= 2 * free) return { kind: 'pool-window', pool, inFlight, limit: 2 * free };
    return null;
  }

  private planHold(plan: PlanState, step: StepState): Hold | null {
    const max = plan.submitted?.definition.maxParallel ?? null;
    if (max !== null && plan.inFlight >= max)
      return { kind: 'plan-cap', inFlight: plan.inFlight, limit: max };
    if (step.instance.kind === 'integrate') {
      const holder = this.branchHolders.get(branchKey(plan));
      if (holder && holder !== plan.planId) {
        return { kind: 'branch-lock', branch: integrationBranch(plan), planId: holder };
      }
    }
    return null;
  }

  /** (repository, branch) is a lock between plans: from the first admission of `integrate` to the plan's end. */
  private holdBranch(plan: PlanState): void {
    const integrate = plan.system.integrate;
    if (integrate === null) return;
    const step = stepOf(plan, integrate);
    if (plan.status === 'running' && step.epoch > 0) {
      const key = branchKey(plan);
      if (!this.branchHolders.has(key)) this.branchHolders.set(key, plan.planId);
    } else {
      this.releaseBranch(plan);
    }
  }

  private releaseBranch(plan: PlanState): void {
    if (plan.system.integrate === null) return;
    const key = branchKey(plan);
    if (this.branchHolders.get(key) === plan.planId) this.branchHolders.delete(key);
  }

  private count(plan: PlanState): void {
    let counted = this.counted.get(plan.planId);
    if (!counted) {
      counted = new Map();
      this.counted.set(plan.planId, counted);
    }
    for (const [pool, inFlight] of plan.inFlightByPool) {
      const before = counted.get(pool) ?? 0;
      if (before === inFlight) continue;
      counted.set(pool, inFlight);
      this.bump(pool, inFlight - before);
    }
  }

  private bump(pool: string, delta: number): void {
    this.inFlight += delta;
    this.inFlightByPool.set(pool, (this.inFlightByPool.get(pool) ?? 0) + delta);
  }

  private promoteDelayed(now: number): void {
    for (const planId of this.delayed) {
      const plan = this.plans.get(planId)!;
      for (const ordinal of plan.delayed) {
        const step = stepOf(plan, ordinal);
        if (step.notBefore > now) continue;
        plan.delayed.delete(ordinal);
        readyQueue(plan, step.pool).push(ordinal);
      }
      if (plan.delayed.size === 0) this.delayed.delete(planId);
      this.update(plan);
    }
  }

  private ring(pool: string): TenantRing {
    let ring = this.rings.get(pool);
    if (!ring) {
      ring = new TenantRing();
      this.rings.set(pool, ring);
    }
    return ring;
  }
}

/** The first ready step of a pool; drops entries that are stale (admitted on replay, delayed, ended). */
function nextReady(plan: PlanState, pool: string): number | undefined {
  const queue = plan.ready.get(pool);
  if (!queue) return undefined;
  for (let ordinal = queue.peek(); ordinal !== undefined; ordinal = queue.peek()) {
    const step = stepOf(plan, ordinal);
    if (step.status === 'ready' && !plan.delayed.has(ordinal)) return ordinal;
    queue.shift();
  }
  return undefined;
}

function branchKey(plan: PlanState): string {
  return `${plan.submitted?.definition.repo?.url ?? ''}\n${integrationBranch(plan)}`;
}

/** Takes turns between tenants, and within a tenant between plans. A plan stands in it once. */
class TenantRing {
  private readonly tenants = new Map<string, Set<string>>();

  add(tenant: string, planId: string): void {
    let plans = this.tenants.get(tenant);
    if (!plans) {
      plans = new Set();
      this.tenants.set(tenant, plans);
    }
    plans.add(planId);
  }

  /** Takes out the plan whose turn it is. Maps and sets keep insertion order: taking out and adding again is a ring. */
  next(): { tenant: string; planId: string } | null {
    for (const [tenant, plans] of this.tenants) {
      this.tenants.delete(tenant);
      for (const planId of plans) {
        plans.delete(planId);
        if (plans.size > 0) this.tenants.set(tenant, plans);
        return { tenant, planId };
      }
    }
    return null;
  }

  drop(planId: string): void {
    for (const [tenant, plans] of this.tenants) {
      if (plans.delete(planId) && plans.size === 0) this.tenants.delete(tenant);
    }
  }
}
