import type { PlanEvent } from '../ledger/events.ts';
import { fromIso, toIso } from '../time.ts';
import { evolve } from './evolve.ts';
import type { Expressions } from './expressions.ts';
import type { AbortHint, PlanReply } from './input.ts';
import type { PlanState } from './state.ts';

export const STOP: PlanReply = { status: 'applied', next: 'stop' };
export const CONTINUE: PlanReply = { status: 'applied', next: 'continue' };

/** One decision under way: what it recorded so far is applied to the state already. */
export class Turn {
  readonly events: PlanEvent[] = [];
  readonly aborts: AbortHint[] = [];
  private readonly at: number;

  constructor(
    readonly state: PlanState,
    readonly now: number,
    readonly expressions: Expressions,
  ) {
    // What is recorded is what replay will see: the time as the ledger writes it.
    this.at = fromIso(toIso(now));
  }

  emit(event: PlanEvent): void {
    evolve(this.state, event, this.at);
    this.events.push(event);
  }
}

/** Workers learn at once what they would be told with their next heartbeat. */
export function abortLeases({ state, aborts }: Turn, reason: string): void {
  for (const { status, holder, instance, epoch } of state.steps) {
    if (status === 'leased' && holder && instance.kind !== 'report')
      aborts.push({ worker: holder.worker, ordinal: instance.ordinal, epoch, reason });
  }
}
