/** How the decider spaces what it tries again. */
export const LEASE_BACKOFF: BackoffLimits = { firstMs: 1_000, maxMs: 60_000 };

export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Leases that a step may give back for outside faults before it is blocked. */
export const MAX_FAULTS = 6;

/** The reason of a worker that gives back what it does not know, because it is older than its coordinator. */
export const UNKNOWN_WORK = 'unknown-work';

/** Not for a fault that may be over in a moment, but for a roll-out; and it may wait for weeks. */
export const UNKNOWN_WORK_BACKOFF: BackoffLimits = { firstMs: 1_000, maxMs: 300_000 };

/**
 * Exponential backoff with full jitter: anywhere between 0 and `first * 2^(failures-1)`, at most `max`.
 * https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export function backoffMs(failures: number, jitter: number, limits = LEASE_BACKOFF): number {
  const ceiling = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.max(0, failures - 1));
  return Math.round(ceiling * Math.min(1, Math.max(0, jitter)));
}
