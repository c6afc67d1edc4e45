import { time, type LedgerEvent } from '../ledger-times.ts';
import { round } from '../processes.ts';
import { startSimulated } from '../simulated-fleet.ts';
import { independent } from './shapes.ts';
import type { Bench, Workload } from './workload.ts';

const STEP_MS = 250;
const NEWCOMERS_STEPS = 10;
const NEWCOMERS_MAX = 10;

/**
 * Steps that are held for a quarter of a second, so that slots are what is scarce, as in a fleet that works: with steps
 * that do nothing, it would be the processors.
 */
export const fairLoad: Workload = {
  meaning: 'one tenant submits N steps, then others 10 each, one after the other',
  defaultSize: 10_000,
  defaultSlots: 64,
  run: async ({ stack, size, slots, say }: Bench) => {
    await stack.start({ workers: 0, slots: 1 });
    const stop = await startSimulated(stack, {
      workers: 8,
      slots: slots / 8,
      minMs: STEP_MS,
      maxMs: STEP_MS,
    });
    try {
      const newcomer = async (name: string): Promise<number> => {
        const [planId = ''] = await stack.run([
          { text: independent(name, NEWCOMERS_STEPS), tenant: `tenant-${name}` },
        ]);
        return durationMs(await stack.ledger(planId));
      };
      const newcomers = Math.min(NEWCOMERS_MAX, Math.ceil(size / 100));
      const series = async (name: string): Promise<number[]> => {
        const all: number[] = [];
        for (let n = 0; n < newcomers; n += 1) all.push(await newcomer(`${name}-${n}`));
        return all.sort((a, b) => a - b);
      };
      await newcomer('warm');
      const idleMs = await series('idle');
      say(`${size} steps of another tenant ...`);
      await stack.submit({ text: independent('crowd', size), tenant: 'crowd' });
      const besideMs = await series('beside');
      const ratio = round(median(besideMs) / median(idleMs));
      return {
        stepMs: STEP_MS,
        idleMs: median(idleMs),
        besideMs: median(besideMs),
        ratio,
        all: { idleMs, besideMs },
      };
    } finally {
      await stop();
    }
  },
};

function durationMs(events: LedgerEvent[]): number {
  const passed = events.filter(({ type }) => type === 'step.passed').map(time);
  return Math.max(...passed) - time(events[0]!);
}

function median(sorted: number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!;
}
