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
    case 'ready': {
      const hold = fleet.holdOf(plan, step, now, slots);
      return hold ? explainHold(hold, step) : 'is admitted next';
    }
    case 'admitted':
      return `waits in the queue of pool "${step.pool}" for a free worker`;
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
  const needs = new Set(plan.groups[definition]!.definition.needs);
  const open = plan.groups.filter((group) => needs.has(group.definition.name) && group.unmetSteps > 0);
  const parts = open.slice(0, 5).map((group) => {
    const failed = group.ordinals.map((needed) => stepOf(plan, needed)).find((needed) => isFailed(needed));
    if (failed) {
      return `${failed.instance.name} (s${failed.instance.ordinal}), which is ${failed.status}: it cannot go on`;
    }
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
      return `is tried again at ${toIso(hold.until)} (${step.reason?.message ?? 'backoff'})`;
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
    case 'branch-lock':
      return `plan ${hold.planId} is integrating into ${hold.branch}`;
  }
}
