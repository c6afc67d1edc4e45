import type { BenchStack, Tenanted } from '../bench-stack.ts';
import { summarize } from '../ledger-times.ts';
import { round, usedSince } from '../processes.ts';
import { wide } from './shapes.ts';
import type { Bench } from './workload.ts';

/** Just-in-time compilation, prepared statements, connections: not what is measured. */
export async function startWarm({ stack, slots }: Bench): Promise<void> {
  await stack.start({ workers: 1, slots });
  await stack.run([{ text: wide(200) }]);
}

/** Plans from their submission to their end: what the ledger says of them, and what the processes used. */
export async function measured(stack: BenchStack, plans: Tenanted[]): Promise<object> {
  const before = await stack.usage();
  const startedAt = performance.now();
  const planIds = await stack.run(plans);
  const seconds = round((performance.now() - startedAt) / 1_000);
  const used = usedSince(before, await stack.usage());
  return { seconds, ...summarize(await stack.ledgers(planIds)), ...used };
}
