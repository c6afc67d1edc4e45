import type { PlanSubmitted, Reason } from '../ledger/events.ts';
import { isOverdue } from '../plan/decide.ts';
import { firstReady, type Lane } from '../plan/lanes.ts';
import {
  integrationBranch,
  isDelayed,
  isSleeping,
  stepOf,
  type PlanState,
  type StepState,
} from '../plan/state.ts';
import { TimeHeap } from '../time-heap.ts';
import { Counts, type Consumption } from './counts.ts';
import { FairQueue } from './fair-queue.ts';
import { openSteps, quotaRefusal, stepsNamed } from './quota.ts';

/** Limits that span plans, from the fleet's settings. What is not named has no limit of its own. */
export interface FleetCaps {
  fleet: number | null;
  pools: Record<string, number>;
  tenants?: Record<string, number>;
  /** By address. */
  repositories?: Record<string, number>;
  /** Locks of tenants, by name: how many steps may hold one at once. Default 1. */
  locks?: Record<string, number>;
  /** Steps of all its open plans that a tenant may have; a plan that would be too much is not taken. */
  openSteps?: number;
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
  | { kind: 'tenant-cap'; tenant: string; inFlight: number; limit: number }
  | { kind: 'repository-cap'; inFlight: number; limit: number }
  | { kind: 'plan-cap'; inFlight: number; limit: number }
  | { kind: 'lock'; lock: string; scope: 'plan' | 'tenant'; holders: number; limit: number }
  | { kind: 'branch-lock'; branch: string; planId: string }
  | { kind: 'paused'; by: string; why: string | null };

/**
 * Which ready steps of all open plans are admitted next.
 *
 * The queue holds only a shallow window of what workers can start soon: with S slots in a pool at most 2 S of its
 * steps are in flight, so a newcomer never waits behind somebody's ten thousand steps. Within a pool the turn goes
 * round by tenant, and within a tenant by plan, by the plan's weight; within a plan its lanes go by priority.
 */
export class Fleet {
  private readonly plans = new Map<string, PlanState>();
  private readonly rings = new Map<string, TenantRing>();
  private readonly counts = new Counts();
  private readonly branchHolders = new Map<string, string>();
  /** Plans that wait for a lock, a branch or a cap that another plan holds, by its key. */
  private readonly waiters = new Map<string, Set<string>>();
  /** When each plan wants to be looked at next: a delayed step, a wait's end, its deadline. */
  private readonly wakes = new TimeHeap<string>();
  private readonly wakeOf = new Map<string, number>();

  constructor(private readonly caps: FleetCaps) {}

  /** Takes in what changed in a plan; call it after each turn of the plan. */
  update(plan: PlanState): void {
    this.plans.set(plan.planId, plan);
    for (const key of this.counts.update(plan.planId, consumptionOf(plan))) this.freed(key);
    this.holdBranch(plan);
    this.setWake(plan);
    this.queue(plan);
    if (plan.closed) this.remove(plan.planId);
  }

  /** Why a plan that is submitted is not taken; null: it is. Goes by the plans that were taken in so far. */
  refusalOf({ tenant, definition }: PlanSubmitted): Reason | null {
    const open = this.counts.of(`open ${tenant}`);
    return quotaRefusal(tenant, open, stepsNamed(definition), this.caps.openSteps ?? null);
  }

  remove(planId: string): void {
    const plan = this.plans.get(planId);
    this.plans.delete(planId);
    this.wakeOf.delete(planId);
    for (const key of this.counts.remove(planId)) this.freed(key);
    if (plan) this.releaseBranch(plan);
    for (const ring of this.rings.values()) ring.forget(planId, tenantOf(plan));
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
    for (let pool = this.nextPool(done); pool !== null; pool = this.nextPool(done)) {
      const ring = this.rings.get(pool)!;
      const turn = this.poolHold(pool, slots) ? null : ring.next((tenant) => !this.tenantHold(tenant));
      if (!turn) {
        done.add(pool);
        continue;
      }
      const plan = this.plans.get(turn.planId);
      const found = plan ? this.firstAdmissible(plan, pool) : null;
      // A held plan leaves the ring: what frees it puts it back.
      if (!plan || !found) {
        ring.skip(turn.tenant);
        continue;
      }
      plan.lanes.shift(found.lane);
      admitOne(plan, found.ordinal);
      admitted += 1;
      ring.charge(turn.tenant, turn.planId, weightOf(plan));
      this.update(plan);
      // To the end of the row of pools.
      this.rings.delete(pool);
      this.rings.set(pool, ring);
    }
    return admitted;
  }

