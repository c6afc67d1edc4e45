import type { LimitsRecord } from './limits-record.ts';
import type { PlanRecord } from './plan-record.ts';
import { isInFlight, type StepRecord } from './step-record.ts';
import { Violation } from './violation.ts';

/** `isJudged`: it may not be more than its limit now. */
type Use = (key: string, limit: number | null, isJudged: boolean) => void;

/**
 * Caps and locks, counted anew from nothing but records, after each commit. A cap that was lowered below what is in flight
 * ends nothing: it is broken by what is admitted beyond it.
 */
export class Capacity {
  constructor(private readonly limits: LimitsRecord) {}

  /** `admitted`: by this commit. */
  check(plans: Iterable<PlanRecord>, admitted: ReadonlySet<StepRecord>): void {
    const used = new Map<string, number>();
    const limits = new Map<string, number>();
    const use: Use = (key, limit, isJudged) => {
      if (limit === null) return;
      used.set(key, (used.get(key) ?? 0) + 1);
      if (isJudged) limits.set(key, limit);
    };
    for (const plan of plans) {
      if (!plan.definition || plan.closed) continue;
      for (const step of plan.steps) if (isInFlight(step)) this.count(plan, step, admitted.has(step), use);
      if (holdsBranch(plan)) use(`branch ${branchOf(plan)}`, 1, true);
    }
    for (const [key, limit] of limits) {
      const count = used.get(key) ?? 0;
      if (count > limit)
        throw new Violation('caps-are-exact', `${key}: ${count} in flight, at most ${limit} may be`);
    }
  }

  private count(plan: PlanRecord, step: StepRecord, isJudged: boolean, use: Use): void {
    const { limits } = this;
    const { definition, tenant, planId } = plan;
    if (!definition) return;
    const own = step.instance.definition === null ? null : definition.steps[step.instance.definition];
    const pool = own?.pool ?? systemPool(plan, step);
    const url = definition.repo?.url;
    use('the fleet', limits.fleet, isJudged);
    use(`pool ${pool}`, limits.of('pool', pool), isJudged);
    use(`tenant ${tenant}`, limits.of('tenant', tenant), isJudged);
    use(`plan ${planId}`, limits.of('plan', planId) ?? definition.maxParallel, isJudged);
    if (url !== undefined) use(`repository ${url}`, limits.of('repository', url), isJudged);
    for (const lock of own?.locks ?? []) {
      const ofPlan = definition.locks[lock];
      if (ofPlan !== undefined) use(`lock ${lock} of plan ${planId}`, ofPlan, isJudged);
      else use(`lock ${lock} of tenant ${tenant}`, limits.of('lock', lock) ?? 1, isJudged);
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
