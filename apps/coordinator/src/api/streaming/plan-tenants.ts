import type { EventPages } from '#ledger';
import type { ToldEvent } from './told-event.ts';

const KEPT_MAX = 10_000;

/** Whose a plan is, for streams of one tenant. Never changes, so it is kept: the plans that were asked for last. */
export class PlanTenants {
  private readonly kept = new Map<string, string | null>();

  constructor(private readonly pages: Pick<EventPages, 'tenant'>) {}

  async of({ planId, tenant }: ToldEvent): Promise<string | null> {
    let known = tenant ?? this.kept.get(planId);
    if (known === undefined) known = await this.pages.tenant(planId);
    this.kept.delete(planId);
    this.kept.set(planId, known);
    const oldest = this.kept.keys().next();
    if (this.kept.size > KEPT_MAX && !oldest.done) this.kept.delete(oldest.value);
    return known;
  }
}
