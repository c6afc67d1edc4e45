import { setTimeout as delay } from 'node:timers/promises';

/** Exponential, with full jitter: many clients of a server that restarts must not come back at the same moment. */
export class Backoff {
  private failures = 0;

  constructor(
    /** The most that the first pause lasts. */
    public firstMs: number,
    /** The most that any pause lasts. */
    private readonly longestMs: number,
  ) {}

  reset(): void {
    this.failures = 0;
  }

  /** Waits at least `leastMs`. Throws the signal's reason when it is given meanwhile. */
  async pause(signal: AbortSignal | undefined, leastMs = 0): Promise<void> {
    const longestMs = Math.min(this.longestMs, this.firstMs * 2 ** Math.min(this.failures, 16));
    this.failures += 1;
    const ms = leastMs + Math.random() * longestMs;
    await delay(ms, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}
