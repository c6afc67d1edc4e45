import { until, type Client } from './client.ts';
import type { FuzzedStack } from './fuzzed-stack.ts';
import type { PreparedPlan } from './known.ts';

/** Plans in every way that a plan can stand, with attempts, logs, diffs and dead letters: what requests can be about. */
export async function prepare(stack: FuzzedStack, client: Client): Promise<PreparedPlan[]> {
  const wanted = preparedPlans(stack.repository());
  const ids = await Promise.all(
    wanted.map(({ key, plan }) => client.submit(key, { version: 1, name: key, ...plan })),
  );
  const stateOf = async (planId: string, name: string): Promise<string> => {
    const { steps } = await client.get<{ steps: { name: string; state: string }[] }>(
      `/v1/plans/${planId}/steps`,
    );
    return steps.find((step) => step.name === name)?.state ?? 'none';
  };
  const poisonedIds = ids.filter((_, at) => wanted[at]!.key.startsWith('poisoned'));
  const doomedAre = async (state: string): Promise<boolean> => {
    const states = await Promise.all(poisonedIds.map((planId) => stateOf(planId, 'doomed')));
    return states.every((one) => one === state);
  };
  await until('steps to run at the worker that will die', () => doomedAre('running'));
  stack.killDoomedWorker();
  await until('dead letters', () => doomedAre('poisoned'));
  for (const [at, planId] of ids.entries()) {
    const { key, ending } = wanted[at]!;
    await until(`the plan ${key} to be ${ending}`, async () => {
      const { status } = await client.get<{ status: string }>(`/v1/plans/${planId}`);
      return status === ending;
    });
  }
  return wanted.map(({ step, keptFor = null }, at) => ({ planId: ids[at]!, step, keptFor }));
}

interface Wanted {
  key: string;
  ending: string;
  /** The one that it is about. */
  step: string;
  keptFor?: string;
  plan: object;
}

function preparedPlans(repo: string): Wanted[] {
  const asleep = { name: 'asleep', wait: '1h' };
  const noops = [
    { name: 'step-0', noop: true },
    { name: 'step-1', needs: ['step-0'], noop: true },
  ];
  const works = { name: 'works', run: 'echo said; echo made > made.txt', attempts: 1 };
  const fails = { name: 'fails', run: 'echo said; false', attempts: 2 };
  const doomed = { name: 'doomed', run: 'sleep 600', pool: 'doomed', attempts: 1 };
  const runs = { name: 'works', run: 'echo said; sleep 600', attempts: 1 };
  const running = { repo, integrate: 'none', steps: [runs] };
  const blocked = { repo, integrate: 'none', steps: [works, fails] };
  const poisoned = { repo, integrate: 'none', maxLeases: 1, steps: [doomed, works] };
  return [
    { key: 'completed', ending: 'completed', step: 'step-0', plan: { steps: noops } },
    { key: 'late', ending: 'halted', step: 'asleep', plan: { deadline: '1s', steps: [asleep] } },
    { key: 'asleep', ending: 'running', step: 'asleep', plan: { steps: [asleep, ...noops] } },
    { key: 'integrated', ending: 'completed', step: 'works', plan: { repo, steps: [works] } },
    ...several('running', 3).map((key) => ({
      key,
      ending: 'running',
      step: 'works',
      keptFor: 'killStep',
      plan: running,
    })),
    ...several('blocked', 6).map((key) => ({ key, ending: 'halted', step: 'fails', plan: blocked })),
    ...several('poisoned', 3).map((key) => ({
      key,
      ending: 'halted',
      step: 'doomed',
      keptFor: 'redriveStep',
      plan: poisoned,
    })),
  ];
}

function several(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${name}-${at}`);
}

/** Cancels what still runs, and waits until nothing more is recorded. */
export async function settle(stack: FuzzedStack, client: Client): Promise<number> {
  await until(
    'every plan to end',
    async () => {
      const { plans } = await client.get<{ plans: { planId: string }[] }>(
        '/v1/plans?status=running&limit=500',
      );
      for (const { planId } of plans)
        await client.post(`/v1/plans/${planId}/cancel`, {}, { 'x-skein-actor': 'settled' });
      return plans.length === 0;
    },
    120_000,
  );
  let before = -1;
  let sameSince = performance.now();
  await until('the ledger to rest', async () => {
    const now = await stack.events();
    if (now !== before) sameSince = performance.now();
    before = now;
    return performance.now() - sameSince > REST_MS;
  });
  return before;
}

/** Longer than the sweeper's round and a hand-back together. */
const REST_MS = 2_500;
