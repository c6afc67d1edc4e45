import type { Announcement, Job, LeaseKey } from '#contracts';
import { silentLogger } from '#telemetry';
import { eventually, freshNamespace, type OwnNats, startOwnNats } from '#testing';
import {
  Announcer,
  type Bus,
  BusUnavailableError,
  connectBus,
  DeciderClient,
  DeciderLocator,
  DeciderServer,
  JetStreamJobServer,
  type JobContext,
  JOB_PATTERN,
  JobQueue,
  LeaseKeeper,
  LeaseLostError,
  onWorkerSignal,
  type Published,
  signalWorker,
} from './index.ts';

const LEASE_MS = 3_000;

function aJob(ordinal: number, epoch = 1): Job {
  return {
    version: 1,
    planId: 'plan0001',
    planName: 'a plan',
    ordinal,
    epoch,
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

/** A decider and a worker, each on its own connection; the worker's user has the least permissions. */
describe('a fleet whose NATS is mistreated', () => {
  let nats: OwnNats;
  let namespace: string;
  let deciderBus: Bus;
  let workerBus: Bus;
  let queue: JobQueue;
  let announcer: Announcer;
  let locator: DeciderLocator;
  let keeper: LeaseKeeper;
  let server: JetStreamJobServer;
  let stops: (() => unknown)[];
  let handle: (job: Job, context: JobContext) => Promise<void>;

  beforeEach(async () => {
    namespace = freshNamespace();
    nats = await startOwnNats({ workers: { namespace, names: ['w1'] } });
    deciderBus = await connectBus({ url: nats.url, namespace, name: 'decider', log: silentLogger });
    workerBus = await connectBus({
      url: nats.workerUrl('w1'),
      namespace,
      name: 'w1',
      log: silentLogger,
      inboxPrefix: '_INBOX_w1',
    });
    queue = new JobQueue({ bus: deciderBus, leaseMs: LEASE_MS, publishTimeoutMs: 500 });
    await queue.ensure(['default']);
    const announcement = (): Announcement | null =>
      queue.generation === null
        ? null
        : { term: 1, decider: 'd1', generation: queue.generation, pools: ['default'], leaseMs: LEASE_MS };
    announcer = new Announcer({ bus: deciderBus, announcement, intervalMs: 100 }).start();
    const served = new DeciderServer({ bus: deciderBus }).serve(1, {
      claim: () => ({ status: 'applied', next: 'continue' }),
      attempt: () => ({ status: 'applied', next: 'stop' }),
      result: () => ({ status: 'applied', next: 'stop' }),
      release: () => ({ status: 'applied', next: 'stop' }),
      heartbeat: () => ({ term: 1, leaseMs: LEASE_MS, lost: [] }),
      command: () => null,
    });
    locator = new DeciderLocator({ bus: workerBus }).start();
    const client = new DeciderClient({ bus: workerBus, locator, tryTimeoutMs: 500, maxDelayMs: 200 });
    server = new JetStreamJobServer({ bus: workerBus, locator, pools: ['default'], slots: 4 });
    keeper = new LeaseKeeper({
      worker: 'w1',
      pools: ['default'],
      slots: 4,
      draining: () => server.draining,
      client,
      locator,
      log: silentLogger,
    }).start();
    server.addHandler(JOB_PATTERN, ((job: Job, context: JobContext) => handle(job, context)) as never, true);
    server.listen(() => undefined);
    const offSignal = onWorkerSignal(workerBus, 'w1', (signal) => keeper.onSignal(signal));
    stops = [
      () => server.close(),
      () => keeper.stop(),
      offSignal,
      () => locator.stop(),
      () => announcer.stop(),
      () => served.stop(),
    ];
  });

  afterEach(async () => {
    for (const stop of stops) await stop();
    queue.close();
    await workerBus.close();
    await deciderBus.close();
    await nats.stop();
  });

  function leaseOf(job: Job): LeaseKey {
    return {
      planId: job.planId,
      ordinal: job.ordinal,
      epoch: job.epoch,
      worker: 'w1',
      token: '0'.repeat(32),
    };
  }

  /** As the decider does: whatever is unclaimed is published again; what is missing is made anew. */
  async function publishAgain(job: Job): Promise<Published> {
    const published = await queue.publish(job);
    if (published.status !== 'missing') return published;
    await queue.ensure(['default']);
    announcer.announceNow();
    return queue.publish(job);
  }

  it('goes on in a new generation after kill -9 and a wiped store; acks from before match nothing', async () => {
    const held: JobContext[] = [];
    handle = async (_job, context) => void held.push(context);
    await publishAgain(aJob(1));
    await eventually(() => held.length === 1);
    const before = queue.generation;

    await nats.kill();
    await nats.wipe();
    await expect(queue.publish(aJob(2))).rejects.toBeInstanceOf(BusUnavailableError);
    nats = await nats.restart();
    await eventually(() => deciderBus.connected && workerBus.connected);

    // Sequences start at 1 again: the new job has the sequence that the old context acks.
    expect(await publishAgain(aJob(2))).toMatchObject({ status: 'published', seq: 1 });
    expect(queue.generation).not.toBe(before);
    await eventually(() => held.length === 2, { what: 'the worker pulls from the new generation' });
    held[0]!.working();
    expect(await held[0]!.ackConfirmed(300)).toBe(false);
    expect(await queue.find(aJob(2))).toBe(1);
    expect(await held[1]!.ackConfirmed()).toBe(true);
    expect(await queue.find(aJob(2))).toBeNull();
  }, 30_000);

  it('goes on in the same generation after kill -9 without a wipe', async () => {
    const seen: number[] = [];
    handle = async (job, context) => {
      seen.push(job.ordinal);
      await context.ackConfirmed();
    };
    await publishAgain(aJob(1));
    await eventually(() => seen.includes(1));
    const before = queue.generation;
    await nats.kill();
    nats = await nats.restart();
    await eventually(() => deciderBus.connected && workerBus.connected);
    await eventually(async () => publishAgain(aJob(2)), { what: 'the publish after the restart' });
    await eventually(() => seen.includes(2));
    expect(queue.generation).toBe(before);
  }, 30_000);

  it('removes a job whose ack was given while NATS was away', async () => {
    const held: JobContext[] = [];
    handle = async (_job, context) => void held.push(context);
    await publishAgain(aJob(1));
    await eventually(() => held.length === 1);
    // Not kill -9: the broker may forget a delivery then, and would hand the job out again.
    await nats.stop();
    await eventually(() => !workerBus.connected);
    held[0]!.ack();
    nats = await nats.restart();
    await eventually(() => deciderBus.connected && workerBus.connected);
    await eventually(async () => (await queue.find(aJob(1))) === null);
  }, 30_000);

  it('keeps leases through a short absence of NATS, and fences them in a long one', async () => {
    handle = async () => undefined;
    const lease = keeper.hold(leaseOf(aJob(1)), { working: () => undefined });
    await expect(lease.claimed).resolves.toBe(true);
    await nats.kill();
    nats = await nats.restart();
    await eventually(() => workerBus.connected);
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS * 1.2));
    expect(lease.signal.aborted).toBe(false);

    const killedAt = performance.now();
    await nats.kill();
    await eventually(() => lease.signal.aborted, { timeoutMs: 2 * LEASE_MS });
    expect(performance.now() - killedAt).toBeLessThan(LEASE_MS + 500);
    expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
    nats = await nats.restart();
  }, 30_000);

  it('stops a lease on the decider’s signal, with a worker’s own permissions', async () => {
    let reason: unknown = null;
    handle = async (job, context) => {
      const lease = keeper.hold(leaseOf(job), context);
      await new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
      reason = lease.signal.reason;
    };
    await publishAgain(aJob(1));
    await eventually(() => keeper.leases.length === 1);
    signalWorker(deciderBus, 'w1', {
      kind: 'abort',
      planId: 'plan0001',
      ordinal: 1,
      epoch: 1,
      reason: 'cancelled',
    });
    await eventually(() => reason !== null);
    expect(reason).toMatchObject({ how: 'signal', reason: 'cancelled' });
  });

  it('refuses a wrong password at once, and an absent server after its time', async () => {
    const o = { namespace, name: 'x', log: silentLogger, firstConnectMs: 300 };
    const wrong = nats.url.replace('coordinator@', 'wrong@');
    await expect(connectBus({ ...o, url: wrong, firstConnectMs: 20_000 })).rejects.toMatchObject({
      code: 'bus-unavailable',
    });
    await expect(connectBus({ ...o, url: 'nats://127.0.0.1:1' })).rejects.toBeInstanceOf(BusUnavailableError);
  });
});
