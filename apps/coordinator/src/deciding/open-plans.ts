import { evolve, fromIso, initialPlanState, type Fleet, type PlanState } from '#domain';
import type { Ledger } from '#ledger';

const PAGE = 5_000;
const LOADS_AT_ONCE = 8;

/**
 * The decider's cache of open plans: only what the ledger rebuilds. A plan whose append had a conflict or an unknown
 * outcome is discarded here and read again before anything is answered for it.
 */
export class OpenPlans {
  private readonly states = new Map<string, PlanState>();
  private readonly discarded = new Set<string>();

  constructor(
    private readonly ledger: Ledger,
    private readonly fleet: Fleet,
  ) {}

  /** Reads every open plan. Called once at the start of a term. */
  async recover(): Promise<number> {
    const planIds = await this.ledger.openPlans();
    const queue = [...planIds];
    const lane = async (): Promise<void> => {
      for (let planId = queue.pop(); planId !== undefined; planId = queue.pop()) await this.load(planId);
    };
    await Promise.all(Array.from({ length: LOADS_AT_ONCE }, lane));
    return planIds.length;
  }

  /** The cached state; a plan that is not cached is read. Null: the ledger has no such plan. */
  async get(planId: string): Promise<PlanState | null> {
    return this.states.get(planId) ?? (await this.load(planId));
  }

  cached(planId: string): PlanState | undefined {
    return this.states.get(planId);
  }

  /** A plan that is about to be submitted: if the ledger has it after all, the append says so. */
  begin(planId: string): PlanState {
    const state = initialPlanState(planId);
    this.states.set(planId, state);
    return state;
  }

  discard(planId: string): void {
    this.states.delete(planId);
    this.fleet.remove(planId);
    this.discarded.add(planId);
  }

  /** Reads again what was discarded, so that no open plan is forgotten. */
  async reload(): Promise<PlanState[]> {
    const reloaded: PlanState[] = [];
    for (const planId of this.discarded) {
      const state = await this.load(planId);
      this.discarded.delete(planId);
      if (state) reloaded.push(state);
    }
    return reloaded;
  }

  get mustReload(): boolean {
    return this.discarded.size > 0;
  }

  /** Closed plans are kept for one turn only: what is asked about them later is read from the ledger. */
  forgetIfClosed(state: PlanState): void {
    if (state.closed) this.states.delete(state.planId);
  }

  all(): IterableIterator<PlanState> {
    return this.states.values();
  }

  private async load(planId: string): Promise<PlanState | null> {
    const state = initialPlanState(planId);
    for (;;) {
      const events = await this.ledger.read(planId, state.seq, PAGE);
      for (const stored of events) {
        evolve(state, stored.event, fromIso(stored.at));
        state.hash = stored.hash;
      }
      if (events.length < PAGE) break;
    }
    if (!state.submitted) return null;
    if (!state.closed) {
      this.states.set(planId, state);
      this.fleet.update(state);
    }
    return state;
  }
}