  /** The first thing that keeps a ready step from being admitted; null: it goes next time. */
  holdOf(plan: PlanState, step: StepState, now: number, slots: PoolSlots): Hold | null {
    if (step.notBefore > now) return { kind: 'delayed', until: step.notBefore };
    return (
      this.planHold(plan, step.lane)?.hold ??
      this.tenantHold(tenantOf(plan)) ??
      this.poolHold(step.lane.pool, slots)
    );
  }

  /** How many plans of the tenant, and how many tenants, have their turn before this plan in a pool. */
  placeOf(plan: PlanState, pool: string): { plans: number; tenants: number } | null {
    return this.rings.get(pool)?.placeOf(tenantOf(plan), plan.planId) ?? null;
  }

  /** The next instant at which time alone moves a plan; null when there is none. */
  nextWake(): number | null {
    return this.wakes.peek((planId, at) => this.wakeOf.get(planId) === at)?.at ?? null;
  }

  /** Plans of which a wait is over or the deadline has passed: they want the input `time`. At most `limit`. */
  overdue(now: number, limit: number): string[] {
    const found: string[] = [];
    const again: [number, string][] = [];
    while (found.length < limit) {
      const alarm = this.wakes.peek((planId, at) => this.wakeOf.get(planId) === at);
      if (!alarm || alarm.at > now) break;
      this.wakes.pop();
      // It stays until the plan has moved: the input may not come through.
      again.push([alarm.at, alarm.key]);
      const plan = this.plans.get(alarm.key);
      if (plan && wantsTime(plan, now)) found.push(alarm.key);
    }
    for (const [at, planId] of again) this.wakes.push(at, planId);
    return found;
  }

  get openPlans(): IterableIterator<PlanState> {
    return this.plans.values();
  }

  get stepsInFlight(): number {
    return this.counts.of('fleet');
  }

  private nextPool(done: ReadonlySet<string>): string | null {
    for (const pool of this.rings.keys()) if (!done.has(pool)) return pool;
    return null;
  }

  private firstAdmissible(plan: PlanState, pool: string): { lane: Lane; ordinal: number } | null {
    for (const lane of plan.lanes.inPool(pool)) {
      const ordinal = firstReady(lane, plan.steps);
      if (ordinal === undefined) continue;
      const held = this.planHold(plan, lane);
      if (!held) return { lane, ordinal };
      if (held.key) this.waitFor(held.key, plan.planId);
    }
    return null;
  }

  private poolHold(pool: string, slots: PoolSlots): Hold | null {
    const { caps, counts } = this;
    const fleet = counts.of('fleet');
    const inFlight = counts.of(`pool ${pool}`);
    if (caps.fleet !== null && fleet >= caps.fleet)
      return { kind: 'fleet-cap', inFlight: fleet, limit: caps.fleet };
    const cap = caps.pools[pool];
    if (cap !== undefined && inFlight >= cap) return { kind: 'pool-cap', pool, inFlight, limit: cap };
    const free = slots.get(pool) ?? 0;
    if (free === 0) return { kind: 'no-worker', pool };
    if (inFlight >= 2 * free) return { kind: 'pool-window', pool, inFlight, limit: 2 * free };
    return null;
  }

  /** `key`: what another plan must free; without one only the plan itself can change it. */
  private planHold(plan: PlanState, lane: Lane): { hold: Hold; key: string | null } | null {
    const { paused } = plan;
    if (paused) return { hold: { kind: 'paused', by: paused.by.name, why: paused.why }, key: null };
    const definition = plan.submitted!.definition;
    const max = definition.maxParallel;
    if (max !== null && plan.inFlight >= max)
      return { hold: { kind: 'plan-cap', inFlight: plan.inFlight, limit: max }, key: null };
    const ofRepository = this.repositoryHold(definition.repo?.url);
    if (ofRepository) return ofRepository;
    for (const lock of lane.locks) {
      const held = this.lockHold(plan, tenantOf(plan), lock);
      if (held) return held;
    }
    return lane.integrates ? this.branchHold(plan) : null;
  }

