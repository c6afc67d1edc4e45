import { setTimeout as wait } from 'node:timers/promises';
import { round, usedSince } from '../processes.ts';
import { startSimulated } from '../simulated-fleet.ts';
import { independent } from './shapes.ts';
import type { Bench, Workload } from './workload.ts';

const MIN_STEP_S = 30;
const MAX_STEP_S = 300;

/** Not in scaled time: heartbeats would not scale with it. */
export const fleetLoad: Workload = {
  meaning: 'N simulated workers with 5 slots each, all busy with steps of 30 to 300 s, for a minute',
  defaultSize: 200,
  defaultSlots: 5,
  run: async ({ stack, size, slots, windowS, say }: Bench) => {
    await stack.start({ workers: 0, slots: 1 });
    const stop = await startSimulated(stack, {
      workers: size,
      slots,
      minMs: MIN_STEP_S * 1_000,
      maxMs: MAX_STEP_S * 1_000,
    });
    try {
      const leases = size * slots;
      const planId = await stack.submit({ text: independent('fleet', leases * 3) });
      const running = async (): Promise<number> => {
        const { counts } = await stack.get<{ counts: Record<string, number> }>(`/v1/plans/${planId}`);
        return counts['running'] ?? 0;
      };
      say(`waiting for ${leases} leases ...`);
      const deadline = performance.now() + 60_000;
      while ((await running()) < leases * 0.95) {
        if (performance.now() > deadline) throw new Error(`only ${await running()} of ${leases} leases`);
        await wait(100);
      }
      say(`${windowS} s ...`);
      const before = await stack.usage();
      await wait(windowS * 1_000);
      const used = usedSince(before, await stack.usage());
      const percentOfACore = round(((used.cpuSeconds['coordinator'] ?? 0) / windowS) * 100);
      return { leases: await running(), windowS, percentOfACore, ...used };
    } finally {
      await stop();
    }
  },
};
