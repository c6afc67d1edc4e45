import { setTimeout as wait } from 'node:timers/promises';
import type { Tenanted } from '../bench-stack.ts';
import { summarize } from '../ledger-times.ts';
import { measured, startWarm } from './measured.ts';
import { chain, diamond, numbers, wide } from './shapes.ts';
import type { Bench, Workload } from './workload.ts';

const TENANTS = 10;
const STEPS_OF_A_DIAMOND = 10;

export const wideLoad: Workload = {
  meaning: '1 root, N leaves, 1 join',
  defaultSize: 1_000,
  defaultSlots: 64,
  run: async (bench) => {
    await startWarm(bench);
    return measured(bench.stack, [{ text: wide(bench.size) }]);
  },
};

export const chainLoad: Workload = {
  meaning: 'N in a row',
  defaultSize: 200,
  defaultSlots: 64,
  run: async (bench) => {
    await startWarm(bench);
    return measured(bench.stack, [{ text: chain(bench.size) }]);
  },
};

export const diamondLoad: Workload = {
  meaning: 'N plans of 10 steps from 10 tenants at once, and then again at half the rate',
  defaultSize: 1_000,
  defaultSlots: 64,
  run: async (bench) => {
    await startWarm(bench);
    const { stack, size } = bench;
    const all = (await measured(stack, diamonds(size, 'at-once'))) as { stepsPerSecond: number };
    const plansPerSecond = all.stepsPerSecond / STEPS_OF_A_DIAMOND / 2;
    bench.say(`again, ${Math.round(plansPerSecond)} plans a second ...`);
    const planIds = await paced(bench, diamonds(size, 'paced'), plansPerSecond);
    const { stepsPerSecond, admissionMs } = summarize(await stack.ledgers(planIds));
    return { ...all, atHalfLoad: { stepsPerSecond, admissionMs } };
  },
};

function diamonds(count: number, name: string): Tenanted[] {
  return numbers(count).map((n, at) => ({
    text: diamond(`${name}-${n}`),
    tenant: `tenant-${at % TENANTS}`,
  }));
}

/** Submits at a rate, whatever becomes of them meanwhile, and waits for all. */
async function paced({ stack }: Bench, plans: Tenanted[], perSecond: number): Promise<string[]> {
  const startedAt = performance.now();
  const submissions: Promise<string>[] = [];
  for (const [at, one] of plans.entries()) {
    const dueMs = startedAt + (at / perSecond) * 1_000 - performance.now();
    if (dueMs > 0) await wait(dueMs);
    submissions.push(stack.submit(one));
  }
  const planIds = await Promise.all(submissions);
  for (const planId of planIds) await stack.ended(planId);
  return planIds;
}
