/** Time as a process is given it: fencing is tested without waiting, and a simulation holds all of it in hand. */
export interface Clock {
  /** Milliseconds since some fixed moment; never jumps. */
  nowMs(): number;
  /** Wall clock, milliseconds since the epoch; may jump. For names that people sort, never for leases. */
  dateMs(): number;
  /** Runs `task` once after `delayMs`; the returned function calls it off. */
  schedule(delayMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  dateMs: () => Date.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
