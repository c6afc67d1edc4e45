/** This replica does not decide (any more): ask the one that does. */
export class NotDeciderError extends Error {
  readonly code = 'not-decider';
  readonly retry = 'later';

  constructor(cause?: unknown) {
    super('this replica is not the decider', { cause });
    this.name = 'NotDeciderError';
  }
}

/** The decider has more waiting than it should hold in memory. */
export class DeciderBusyError extends Error {
  readonly code = 'decider-busy';
  readonly retry = 'later';

  constructor(readonly waiting: number) {
    super(`the decider is behind: ${waiting} inputs are waiting; try again shortly`);
    this.name = 'DeciderBusyError';
  }
}

/** The ledger cannot be written; nothing was decided that it does not hold. */
export class LedgerDownError extends Error {
  readonly code = 'ledger-down';
  readonly retry = 'later';

  constructor(cause: unknown) {
    super('the ledger cannot be reached; try again shortly', { cause });
    this.name = 'LedgerDownError';
  }
}

/** A message that the decider cannot make sense of, because of a defect of ours. The plan is untouched. */
export class DecisionFailedError extends Error {
  readonly code = 'decision-failed';
  readonly retry = 'never';

  constructor(
    readonly planId: string,
    cause: unknown,
  ) {
    super(`plan ${planId}: the decider failed on this input`, { cause });
    this.name = 'DecisionFailedError';
  }
}

/** The ledger holds events of a plan that this version cannot make a state of. */
export class PlanUnreadableError extends Error {
  readonly code = 'plan-unreadable';
  readonly retry = 'never';

  constructor(
    readonly planId: string,
    cause: unknown,
  ) {
    super(`plan ${planId}: its events cannot be read`, { cause });
    this.name = 'PlanUnreadableError';
  }
}
