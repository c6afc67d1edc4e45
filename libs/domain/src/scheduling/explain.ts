import { stepOf, isMet, type PlanState, type StepState } from '../plan/state.ts';
import { toIso } from '../time.ts';
import type { Fleet, Hold, PoolSlots } from './fleet.ts';
import type { Place } from './tenant-ring.ts';

/** What a step waits for: for people, and for programs what can be told of it in numbers. */
export interface StepWait {
  text: string;
  /** The first limit that it is held by. */
  limit: WaitLimit | null;
  /** Of its plan, in the line of its pool: the place counts from 1. */
  line: { pool: string; place: number; of: number; stepsBefore: number } | null;
}

export interface WaitLimit {
  /** `window`: what workers can start soon. */
  kind: 'fleet' | 'tenant' | 'pool' | 'window' | 'plan' | 'repository' | 'lock' | 'branch';
  name: string | null;
  limit: number;
  inUse: number;
}

export interface ExplainOptions {
  counting?: boolean;
  places?: Map<string, Place | null>;
}

/** In one sentence, what a step waits for; null when it does not wait. */
export function explainWait(
  fleet: Fleet,
  plan: PlanState,
  ordinal: number,
  now: number,
  slots: PoolSlots,
): string | null {
  return explainStep(fleet, plan, ordinal, now, slots)?.text ?? null;
}

/**
 * `counting`: also how many steps of the plan itself go first, which costs a look at all of them. `places`: of the plan, by
 * pool, kept by who asks of many of its steps.
 */
export function explainStep(
  fleet: Fleet,
  plan: PlanState,
  ordinal: number,
  now: number,
  slots: PoolSlots,
  o: ExplainOptions = {},
): StepWait | null {
  const step = stepOf(plan, ordinal);
  switch (step.status) {
    case 'waiting':
      return plainly(explainNeeds(plan, step));
    case 'sleeping':
      return plainly(`waits until ${toIso(step.notBefore)}`);
    case 'ready':
      return explainReady(fleet, plan, step, fleet.holdOf(plan, step, now, slots), o);
    case 'admitted':
      return plainly(`waits in the queue of pool "${step.lane.pool}" for a free worker`);
    default:
      return null;
  }
}

function plainly(text: string): StepWait {
  return { text, limit: null, line: null };
}

function explainReady(
  fleet: Fleet,
  plan: PlanState,
  step: StepState,
  hold: Hold | null,
  { counting = false, places = new Map<string, Place | null>() }: ExplainOptions,
): StepWait {
  const { pool } = step.lane;
  if (!places.has(pool)) places.set(pool, fleet.placeOf(plan, pool));
  // What holds the plan itself holds it wherever it stands.
  const place = hold && !inLine(hold) ? null : places.get(pool)!;
  const stepsBefore = place && counting ? readyBefore(plan, step) : 0;
  const line = place && { pool, place: place.before + 1, of: place.of, stepsBefore };
  const limit = hold && limitOf(hold);
  if (!hold) {
    const isNext = !line || (line.place === 1 && line.stepsBefore === 0);
    return { text: isNext ? 'is admitted next' : placeText(line), limit, line };
  }
  const behind = line && line.of + line.stepsBefore > 1 ? `; ${placeText(line)}` : '';
  return { text: `${explainHold(hold, step)}${behind}`, limit, line };
}

function placeText({ pool, place, of, stepsBefore }: NonNullable<StepWait['line']>): string {
  const own = stepsBefore > 0 ? `, behind ${stepsBefore} of its own steps` : '';
  if (place === 1) return `its plan is next in line${own}`;
  return `its plan is number ${place} of ${of} in line for pool "${pool}"${own}`;
}

/** Whether turns go on being taken while others have what it waits for. */
function inLine({ kind }: Hold): boolean {
  return ['no-worker', 'pool-window', 'pool-cap', 'fleet-cap', 'tenant-cap'].includes(kind);
}

/** Steps of the plan and its pool that are ready and go first: those of more priority, and those that came before. */
function readyBefore(plan: PlanState, { lane, readyAt, instance }: StepState): number {
  return plan.steps.filter((other) => {
    if (other.status !== 'ready' || other.notBefore > 0 || other.lane.pool !== lane.pool) return false;
    if (other.lane.priority !== lane.priority) return other.lane.priority > lane.priority;
    return (
      other.readyAt < readyAt || (other.readyAt === readyAt && other.instance.ordinal < instance.ordinal)
    );
  }).length;
}

