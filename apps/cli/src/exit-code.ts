/**
 * 0: done, or the plan completed. 2: it ended otherwise (halted, cancelled, a ledger that does not verify).
 * 1: wrong usage, an invalid plan, or no connection.
 */
export const exitCodes = { ok: 0, usage: 1, endedOtherwise: 2 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A plan that still runs has not ended otherwise. */
export function exitCodeOfStatus(status: string): ExitCode {
  return status === 'running' || status === 'completed' ? exitCodes.ok : exitCodes.endedOtherwise;
}

export function hasEnded(status: string): boolean {
  return status !== 'running';
}

/** Wrong usage, told in one line without a stack trace. */
export class UsageError extends Error {
  readonly code = 'usage';
  readonly retry = 'never';
}
