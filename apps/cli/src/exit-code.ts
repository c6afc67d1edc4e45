/**
 * 0: done, or the plan completed. 2: it ended otherwise (halted, cancelled, a ledger that does not verify).
 * 1: wrong usage, an invalid plan, or no connection. 130 (129, 143): ended by Ctrl-C (a closed terminal, SIGTERM), as
 * shells have it.
 */
export const exitCodes = {
  ok: 0,
  usage: 1,
  endedOtherwise: 2,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export function exitCodeOfSignal(signal: NodeJS.Signals): ExitCode {
  if (signal === 'SIGHUP') return exitCodes.hungUp;
  return signal === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted;
}

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
