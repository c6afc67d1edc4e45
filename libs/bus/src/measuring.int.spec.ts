import type { ClaimMessage, Job } from '#contracts';
import { scrapeMetrics, silentLogger, startMetrics, type Metrics } from '#telemetry';
import { eventually, freshNamespace, Scrape, startOwnNats, testServers } from '#testing';
import type { Bus } from './connection/bus.ts';
import { connectBus } from './connection/connect.ts';
import { Announcer } from './deciding/announcer.ts';
import { DeciderServer } from './deciding/decider-server.ts';
import { DeadLetters } from './queueing/dead-letters.ts';
import { jobStreamName } from './queueing/generation.ts';
import { JobQueue } from './queueing/job-queue.ts';
import { DeciderClient } from './requesting/decider-client.ts';
import { DeciderLocator } from './requesting/decider-locator.ts';

describe('what the bus tells of itself', () => {
  let metrics: Metrics;
  let namespace: string;
  let bus: Bus;
  const cleanups: (() => unknown)[] = [];

  beforeEach(async () => {
    metrics = await startMetrics({ service: 'coordinator', instance: null, log: silentLogger });
    namespace = freshNamespace();
    bus = await connectBus({ url: testServers().natsUrl, namespace, name: 'decider', log: silentLogger });
  });

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await bus.close();
    await metrics.shutdown();
  });

  const scraped = async () => Scrape.parse(await scrapeMetrics());
  const publishes = async (result: string) => (await scraped()).sum('skein_job_publishes_total', { result });

  it('is what became of each job that was put on the queue, and each queue that was made', async () => {
    const queue = new JobQueue({ bus, leaseMs: 10_000 });
    cleanups.push(() => queue.close());
    await queue.publish(aJob(1));
    expect(await publishes('missing')).toBe(1);
    const { generation } = await queue.ensure(['default']);
    await queue.ensure(['default']);
    cleanups.push(() => bus.jsm.streams.delete(jobStreamName(namespace, generation)));
    await queue.publish(aJob(1));
    await queue.publish(aJob(1));
    const tooLarge = { ...aJob(2), planName: 'x'.repeat(9_000_000) };
    await expect(queue.publish(tooLarge)).rejects.toThrow();
    expect(await publishes('published')).toBe(1);
    expect(await publishes('already-there')).toBe(1);
    expect(await publishes('too-large')).toBe(1);
    expect(await publishes('failed')).toBe(0);
    expect((await scraped()).sum('skein_job_queue_generations_total')).toBe(1);
  });

  it('is whether the connection stands, and what cannot be published meanwhile', async () => {
    const nats = await startOwnNats();
    cleanups.push(() => nats.stop());
    const own = await connectBus({ url: nats.url, namespace, name: 'decider', log: silentLogger });
    cleanups.push(() => own.close());
    const queue = new JobQueue({ bus: own, leaseMs: 10_000 });
    await queue.ensure(['default']);
    const letters = new DeadLetters({ bus: own });
    await letters.publish('plan0001', 1, {});
    // This one and the one of the other tests.
    expect((await scraped()).sum('skein_bus_connected')).toBe(2);
    await nats.stop();
    await eventually(async () => (await scraped()).sum('skein_bus_connected') === 1);
    await expect(queue.publish(aJob(1))).rejects.toThrow();
    await expect(letters.publish('plan0001', 2, {})).rejects.toThrow();
    expect(await publishes('failed')).toBe(1);
    const scrape = await scraped();
    expect(scrape.sum('skein_dead_letter_copies_total', { result: 'copied' })).toBe(1);
    expect(scrape.sum('skein_dead_letter_copies_total', { result: 'failed' })).toBe(1);
    await bus.close();
    await own.close();
    expect((await scraped()).all('skein_bus_connected')).toEqual([]);
  });

  it('is how long messages to the decider take until they are answered', async () => {
    const locator = new DeciderLocator({ bus }).start();
    const client = new DeciderClient({ bus, locator, maxDelayMs: 100 });
    cleanups.push(() => locator.stop());
    const abandoned = new AbortController();
    const nobody = client.request('claim', aClaim(), abandoned.signal);
    abandoned.abort(new Error('the lease has ended'));
    await expect(nobody).rejects.toThrow('ended');
    const applied = { status: 'applied', next: 'continue' } as const;
    const served = new DeciderServer({ bus }).serve(1, {
      claim: () => applied,
      attempt: () => applied,
      result: () => applied,
      release: () => applied,
      heartbeat: () => ({ term: 1, leaseMs: 10_000, lost: [] }),
      command: () => null,
    });
    const announcement = { term: 1, decider: 'd', generation: 'g1', pools: [], leaseMs: 10_000 };
    const announcer = new Announcer({ bus, announcement: () => announcement });
    announcer.start();
    cleanups.push(
      () => served.stop(),
      () => announcer.stop(),
    );
    await client.request('claim', aClaim(), AbortSignal.timeout(10_000));
    const beat = { worker: 'w1', pools: ['default'], slots: 1, draining: false, leases: [] };
    await client.heartbeat(beat, 5_000);
    const scrape = await scraped();
    const requests = (labels: Record<string, string>) =>
      scrape.sum('skein_decider_request_seconds_count', labels);
    expect(requests({ verb: 'claim', result: 'aborted' })).toBe(1);
    expect(requests({ verb: 'claim', result: 'answered' })).toBe(1);
    expect(requests({ verb: 'heartbeat', result: 'answered' })).toBe(1);
  });
});

function aClaim(): ClaimMessage {
  return { lease: { planId: 'plan0001', ordinal: 1, epoch: 1, worker: 'w1', token: '0'.repeat(32) } };
}

function aJob(ordinal: number): Job {
  return {
    version: 1,
    planId: 'plan0001',
    planName: 'a plan',
    ordinal,
    epoch: 1,
    pool: 'default',
    stepName: 'a step',
    repo: null,
    baseSha: null,
    sandbox: 'auto',
    trusted: true,
    work: { kind: 'noop' },
    traceparent: null,
  };
}
