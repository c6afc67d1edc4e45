import { setTimeout as wait } from 'node:timers/promises';
import type { CommitRef } from '#domain';
import type { Mirror } from '#workspace';
import type { StepContext } from './step-context.ts';

const TRIES = 3;
const DELAY_MS = 1_000;

/** An attempt may have cost an agent's hour: a remote that stumbles once must not lose it. Create-only, so repeating is safe. */
export async function pushWithRetry(
  mirror: Mirror,
  commit: CommitRef,
  { lease, log }: StepContext,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    lease.throwIfEnded();
    try {
      await mirror.push(commit);
      return;
    } catch (error) {
      if (attempt >= TRIES || (error as { retry?: string }).retry !== 'later') throw error;
      log.warn({ err: error, attempt }, 'a push failed and is tried again');
      await wait(Math.random() * DELAY_MS * 2 ** attempt, undefined, { signal: lease.signal });
    }
  }
}
