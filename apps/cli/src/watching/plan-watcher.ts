import type { Change, ToldEvent, WatchedPlan } from './watched-plan.ts';
import type { WatchedStep } from './watched-step.ts';

/** Where a plan that is followed is shown. */
export interface PlanWatcher {
  /** Called once, before anything else. */
  begin(plan: WatchedPlan): void;
  /** An event, and what it changed; null: nothing that is shown. */
  event(event: ToldEvent, change: Change | null): void;
  /** The decider told anew what steps wait for. */
  waits?(): void;
  /** The server is away; told again each time that it still is. */
  lost(error: Error): void;
  /** The server is there again. */
  back(): void;
  log?: LogWatcher;
  done(): void;
}

/** Where the log of a followed step is shown. Lines are as the program wrote them: not escaped yet. */
export interface LogWatcher {
  /** The lines that follow are of this attempt. `again`: it began anew, its lease was lost. */
  attempt(step: WatchedStep, attempt: number, again: boolean): void;
  lines(step: WatchedStep, attempt: number, lines: string[]): void;
  /** A sentence of ours about it. */
  note(text: string): void;
}
