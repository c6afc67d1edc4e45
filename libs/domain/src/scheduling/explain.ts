import { stepOf, isMet, type PlanState, type StepState } from '../plan/state.ts';
import { toIso } from '../time.ts';
import type { Fleet, Hold, PoolSlots } from './fleet.ts';

/** In one sentence, what a step waits for; null when it does not wait. */
export function explainWait(
  fleet: Fleet,
  plan: PlanState,
  ordinal: number,
  now: number,
  slots: PoolSlots,
): string | null {
  const step = stepOf(plan, ordinal);
  switch (step.status) {
    case 'waiting':
      return explainNeeds(plan, step);
    case 'sleeping':
      return `waits until ${toIso(step.notBefore)}`;
    case 'ready': {
      const hold = fleet.holdOf(plan, step, now, slots);
      return hold ? explainHold(hold, step) : explainPlace(fleet, plan, step);
    }
    case 'admitted':
      return `waits in the queue of pool "${step.lane.pool}" for a free worker`;
    default:
      return null;
  }
}

function explainPlace(fleet: Fleet, plan: PlanState, step: StepState): string {
  const place = fleet.placeOf(plan, step.lane.pool);
  if (!place || place.plans + place.tenants === 0) return 'is admitted next';
  const others = [
    ...(place.plans > 0 ? [`${place.plans} of the tenant's plans`] : []),
    ...(place.tenants > 0 ? [`${place.tenants} other tenants`] : []),
  ];
  return `has its turn after ${others.join(' and ')}`;
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
      return `pool "${hold.pool}" is at its cap of ${hold.limit}`;
    case 'fleet-cap':
      return `the fleet is at its cap of ${hold.limit}`;
    case 'plan-cap':
      return `the plan is at its maxParallel of ${hold.limit}`;
    case 'tenant-cap':
      return `the tenant is at its cap of ${hold.limit}`;
    case 'repository-cap':
      return `the repository is at its cap of ${hold.limit}`;
    case 'lock':
      return `${hold.scope === 'plan' ? "the plan's" : "the tenant's"} lock "${hold.lock}" is held (${hold.holders} of ${hold.limit})`;
    case 'paused':
      return `the plan was paused by ${hold.by}${hold.why ? `: ${hold.why}` : ''}`;
    case 'branch-lock':
      return `plan ${hold.planId} is integrating into ${hold.branch}`;
  }
}
