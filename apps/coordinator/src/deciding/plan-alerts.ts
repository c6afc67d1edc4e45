import type { PlanAlert } from '#paging';

/** What is wrong with plans and no event says, for people. In a fixed order: the same is told the same way. */
export function planAlerts(stuck: readonly string[], unreadable: ReadonlySet<string>): PlanAlert[] {
  return [
    ...stuck.toSorted().map((planId) => ({ kind: 'plan.stuck' as const, planId, message: STUCK })),
    ...[...unreadable]
      .toSorted()
      .map((planId) => ({ kind: 'plan.unreadable' as const, planId, message: UNREADABLE })),
  ];
}

const STUCK =
  'It runs nothing, waits for nothing and has not ended: a bug of Skein. The log of the coordinator has it under `alert: plan-stuck`.';
const UNREADABLE =
  'No state can be made of what the ledger holds of it. It stands still, the others go on. The log of the coordinator says why, under `alert: plan-unreadable`.';