  private tenantHold(tenant: string): Hold | null {
    const limit = this.caps.tenants?.[tenant];
    const inFlight = this.counts.of(`tenant ${tenant}`);
    return limit !== undefined && inFlight >= limit ? { kind: 'tenant-cap', tenant, inFlight, limit } : null;
  }

  private repositoryHold(url: string | undefined): { hold: Hold; key: string } | null {
    const limit = url === undefined ? undefined : this.caps.repositories?.[url];
    if (limit === undefined) return null;
    const key = `repository ${url}`;
    const inFlight = this.counts.of(key);
    return inFlight >= limit ? { key, hold: { kind: 'repository-cap', inFlight, limit } } : null;
  }

  private lockHold(plan: PlanState, tenant: string, lock: string): { hold: Hold; key: string | null } | null {
    const own = ownLocks(plan)[lock];
    const key = own === undefined ? lockKey(tenant, lock) : null;
    const holders = key === null ? (plan.inFlightByLock.get(lock) ?? 0) : this.counts.of(key);
    const limit = own ?? this.caps.locks?.[lock] ?? 1;
    if (holders < limit) return null;
    return { hold: { kind: 'lock', lock, scope: key === null ? 'plan' : 'tenant', holders, limit }, key };
  }

  private branchHold(plan: PlanState): { hold: Hold; key: string } | null {
    const key = branchKey(plan);
    const holder = this.branchHolders.get(key);
    if (!holder || holder === plan.planId) return null;
    return { hold: { kind: 'branch-lock', branch: integrationBranch(plan), planId: holder }, key };
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
    if (this.branchHolders.get(key) !== plan.planId) return;
    this.branchHolders.delete(key);
    this.freed(key);
  }

  private waitFor(key: string, planId: string): void {
    const waiting = this.waiters.get(key);
    if (waiting) waiting.add(planId);
    else this.waiters.set(key, new Set([planId]));
  }

  private freed(key: string): void {
    const waiting = this.waiters.get(key);
    if (!waiting) return;
    this.waiters.delete(key);
    for (const planId of waiting) {
      const plan = this.plans.get(planId);
      if (plan) this.queue(plan);
    }
  }

  private queue(plan: PlanState): void {
    if (!plan.submitted) return;
    for (const pool of plan.lanes.pools()) {
      if (plan.lanes.inPool(pool).some((lane) => firstReady(lane, plan.steps) !== undefined)) {
        this.ring(pool).add(tenantOf(plan), plan.planId);
      }
    }
  }

  private setWake(plan: PlanState): void {
    const at = wakeOf(plan);
    if (at === (this.wakeOf.get(plan.planId) ?? null)) return;
    if (at === null) {
      this.wakeOf.delete(plan.planId);
    } else {
      this.wakeOf.set(plan.planId, at);
      this.wakes.push(at, plan.planId);
    }
  }

