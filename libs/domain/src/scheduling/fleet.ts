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
import { Caps, type Cap, type FleetCaps } from './caps.ts';
import { Counts, type Consumption } from './counts.ts';
import { EVERYONE, type LimitKind } from './limits.ts';
import { openSteps, quotaRefusal, stepsNamed } from './quota.ts';
import { TenantRing, type Place } from './tenant-ring.ts';

/** A limit, or what is in use without one. */
export interface LimitInUse {
  kind: LimitKind;
  name: string | null;
  /** null: no limit. */
  value: number | null;
  from: Cap['from'] | null;
  /** null: nothing is used of it (a weight, a priority), or it stands for many. */
  inUse: number | null;
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
  | { kind: 'repository-cap'; repository: string; inFlight: number; limit: number }
  /** `fromPlan`: what its text says; else it was changed at run time. */
  | { kind: 'plan-cap'; planId: string; inFlight: number; limit: number; fromPlan: boolean }
  | { kind: 'lock'; lock: string; scope: 'plan' | 'tenant'; holders: number; limit: number }
  | { kind: 'branch-lock'; branch: string; planId: string }
  | { kind: 'paused'; by: string; why: string | null };

/**
 * Which ready steps of all open plans are admitted next.
 *
 * The queue holds only a shallow window of what workers can start soon: with S slots in a pool at most 2 S of its
 * steps are in flight, so a newcomer never waits behind somebody's ten thousand steps. Within a pool the turn goes
 * round by tenant, by the tenant's weight, and within a tenant by plan, by the plan's; within a plan its lanes go by
 * priority.
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

  private caps: Caps;

  constructor(settings: FleetCaps) {
    this.caps = new Caps(settings);
  }

  /**
   * From now on these go before the settings. Nothing that is in flight is touched: a cap that was lowered below what is in
   * use admits nothing more until there is less.
   */
  changeLimits(changed: Iterable<readonly [key: string, value: number]>): void {
    this.caps = this.caps.with(changed);
    // Who waits for a cap has left its line.
    this.waiters.clear();
    for (const plan of this.plans.values()) this.queue(plan);
  }

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
    return quotaRefusal(tenant, open, stepsNamed(definition), this.caps.of('quota', tenant));
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
      ring.charge(turn, { tenant: this.weightOf(turn.tenant), plan: this.turnsOf(plan) });
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

  /** Where a plan stands in a pool's line, if from now on everybody takes turns; null: it has nothing there to admit. */
  placeOf(plan: PlanState, pool: string): Place | null {
    const weightOf = (tenant: string): number => this.weightOf(tenant);
    return this.rings.get(pool)?.placeOf(tenantOf(plan), plan.planId, weightOf) ?? null;
  }

