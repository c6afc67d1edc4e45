import type { ForkedFrom } from '#domain';
import type { StepRecord } from './step-record.ts';

/** What a fork asks of its origin's record. */
interface Origin {
  readonly seq: number;
  readonly steps: readonly StepRecord[];
}

/**
 * A fork of the same text takes over exactly what had passed in its origin by the event that it was forked from: no result
 * is invented, changed or forgotten. `fail` throws.
 */
export function checkFork(
  { planId, seq, results }: ForkedFrom,
  around: { plan(planId: string): Origin | undefined },
  fail: (message: string) => never,
): void {
  const origin = around.plan(planId);
  if (!origin || seq > origin.seq) return fail(`event ${seq} of ${planId} is not in the ledger`);
  const passed = origin.steps.filter(
    ({ instance, passedSeq }) => instance.definition !== null && passedSeq > 0 && passedSeq <= seq,
  );
  for (const { instance, commit, outputs } of passed) {
    const taken = results[instance.name];
    if (!taken)
      return fail(`${instance.name} had passed by event ${seq} of ${planId}, and is not taken over`);
    if (!isSame(taken.commit, commit) || !isSame(taken.outputs, outputs))
      return fail(`another result of ${instance.name} is taken over than ${planId} has`);
  }
  const names = new Set(passed.map(({ instance }) => instance.name));
  for (const name of Object.keys(results))
    if (!names.has(name))
      return fail(`${name} is taken over, and had not passed by event ${seq} of ${planId}`);
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
