import type { FleetCaps } from '#domain';
import type { PlanRecord } from './plan-record.ts';
import { isInFlight, type StepRecord } from './step-record.ts';
import { Violation } from './violation.ts';

/** Caps and locks, counted anew from nothing but records, after each commit. */
export class Capacity {
  constructor(private readonly caps: FleetCaps) {}

  check(plans: Iterable<PlanRecord>): void {
    const used = new Map<string, number>();
    const limits = new Map<string, number>();
    const use = (key: string, limit: number | null | undefined): void => {
      if (limit === null || limit === undefined) return;
      used.set(key, (used.get(key) ?? 0) + 1);
      limits.set(key, limit);
    };
    for (const plan of plans) {
      if (!plan.definition || plan.closed) continue;
      for (const step of plan.steps) if (isInFlight(step)) this.count(plan, step, use);
      if (holdsBranch(plan)) use(`branch ${branchOf(plan)}`, 1);
    }
    for (const [key, count] of used) {
      const limit = limits.get(key) ?? 0;
      if (count > limit)
        throw new Violation('caps-are-exact', `${key}: ${count} in flight, at most ${limit} may be`);
    }
  }

  private count(
    plan: PlanRecord,
    step: StepRecord,
    use: (key: string, limit: number | null | undefined) => void,
  ): void {
    const { caps } = this;
    const { definition, tenant, planId } = plan;
    if (!definition) return;
    const own = step.instance.definition === null ? null : definition.steps[step.instance.definition];
    const pool = own?.pool ?? systemPool(plan, step);
    const url = definition.repo?.url;
    use('the fleet', caps.fleet);
    use(`pool ${pool}`, caps.pools[pool]);
    use(`tenant ${tenant}`, caps.tenants?.[tenant]);
    use(`plan ${planId}`, definition.maxParallel);
    if (url !== undefined) use(`repository ${url}`, caps.repositories?.[url]);
    for (const lock of own?.locks ?? []) {
      const ofPlan = definition.locks[lock];
      if (ofPlan !== undefined) use(`lock ${lock} of plan ${planId}`, ofPlan);
      else use(`lock ${lock} of tenant ${tenant}`, caps.locks?.[lock] ?? 1);
    }
  }
}

/**
 * From the admission of `integrate` to the plan's end. One that was reopened has given the lock away, and holds it for sure
 * only while it integrates.
 */
function holdsBranch({ steps, status, reopenings }: PlanRecord): boolean {
  const integrate = steps.find(({ instance }) => instance.kind === 'integrate');
  if (!integrate || status !== 'running') return false;
  return isInFlight(integrate) || (integrate.epoch > 0 && reopenings === 0);
}

function systemPool({ definition }: PlanRecord, { instance }: StepRecord): string {
  if (instance.kind === 'integrate') return definition?.integrate?.pool ?? 'default';
  if (instance.kind === 'baseline') return definition?.baseline?.pool ?? 'default';
  return 'default';
}

/** Two plans without a branch of their own never meet: their ids are in its name. */
function branchOf({ definition, planId }: PlanRecord): string {
  return `${definition?.repo?.url} ${definition?.integrate?.branch ?? planId}`;
}
