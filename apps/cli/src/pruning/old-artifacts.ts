import type { FileArtifactStore } from '#artifacts';
import type { Prunable } from './prunable.ts';

/** What the server says of a plan. `null`: it does not know it. */
export type PlanEnd = { closed: boolean; endedAt: string | null } | null;

export interface OldArtifactsOptions {
  store: FileArtifactStore;
  planEnd: (planId: string) => Promise<PlanEnd>;
  endedBefore: Date;
}

const PLAN_ID = /^[a-z0-9]{8,64}$/;

/**
 * Artifacts of plans that have ended, and to which nothing will be added any more. Of each plan the ledger is asked, not
 * the files: a plan may wait for weeks without a line being written.
 */
export class OldArtifacts implements AsyncIterable<Prunable> {
  /** Plans that run, or ended not long enough ago. */
  young = 0;
  /** Of another server perhaps, whose plans we cannot judge. */
  unknown = 0;

  constructor(private readonly o: OldArtifactsOptions) {}

  async *[Symbol.asyncIterator](): AsyncIterator<Prunable> {
    const { store } = this.o;
    for await (const name of store.list()) {
      if (!(await this.isOld(name))) continue;
      yield {
        kind: 'artifacts',
        name,
        measure: () => store.measure(name),
        remove: async () => {
          await store.prune(name);
          return true;
        },
      };
    }
  }

  private async isOld(name: string): Promise<boolean> {
    const plan = PLAN_ID.test(name) ? await this.o.planEnd(name) : null;
    if (plan === null) {
      this.unknown += 1;
      return false;
    }
    const endedAt = plan.endedAt === null ? NaN : Date.parse(plan.endedAt);
    if (plan.closed && endedAt < this.o.endedBefore.getTime()) return true;
    this.young += 1;
    return false;
  }
}