  /** All limits that are set, and everything that is in use, with how much; see `docs/operating.md`. */
  *limits(): Generator<LimitInUse> {
    const told = new Set<string>();
    const holders = this.lockHolders();
    for (const [kind, name, { value, from }] of this.caps.all()) {
      told.add(`${kind} ${name ?? ''}`);
      yield { kind, name, value, from, inUse: this.inUse(kind, name, holders) };
    }
    for (const [key, inUse] of this.counts.all()) {
      const [counted, ...rest] = key.split(' ');
      const kind = COUNTED.find((one) => one === counted);
      const name = rest.join(' ');
      if (!kind || inUse === 0 || told.has(`${kind} ${name}`)) continue;
      const cap = this.caps.capOf(kind, name);
      yield { kind, name, value: cap?.value ?? null, from: cap?.from ?? null, inUse };
    }
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

  /** Pools that have a step in flight. */
  *poolsInFlight(): Generator<string> {
    for (const [key, inUse] of this.counts.all())
      if (inUse > 0 && key.startsWith('pool ')) yield key.slice('pool '.length);
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
    const all = caps.of('fleet', null);
    if (all !== null && fleet >= all) return { kind: 'fleet-cap', inFlight: fleet, limit: all };
    const cap = caps.of('pool', pool);
    if (cap !== null && inFlight >= cap) return { kind: 'pool-cap', pool, inFlight, limit: cap };
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
    const { planId, inFlight } = plan;
    const changed = this.caps.of('plan', planId);
    const limit = changed ?? definition.maxParallel;
    if (limit !== null && inFlight >= limit)
      return { hold: { kind: 'plan-cap', planId, inFlight, limit, fromPlan: changed === null }, key: null };
    const ofRepository = this.repositoryHold(definition.repo?.url);
    if (ofRepository) return ofRepository;
    for (const lock of lane.locks) {
      const held = this.lockHold(plan, tenantOf(plan), lock);
      if (held) return held;
    }
    return lane.integrates ? this.branchHold(plan) : null;
  }

  private tenantHold(tenant: string): Hold | null {
    const limit = this.caps.of('tenant', tenant);
    if (limit === null) return null;
    const inFlight = this.counts.of(`tenant ${tenant}`);
    return inFlight >= limit ? { kind: 'tenant-cap', tenant, inFlight, limit } : null;
  }

  private repositoryHold(repository: string | undefined): { hold: Hold; key: string } | null {
    const limit = repository === undefined ? null : this.caps.of('repository', repository);
    if (repository === undefined || limit === null) return null;
    const key = `repository ${repository}`;
    const inFlight = this.counts.of(key);
    return inFlight >= limit ? { key, hold: { kind: 'repository-cap', repository, inFlight, limit } } : null;
  }

  private lockHold(plan: PlanState, tenant: string, lock: string): { hold: Hold; key: string | null } | null {
    const own = ownLock(plan, lock);
    const key = own === null ? lockKey(tenant, lock) : null;
    const holders = key === null ? (plan.inFlightByLock.get(lock) ?? 0) : this.counts.of(key);
    const limit = own ?? this.caps.of('lock', lock) ?? 1;
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

  private weightOf(tenant: string): number {
    return this.caps.of('weight', tenant) ?? 1;
  }

  /** One more of priority is twice the turns. */
  private turnsOf(plan: PlanState): number {
    return 2 ** (this.caps.of('priority', plan.planId) ?? plan.submitted?.definition.priority ?? 0);
  }

  private inUse(kind: LimitKind, name: string | null, holders: ReadonlyMap<string, number>): number | null {
    switch (kind) {
      case 'fleet':
        return this.counts.of('fleet');
      case 'plan':
        return this.plans.get(name!)?.inFlight ?? 0;
      case 'quota':
        return name === EVERYONE ? null : this.counts.of(`open ${name}`);
      case 'lock':
        return holders.get(name!) ?? 0;
      case 'weight':
      case 'priority':
        return null;
      default:
        return name === EVERYONE ? null : this.counts.of(`${kind} ${name}`);
    }
  }

  /** By lock, of the tenant that has most of it: each has its own. */
  private lockHolders(): Map<string, number> {
    const holders = new Map<string, number>();
    for (const [key, used] of this.counts.all()) {
      const [kind, , lock] = key.split(' ');
      if (kind === 'lock') holders.set(lock!, Math.max(used, holders.get(lock!) ?? 0));
    }
    return holders;
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
  for (const [lock, holders] of plan.inFlightByLock) {
    if (ownLock(plan, lock) === null) consumption.set(lockKey(tenant, lock), holders);
  }
  return consumption;
}

/** How many may hold a lock of the plan's own; null: it is the tenant's. A name may be that of a property of all objects. */
function ownLock(plan: PlanState, lock: string): number | null {
  const { locks } = plan.submitted!.definition;
  return Object.hasOwn(locks, lock) ? locks[lock]! : null;
}

function tenantOf(plan: PlanState | undefined): string {
  return plan?.submitted?.tenant ?? '';
}

function lockKey(tenant: string, lock: string): string {
  return `lock ${tenant} ${lock}`;
}

function branchKey(plan: PlanState): string {
  return `branch ${plan.submitted?.definition.repo?.url ?? ''} ${integrationBranch(plan)}`;
}

/** What is told of use without a limit. */
const COUNTED = ['tenant', 'pool', 'repository'] as const;
