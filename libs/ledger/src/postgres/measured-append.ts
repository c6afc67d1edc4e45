import { count, measure, secondsSince } from '#telemetry';
import { LedgerUnavailableError, TermLostError } from '../errors.ts';
import type { Append, AppendResult, LedgerEvent } from '../ledger.ts';

/** One call of `appendAll`, with its size, its time and what went wrong. What it throws is thrown on. */
export async function measuringAppend(
  appends: readonly Append<LedgerEvent>[],
  append: () => Promise<AppendResult[]>,
): Promise<AppendResult[]> {
  const startedAt = performance.now();
  try {
    const results = await append();
    measure('appendDuration', secondsSince(startedAt), {});
    measure(
      'appendEvents',
      appends.reduce((sum, { events }) => sum + events.length, 0),
      {},
    );
    for (const { status } of results)
      if (status === 'conflict') count('appendFailures', { kind: 'conflict' });
    return results;
  } catch (error) {
    if (error instanceof TermLostError) count('appendFailures', { kind: 'term-lost' });
    else if (error instanceof LedgerUnavailableError) count('appendFailures', { kind: error.outcome });
    throw error;
  }
}
