import type { Reason } from '../ledger/events.ts';
import type { PlanDefinition } from '../plan/definition.ts';
import type { PlanState } from '../plan/state.ts';

/**
 * Steps of a plan that have not ended. Of one whose steps are not decided yet, as many as its text names: what a glob or
 * an expression makes of them later is not known.
 */
export function openSteps(plan: PlanState): number {
  if (!plan.submitted || plan.status !== 'running') return 0;
  if (!plan.expanded) return stepsNamed(plan.submitted.definition);
  const { waiting = 0, sleeping = 0, ready = 0, admitted = 0, leased = 0 } = plan.counts;
  return waiting + sleeping + ready + admitted + leased;
}

export function stepsNamed({ steps }: PlanDefinition): number {
  return steps.reduce((sum, { matrix }) => sum + (matrix?.kind === 'list' ? matrix.values.length : 1), 0);
}

/** Why a plan is not taken; null: it is. `quota`: open steps that a tenant may have; null: any number. */
export function quotaRefusal(
  tenant: string,
  open: number,
  more: number,
  quota: number | null,
): Reason | null {
  if (quota === null || open + more <= quota) return null;
  if (more > quota) {
    const message = `the plan has ${more} steps, and tenant ${tenant} may have ${quota} open at once: make several plans of it`;
    return { code: 'quota-too-small', message };
  }
  const message = `tenant ${tenant} has ${open} open steps and may have ${quota}; with the ${more} of this plan they would be ${open + more}: submit it again when some have ended`;
  return { code: 'quota-used-up', message };
}
