/**
 * Ctrl-C, SIGTERM and a closed terminal, as two signals: the first one asks for an orderly end, the second one
 * hurries it.
 */
export class Interrupts {
  private readonly stopping = new AbortController();
  private readonly hurrying = new AbortController();
  private readonly onSignal = (signal: NodeJS.Signals) => {
    if (this.stopping.signal.aborted) this.hurrying.abort(new InterruptedError(signal));
    else this.stopping.abort(new InterruptedError(signal));
  };

  constructor() {
    for (const name of SIGNALS) process.on(name, this.onSignal);
  }

  get stop(): AbortSignal {
    return this.stopping.signal;
  }

  get hurry(): AbortSignal {
    return this.hurrying.signal;
  }

  /** Resolves at the first signal. */
  first(): Promise<void> {
    if (this.stop.aborted) return Promise.resolve();
    return new Promise((resolve) => this.stop.addEventListener('abort', () => resolve(), { once: true }));
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.onSignal);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The user wants it to end. No failure, and not worth a word. */
export class InterruptedError extends Error {
  readonly code = 'interrupted';
  readonly retry = 'never';
  constructor(readonly signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
  }
}