  private promoteDelayed(now: number): void {
    const again: [number, string][] = [];
    for (;;) {
      const alarm = this.wakes.peek((planId, at) => this.wakeOf.get(planId) === at);
      if (!alarm || alarm.at > now) break;
      this.wakes.pop();
      const plan = this.plans.get(alarm.key)!;
      if (wantsTime(plan, now)) again.push([alarm.at, alarm.key]);
      else this.wakeOf.delete(alarm.key);
      promote(plan, now);
      this.update(plan);
    }
    for (const [at, planId] of again) if (this.wakeOf.get(planId) === at) this.wakes.push(at, planId);
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

/** Delayed steps whose time has come join their lane. */
function promote(plan: PlanState, now: number): void {
  for (;;) {
    const alarm = plan.delayed.peek((ordinal, at) => isDelayed(plan, ordinal, at));
    if (!alarm || alarm.at > now) return;
    plan.delayed.pop();
    const step = stepOf(plan, alarm.key);
    step.notBefore = 0;
    step.lane.ready.push(alarm.key);
  }
}

/** What only the input `time` can move. */
function wantsTime(plan: PlanState, now: number): boolean {
  if (isOverdue(plan, now)) return true;
  const sleeper = plan.sleepers.peek((ordinal) => isSleeping(plan, ordinal));
  return plan.status === 'running' && sleeper !== null && sleeper.at <= now;
}

function wakeOf(plan: PlanState): number | null {
  const delayed = plan.delayed.peek((ordinal, at) => isDelayed(plan, ordinal, at))?.at;
  const sleeper = plan.sleepers.peek((ordinal) => isSleeping(plan, ordinal))?.at;
  const deadline = plan.status === 'running' && !plan.integration ? plan.deadlineAt : null;
  const times = [delayed, sleeper, deadline].filter((at): at is number => at !== undefined && at !== null);
  return times.length === 0 ? null : Math.min(...times);
}

function consumptionOf(plan: PlanState): Consumption {
  const consumption: Consumption = new Map();
  if (!plan.submitted) return consumption;
  const tenant = tenantOf(plan);
  consumption.set('fleet', plan.inFlight);
  consumption.set(`tenant ${tenant}`, plan.inFlight);
  consumption.set(`open ${tenant}`, openSteps(plan));
  const url = plan.submitted.definition.repo?.url;
  if (url !== undefined) consumption.set(`repository ${url}`, plan.inFlight);
  for (const [pool, inFlight] of plan.inFlightByPool) consumption.set(`pool ${pool}`, inFlight);
  const own = ownLocks(plan);
  for (const [lock, holders] of plan.inFlightByLock) {
    if (own[lock] === undefined) consumption.set(lockKey(tenant, lock), holders);
  }
  return consumption;
}

function ownLocks(plan: PlanState): Record<string, number> {
  return plan.submitted!.definition.locks;
}

function tenantOf(plan: PlanState | undefined): string {
  return plan?.submitted?.tenant ?? '';
}

/** One more of priority is twice the turns. */
function weightOf(plan: PlanState): number {
  return 2 ** (plan.submitted?.definition.priority ?? 0);
}

function lockKey(tenant: string, lock: string): string {
  return `lock ${tenant} ${lock}`;
}

function branchKey(plan: PlanState): string {
  return `branch ${plan.submitted?.definition.repo?.url ?? ''} ${integrationBranch(plan)}`;
}

/** Takes turns between tenants, and within a tenant between plans. A plan stands in it once. */
class TenantRing {
  private readonly tenants = new FairQueue<string>();
  private readonly plans = new Map<string, FairQueue<string>>();

  add(tenant: string, planId: string): void {
    let plans = this.plans.get(tenant);
    if (!plans) {
      plans = new FairQueue();
      this.plans.set(tenant, plans);
    }
    plans.add(planId);
    this.tenants.add(tenant);
  }

  /**
   * Takes out the plan whose turn it is, of the tenants that may. `charge` or `skip` must follow: until then the tenant
   * has no other turn.
   */
  next(mayGo: (tenant: string) => boolean): { tenant: string; planId: string } | null {
    const held: string[] = [];
    let turn: { tenant: string; planId: string } | null = null;
    while (!turn) {
      const tenant = this.tenants.next();
      if (tenant === null) break;
      if (!mayGo(tenant)) {
        held.push(tenant);
        continue;
      }
      const planId = this.plans.get(tenant)?.next() ?? null;
      if (planId !== null) turn = { tenant, planId };
    }
    for (const tenant of held) this.tenants.add(tenant);
    return turn;
  }

  charge(tenant: string, planId: string, weight: number): void {
    this.plans.get(tenant)?.charge(planId, weight);
    this.tenants.charge(tenant, 1);
    this.skip(tenant);
  }

  skip(tenant: string): void {
    if ((this.plans.get(tenant)?.size ?? 0) > 0) this.tenants.add(tenant);
  }

  forget(planId: string, tenant: string): void {
    const plans = this.plans.get(tenant);
    if (!plans) return;
    plans.forget(planId);
    if (!plans.isForgotten) return;
    this.plans.delete(tenant);
    this.tenants.forget(tenant);
  }

  placeOf(tenant: string, planId: string): { plans: number; tenants: number } | null {
    const plans = this.plans.get(tenant)?.placeOf(planId) ?? null;
    return plans === null ? null : { plans, tenants: this.tenants.placeOf(tenant) ?? 0 };
  }
}
