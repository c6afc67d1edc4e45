/** Time as the decider is given it, so that tests can hold it still. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: what the ledger records. */
  now(): number;
  /** Never jumps: what leases are measured with. Milliseconds. */
  monotonic(): number;
  /** Runs `task` once after `delayMs`; the returned function calls it off. */
  schedule(delayMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Runs `task` every `intervalMs` until the returned function is called. */
export function repeat(clock: Clock, intervalMs: number, task: () => void): () => void {
  const again = (): void => {
    calloff = clock.schedule(intervalMs, again);
    task();
  };
  let calloff = clock.schedule(intervalMs, again);
  return () => calloff();
}
