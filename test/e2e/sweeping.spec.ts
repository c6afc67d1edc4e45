import { connectBus, type Bus } from '#bus';
import { silentLogger } from '#telemetry';
import { eventually, gitRepo } from '#testing';
import { BuiltFleet } from './built-fleet.ts';

const TEST_MS = 180_000;
const REPAIRS = 'skein_sweeper_repairs_total';
const CLAIM_MS = 2_000;
/** A job may be with a worker since a moment ago, so it is looked at twice; the rest is room for a busy machine. */
const FOUND_MS_MAX = 2 * CLAIM_MS + 4_000;

describe('the sweeper of the built coordinator', () => {
  let fleet: BuiltFleet;

  afterEach(() => fleet.stop(), 60_000);

  it(
    'repairs nothing in a calm run',
    async () => {
      // A claim may take its time on a busy machine: what waits for it is not stuck.
      fleet = await BuiltFleet.start({ SKEIN_LEASE_MS: '60s', SKEIN_CLAIM_TIMEOUT_MS: '60s' });
      const repo = await gitRepo({ 'README.md': '# Calm\n' });
      await fleet.worker('w1', { SKEIN_WORKER_SLOTS: '4' });
      await fleet.worker('w2', { SKEIN_WORKER_SLOTS: '4' });
      const calm = (branch: string): object => ({
        version: 1,
        name: branch,
        repo: { url: repo.bare, base: 'main' },
        integrate: { branch },
        steps: [
          {
            name: 'change',
            matrix: ['a', 'b', 'c', 'd'],
            run: 'echo "$SKEIN_MATRIX" > "$SKEIN_MATRIX.txt"',
          },
          { name: 'pause', needs: ['change'], wait: '1s' },
          {
            name: 'wide',
            needs: ['pause'],
            matrix: Array.from({ length: 40 }, (_, n) => `v${n}`),
            noop: true,
          },
        ],
      });
      const planIds = [await fleet.submit(calm('calm-1')), await fleet.submit(calm('calm-2'))];
      for (const planId of planIds) expect(await fleet.closed(planId)).toMatchObject({ status: 'completed' });
      const scrape = await fleet.metrics();
      expect(scrape.sum('skein_decider_active')).toBe(1);
      expect(scrape.types.get(REPAIRS)).toBe('counter');
      expect(scrape.all(REPAIRS).filter(({ value }) => value !== 0)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'issues anew a job of a version that its worker does not know: it is left, with a reason, and not lost',
    async () => {
      // Longer than a worker needs to start on a busy machine: else the job is issued anew before anybody sees it.
      fleet = await BuiltFleet.start({ SKEIN_LEASE_MS: '60s', SKEIN_CLAIM_TIMEOUT_MS: '10s' });
      await (await fleet.worker('w0')).end('SIGKILL');
      const planId = await fleet.submit({ version: 1, name: 'newer', steps: [{ name: 'any', noop: true }] });
      await withBus(async (bus) => {
        const [stream] = await queuedBy(bus);
        const job = await eventually(
          () => bus.jsm.streams.getMessage(stream!, { last_by_subj: bus.subjects.allJobs() }),
          {
            what: 'the job to be on the queue',
          },
        );
        // As a newer decider would have put it there.
        await bus.jsm.streams.purge(stream!, { filter: job.subject });
        await bus.js.publish(job.subject, JSON.stringify({ ...job.json<object>(), version: 2 }));
      });
      const worker = await fleet.worker('w1');
      await eventually(() => worker.log.includes('Left a job of an unknown version'), {
        timeoutMs: 40_000,
        what: 'the worker to leave it',
      });
      expect(await fleet.closed(planId)).toMatchObject({ status: 'completed', counts: { passed: 1 } });
      expect((await fleet.metrics()).sum(REPAIRS, { kind: 'job-reissued' })).toBeGreaterThanOrEqual(1);
      const types = (await fleet.ledger(planId)).map(({ type }) => type);
      expect(types).not.toContain('lease.lost');
      expect(types.filter((type) => type === 'step.admitted')).toHaveLength(1);
    },
    TEST_MS,
  );

  it(
    'finds within seconds a job that the broker has lost, publishes it again, and counts it',
    async () => {
      fleet = await BuiltFleet.start({ SKEIN_LEASE_MS: '60s', SKEIN_CLAIM_TIMEOUT_MS: `${CLAIM_MS}ms` });
      // Nothing is admitted where nobody works; this one is believed to live for a while, and takes nothing.
      await (await fleet.worker('w0')).end('SIGKILL');
      const planId = await fleet.submit({ version: 1, name: 'lost', steps: [{ name: 'any', noop: true }] });
      await withBus(async (bus) => {
        const queued = async (): Promise<number> => {
          let messages = 0;
          for await (const { state } of bus.jsm.streams.list(bus.subjects.allJobs()))
            messages += state.messages;
          return messages;
        };
        await eventually(async () => (await queued()) === 1, { what: 'the job to be on the queue' });
        for (const stream of await queuedBy(bus))
          expect((await bus.jsm.streams.purge(stream)).purged).toBe(1);
        const lostAt = performance.now();
        await eventually(async () => (await queued()) === 1, {
          timeoutMs: 20_000,
          what: 'the job to be published again',
        });
        const foundMs = Math.round(performance.now() - lostAt);
        process.stderr.write(`a lost job was published again after ${foundMs} ms\n`);
        expect(foundMs).toBeLessThan(FOUND_MS_MAX);
        // As republished or as reissued: a purge moves the consumer past what it took away.
        expect((await fleet.metrics()).sum(REPAIRS)).toBe(1);
      });
      await fleet.worker('w1');
      expect(await fleet.closed(planId)).toMatchObject({ status: 'completed' });
    },
    TEST_MS,
  );

  async function withBus(use: (bus: Bus) => Promise<void>): Promise<void> {
    const bus = await connectBus({
      url: fleet.nats.url,
      namespace: 'skein',
      name: 'spec',
      log: silentLogger,
    });
    try {
      await use(bus);
    } finally {
      await bus.close();
    }
  }
});

/** Names of the streams of jobs: one. */
async function queuedBy(bus: Bus): Promise<string[]> {
  const names: string[] = [];
  for await (const { config } of bus.jsm.streams.list(bus.subjects.allJobs())) names.push(config.name);
  return names;
}
