import { evolve, fromIso, initialPlanState, type Fleet, type PlanState } from '#domain';
import { LedgerUnavailableError, type Ledger, type StoredEvent } from '#ledger';
import { PlanUnreadableError } from './errors.ts';

const PAGE = 5_000;
const LOADS_AT_ONCE = 8;
/** Steps of closed plans that are kept for messages that come late. The plan that closed last is always kept. */
const CLOSED_STEPS_MAX = 50_000;

export interface OpenPlansListener {
  /** A plan was read again in mid-term: what was committed for it may have had no effects yet. */
  onRead?(plan: PlanState): void;
  /** The ledger has it, and nobody can make a state of it. It stands still; the others go on. */
  onUnreadable?(error: PlanUnreadableError): void;
}

/**
 * The decider's cache of open plans: only what the ledger rebuilds. A plan whose append had a conflict or an unknown
 * outcome is discarded here and read again before anything is answered for it.
 */
export class OpenPlans {
  private readonly states = new Map<string, PlanState>();
  private readonly discarded = new Set<string>();
  /** Open as far as is known, and nobody can make a state of them. */
  private readonly unread = new Set<string>();
  /** Nothing happens to a closed plan any more, but its workers may still ask. The last one is last. */
  private readonly closed = new Map<string, PlanState>();
  private closedSteps = 0;

  constructor(
    private readonly ledger: Ledger,
    private readonly fleet: Fleet,
    private readonly listener: OpenPlansListener = {},
  ) {}

  /** Reads every open plan. Called once at the start of a term. */
  async recover(): Promise<number> {
    const planIds = await this.ledger.openPlans();
    const queue = [...planIds];
    const lane = async (): Promise<void> => {
      for (let planId = queue.pop(); planId !== undefined; planId = queue.pop()) await this.tryLoad(planId);
    };
    await Promise.all(Array.from({ length: LOADS_AT_ONCE }, lane));
    return planIds.length;
  }

  /**
   * The cached state; a plan that is not cached is read. Null: the ledger has no such plan.
   * Throws PlanUnreadableError.
   */
  async get(planId: string): Promise<PlanState | null> {
    const kept = this.states.get(planId) ?? this.closed.get(planId);
    if (kept) return kept;
    const wasOpen = this.discarded.has(planId);
    const state = await this.load(planId);
    if (state && (wasOpen || !state.closed)) this.listener.onRead?.(state);
    return state;
  }

  cached(planId: string): PlanState | undefined {
    return this.states.get(planId);
  }

  /** Whether it is open as far as is known: one that cannot be read now may be readable tomorrow. */
  mayBeOpen(planId: string): boolean {
    return this.states.has(planId) || this.discarded.has(planId) || this.unread.has(planId);
  }

  /** A plan that is about to be submitted: if the ledger has it after all, the append says so. */
  begin(planId: string): PlanState {
    const state = initialPlanState(planId);
    this.states.set(planId, state);
    return state;
  }

  discard(planId: string): void {
    this.states.delete(planId);
    this.dropClosed(planId);
    this.fleet.remove(planId);
    this.discarded.add(planId);
  }

  /** Reads again what was discarded, so that no open plan is forgotten. */
  async reload(): Promise<void> {
    for (const planId of this.discarded) {
      const state = await this.tryLoad(planId);
      if (state) this.listener.onRead?.(state);
    }
  }

  get mustReload(): boolean {
    return this.discarded.size > 0;
  }

  /**
   * After a commit. What is asked about a closed plan later is answered from what is kept of it, or read from the ledger;
   * one that was reopened is among the open ones again.
   */
  settle(state: PlanState): void {
    if (state.closed) {
      this.states.delete(state.planId);
      this.keepClosed(state);
    } else if (state.submitted && !this.states.has(state.planId)) {
      this.dropClosed(state.planId);
      this.states.set(state.planId, state);
    }
  }

  all(): IterableIterator<PlanState> {
    return this.states.values();
  }

  private async tryLoad(planId: string): Promise<PlanState | null> {
    try {
      return await this.load(planId);
    } catch (error) {
      if (!(error instanceof PlanUnreadableError)) throw error;
      this.discarded.delete(planId);
      this.unread.add(planId);
      this.listener.onUnreadable?.(error);
      return null;
    }
  }

  private async load(planId: string): Promise<PlanState | null> {
    const state = initialPlanState(planId);
    for (;;) {
      const events = await this.page(planId, state.seq);
      replay(state, events);
      if (events.length < PAGE) break;
    }
    this.discarded.delete(planId);
    this.unread.delete(planId);
    if (!state.submitted) return null;
    if (state.closed) {
      this.keepClosed(state);
    } else {
      this.states.set(planId, state);
      this.fleet.update(state);
    }
    return state;
  }

  private async page(planId: string, afterSeq: number): Promise<StoredEvent[]> {
    try {
      return await this.ledger.read(planId, afterSeq, PAGE);
    } catch (error) {
      if (error instanceof LedgerUnavailableError) throw error;
      throw new PlanUnreadableError(planId, error);
    }
  }

  private keepClosed(state: PlanState): void {
    this.dropClosed(state.planId);
    this.closed.set(state.planId, state);
    this.closedSteps += state.steps.length;
    for (const planId of this.closed.keys()) {
      if (this.closedSteps <= CLOSED_STEPS_MAX || this.closed.size === 1) return;
      this.dropClosed(planId);
    }
  }

  private dropClosed(planId: string): void {
    this.closedSteps -= this.closed.get(planId)?.steps.length ?? 0;
    this.closed.delete(planId);
  }
}

function replay(state: PlanState, events: readonly StoredEvent[]): void {
  try {
    for (const stored of events) {
      evolve(state, stored.event, fromIso(stored.at));
      state.hash = stored.hash;
    }
  } catch (error) {
    throw new PlanUnreadableError(state.planId, error);
  }
}
