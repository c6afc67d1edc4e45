import type { Head } from './ledger.ts';

/** Another replica decides now. What this one holds in memory is worthless. */
export class TermLostError extends Error {
  readonly code = 'TERM_LOST';
  readonly retry = 'never';
  override readonly name = 'TermLostError';
  constructor(
    readonly term: number,
    readonly actualTerm: number,
  ) {
    super(`Term ${term} is over; the ledger's term is ${actualTerm}.`);
  }
}

/** A newer version of the program has decided here: what it wrote may mean what this one does not know. */
export class DeciderTooOldError extends Error {
  readonly code = 'DECIDER_TOO_OLD';
  readonly retry = 'never';
  override readonly name = 'DeciderTooOldError';
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** `unknown`: some or all of the call may have been written; read the plans again before answering anybody. */
export class LedgerUnavailableError extends Error {
  readonly code = 'LEDGER_UNAVAILABLE';
  readonly retry = 'later';
  override readonly name = 'LedgerUnavailableError';
  constructor(
    readonly outcome: 'nothing-written' | 'unknown',
    cause: unknown,
  ) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      outcome === 'unknown'
        ? `The ledger failed while committing; whether it was written is unknown: ${why}`
        : `The ledger cannot be reached or did not answer; nothing was written: ${why}`,
      { cause },
    );
  }
}

/** The caller asked for what can never be appended. A bug, not a condition. */
export class InvalidAppendError extends Error {
  readonly code = 'INVALID_APPEND';
  readonly retry = 'never';
  override readonly name = 'InvalidAppendError';
  constructor(
    readonly planId: string,
    readonly expected: Head | null,
    problem: string,
  ) {
    super(`Plan ${planId}: ${problem}`);
  }
}

/** The schema could not be brought up to date; nothing half-done is left by a single migration. */
export class MigrationError extends Error {
  readonly code = 'MIGRATION_FAILED';
  readonly retry = 'later';
  override readonly name = 'MigrationError';
  constructor(
    readonly schema: string,
    cause: unknown,
  ) {
    super(
      `The ledger's schema ${schema} cannot be migrated: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** A list's cursor that no page ever gave out. */
export class InvalidCursorError extends Error {
  readonly code = 'INVALID_CURSOR';
  readonly retry = 'never';
  override readonly name = 'InvalidCursorError';
  constructor(readonly cursor: string) {
    super('This cursor is not one that a list has given out.');
  }
}
