import { randomBytes } from 'node:crypto';
import type { LeaseLostError } from '#bus';
import type { LeaseKey } from '#contracts';
import type { DrainingError } from './errors.ts';

/** What ends a lease before its work is done. */
export type LeaseEnd = LeaseLostError | DrainingError;

/**
 * One hold of a step, as this worker sees it. `signal` aborts everything that is done under it: programs, git, requests.
 * The first cause wins, because what follows differs: a lost lease is not reported, a drained one is handed back.
 */
export class Lease {
  readonly key: LeaseKey;
  readonly #controller = new AbortController();

  constructor(job: { planId: string; ordinal: number; epoch: number }, worker: string, token = drawToken()) {
    this.key = { planId: job.planId, ordinal: job.ordinal, epoch: job.epoch, worker, token };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(cause: LeaseEnd): void {
    this.#controller.abort(cause);
  }

  throwIfEnded(): void {
    this.signal.throwIfAborted();
  }
}

/** Only its drawer can know it: a second worker that was handed the same job cannot pass for this one. */
export function drawToken(): string {
  return randomBytes(16).toString('hex');
}
