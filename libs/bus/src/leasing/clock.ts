/** Monotonic time and timers, injected so that fencing can be tested without waiting. */
export interface Clock {
  /** Milliseconds since some fixed moment; never jumps. */
  nowMs(): number;
  /** Runs `task` once after `delayMs`; the returned function calls it off. */
  schedule(delayMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
