/** Time as the decider is given it, so that tests can hold it still. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: what the ledger records. */
  now(): number;
  /** Never jumps: what leases are measured with. Milliseconds. */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
