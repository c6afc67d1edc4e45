import type { PlanView } from '#ledger';

/** Where the plan stands: everything that a plan's view shows follows from its events. */
export function etagOf(plan: PlanView): string {
  return `"${plan.head.seq}"`;
}

/** What `If-Match` asks for, checked by its schema before; null: any state of the plan. */
export function seqOf(ifMatch: string | undefined): number | null {
  return ifMatch === undefined || ifMatch === '*' ? null : Number(ifMatch.slice(1, -1));
}
