import { FairQueue } from './fair-queue.ts';

export interface Turn {
  tenant: string;
  planId: string;
}

/** Where a plan stands in line: `before` of the `of` plans that are there go first. */
export interface Place {
  before: number;
  of: number;
}

/** Takes turns between tenants, and within a tenant between plans. A plan stands in it once. */
export class TenantRing {
  private readonly tenants = new FairQueue<string>();
  private readonly plans = new Map<string, FairQueue<string>>();

  add(tenant: string, planId: string): void {
    let plans = this.plans.get(tenant);
    if (!plans) {
      plans = new FairQueue();
      this.plans.set(tenant, plans);
    }
    plans.add(planId);
    this.tenants.add(tenant);
  }

  /**
   * Takes out the plan whose turn it is, of the tenants that may. `charge` or `skip` must follow: until then the tenant
   * has no other turn.
   */
  next(mayGo: (tenant: string) => boolean): Turn | null {
    for (let tenant = this.tenants.next(mayGo); tenant !== null; tenant = this.tenants.next(mayGo)) {
      const planId = this.plans.get(tenant)?.next() ?? null;
      if (planId !== null) return { tenant, planId };
    }
    return null;
  }

  charge({ tenant, planId }: Turn, weights: { tenant: number; plan: number }): void {
    this.plans.get(tenant)?.charge(planId, weights.plan);
    this.tenants.charge(tenant, weights.tenant);
    this.skip(tenant);
  }

  skip(tenant: string): void {
    if ((this.plans.get(tenant)?.size ?? 0) > 0) this.tenants.add(tenant);
  }

  forget(planId: string, tenant: string): void {
    const plans = this.plans.get(tenant);
    if (!plans) return;
    plans.forget(planId);
    if (!plans.isForgotten) return;
    this.plans.delete(tenant);
    // A tenant of many short plans is often without any.
    this.tenants.retire(tenant);
  }

  /**
   * If every plan took one turn after the other. In the time until a plan has its own, a tenant of more weight has more
   * turns, and none has more than it has plans.
   */
  placeOf(tenant: string, planId: string, weightOf: (tenant: string) => number): Place | null {
    const ahead = this.plans.get(tenant)?.placeOf(planId) ?? null;
    const all = [...this.tenants.entries()];
    const own = all.find(({ key }) => key === tenant);
    if (ahead === null || !own) return null;
    const at = own.pass + ahead / weightOf(tenant);
    let before = ahead;
    let of = 0;
    for (const other of all) {
      const plans = this.plans.get(other.key)?.size ?? 0;
      of += plans;
      if (other === own) continue;
      const turns = Math.round((at - other.pass) * weightOf(other.key) * 1e6) / 1e6;
      if (turns < 0) continue;
      const tied = Number.isInteger(turns) && other.order > own.order;
      before += Math.min(plans, Math.floor(turns) + (tied ? 0 : 1));
    }
    return { before, of };
  }
}
