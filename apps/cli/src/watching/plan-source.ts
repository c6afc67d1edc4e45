import type { LedgerPage, PlanView, StepView } from '#client';
import type { ToldEvent } from './watched-plan.ts';

/** What following a plan asks of the server. */
export interface PlanSource {
  plan(planId: string): Promise<PlanView>;
  steps(planId: string): Promise<StepView[]>;
  ledger(planId: string, after: number, limit: number): Promise<LedgerPage>;
  events(planId: string, o: FollowOptions): AsyncIterable<ToldEvent>;
  /** Bytes of an attempt's log from `from` on; it grows while the attempt runs. */
  attemptLog(planId: string, step: string, attempt: number, from: number): Promise<Uint8Array>;
}

export interface FollowOptions {
  after: number;
  signal?: AbortSignal;
  onTrouble?: (error: Error) => void;
  onConnected?: () => void;
  giveUpAfterMs?: number;
}