function limitOf(hold: Hold): WaitLimit | null {
  switch (hold.kind) {
    case 'no-worker':
      return { kind: 'window', name: hold.pool, limit: 0, inUse: 0 };
    case 'pool-window':
      return { kind: 'window', name: hold.pool, limit: hold.limit, inUse: hold.inFlight };
    case 'pool-cap':
      return { kind: 'pool', name: hold.pool, limit: hold.limit, inUse: hold.inFlight };
    case 'fleet-cap':
      return { kind: 'fleet', name: null, limit: hold.limit, inUse: hold.inFlight };
    case 'tenant-cap':
      return { kind: 'tenant', name: hold.tenant, limit: hold.limit, inUse: hold.inFlight };
    case 'repository-cap':
      return { kind: 'repository', name: hold.repository, limit: hold.limit, inUse: hold.inFlight };
    case 'plan-cap':
      return { kind: 'plan', name: hold.planId, limit: hold.limit, inUse: hold.inFlight };
    case 'lock':
      return { kind: 'lock', name: hold.lock, limit: hold.limit, inUse: hold.holders };
    case 'branch-lock':
      return { kind: 'branch', name: hold.branch, limit: 1, inUse: 1 };
    default:
      return null;
  }
}

function explainNeeds(plan: PlanState, step: StepState): string {
  const { definition, kind } = step.instance;
  if (definition === null) {
    if (kind === 'integrate') return `waits for ${plan.unmetGroups} of the plan's steps`;
    if (kind === 'publish') return 'waits for the integration';
    return 'waits for the end of the plan';
  }
  const baseline = plan.system.baseline === null ? null : stepOf(plan, plan.system.baseline);
  if (baseline && !isMet(baseline.status) && plan.groups[definition]!.unmetNeeds === 1) {
    return baseline.status === 'blocked'
      ? 'needs the baseline, which is blocked: it cannot go on'
      : 'waits for the checks of the base (baseline)';
  }
  const needs = new Set(plan.groups[definition]!.definition.needs);
  const open = plan.groups.filter(
    (group) => needs.has(group.definition.name) && (group.unmetSteps > 0 || !group.expanded),
  );
  const parts = open.slice(0, 5).map((group) => {
    const failed = group.ordinals.map((needed) => stepOf(plan, needed)).find((needed) => isFailed(needed));
    if (failed) {
      return `${failed.instance.name} (s${failed.instance.ordinal}), which is ${failed.status}: it cannot go on`;
    }
    if (!group.expanded) return `${group.definition.name} (its steps are not decided yet)`;
    const met = group.ordinals.filter((needed) => isMet(stepOf(plan, needed).status)).length;
    return `${group.definition.name} (${met} of ${group.ordinals.length} done)`;
  });
  return `needs ${parts.join(', ')}`;
}

function isFailed(step: StepState): boolean {
  return step.status === 'blocked' || step.status === 'poisoned' || step.status === 'cancelled';
}

function explainHold(hold: Hold, step: StepState): string {
  switch (hold.kind) {
    case 'delayed':
      return step.instance.kind === 'report'
        ? `writes its next page at ${toIso(hold.until)}`
        : `is tried again at ${toIso(hold.until)} (${step.reason?.message ?? 'backoff'})`;
    case 'no-worker':
      return `no worker serves pool "${hold.pool}": start one, or change the step's pool`;
    case 'pool-window':
      return `all workers of pool "${hold.pool}" are busy (${hold.inFlight} steps in flight)`;
    case 'pool-cap':
      return `pool "${hold.pool}" is at its cap of ${hold.limit} (${hold.inFlight} in flight)`;
    case 'fleet-cap':
      return `the fleet is at its cap of ${hold.limit} (${hold.inFlight} in flight)`;
    case 'plan-cap':
      return `the plan is at its ${hold.fromPlan ? 'maxParallel' : 'cap'} of ${hold.limit} (${hold.inFlight} in flight)`;
    case 'tenant-cap':
      return `tenant ${hold.tenant} is at its cap of ${hold.limit} (${hold.inFlight} in flight)`;
    case 'repository-cap':
      return `the repository ${hold.repository} is at its cap of ${hold.limit} (${hold.inFlight} in flight)`;
    case 'lock':
      return `${hold.scope === 'plan' ? "the plan's" : "the tenant's"} lock "${hold.lock}" is held (${hold.holders} of ${hold.limit})`;
    case 'paused':
      return `the plan was paused by ${hold.by}${hold.why ? `: ${hold.why}` : ''}`;
    case 'branch-lock':
      return `plan ${hold.planId} is integrating into ${hold.branch}`;
  }
}
