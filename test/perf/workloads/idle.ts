import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { round, usedSince } from '../processes.ts';
import { numbers, waiting } from './shapes.ts';
import type { Bench, Workload } from './workload.ts';

const SETTLE_S = 5;

export const idleLoad: Workload = {
  meaning: 'N plans that wait for a timer, for a minute',
  defaultSize: 10_000,
  defaultSlots: 64,
  run: async ({ stack, size, slots, windowS, say }: Bench) => {
    await stack.start({ workers: 1, slots });
    say(`submitting ${size} plans ...`);
    await stack.submitAll(numbers(size).map((n) => ({ text: waiting(`idle-${n}`, '10h') })));
    await wait(SETTLE_S * 1_000);
    say(`${windowS} s ...`);
    const client = new pg.Client({ connectionString: stack.postgres.adminUrl });
    await client.connect();
    try {
      const [usageBefore, queriesBefore] = [await stack.usage(), await transactions(client)];
      await wait(windowS * 1_000);
      const [usage, queries] = [await stack.usage(), await transactions(client)];
      const used = usedSince(usageBefore, usage);
      const percentOfACore = round(((used.cpuSeconds['coordinator'] ?? 0) / windowS) * 100);
      // Outside of explicit transactions a query is a transaction.
      return { windowS, percentOfACore, queries: queries - queriesBefore, ...used };
    } finally {
      await client.end();
    }
  },
};

/** So far, in all sessions; a session tells its own within a second of its end. */
async function transactions(client: pg.Client): Promise<number> {
  await client.query('SELECT pg_stat_force_next_flush()');
  const { rows } = await client.query<{ n: string }>(
    'SELECT sum(xact_commit + xact_rollback) AS n FROM pg_stat_database',
  );
  return Number(rows[0]?.n ?? 0);
}
