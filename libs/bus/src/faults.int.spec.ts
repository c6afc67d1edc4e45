import type { Job } from '#contracts';
import { silentLogger } from '#telemetry';
import { eventually, freshNamespace, testServers } from '#testing';
import {
  Announcer,
  type Bus,
  connectBus,
  DeciderClient,
  DeciderLocator,
  DeciderServer,
  JetStreamJobServer,
  type JobContext,
  JOB_PATTERN,
  JobQueue,
  LeaseKeeper,
} from './index.ts';

const JOBS = 300;
const SLOTS = 8;
const LEASE_MS = 900;
const CLAIM_TIMEOUT_MS = 300;

function aJob(ordinal: number, epoch: number): Job {
  return {
    version: 1,
    planId: 'plan0001',
    planName: 'a plan',
    ordinal,
    epoch,
    pool: ordinal % 3 === 0 ? 'heavy' : 'default',
    stepName: 'a step',
    repo: null,
    baseSha: null,
    sandbox: 'auto',
    trusted: true,
    work: { kind: 'noop' },
    traceparent: null,
  };
}

interface Lease {
  job: Job;
  publishedAt: number;
  owner: string | null;
  expiresAt: number;
}

/** As small a decider as the protocol allows: what it knows is its ledger. */
class TinyDecider {
  readonly open = new Map<number, Lease>();
  readonly applied: string[] = [];
  readonly refusedAsLost: string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #sweeping = false;

  constructor(
    readonly queue: JobQueue,
    readonly announcer: () => Announcer,
  ) {}

  async start(): Promise<void> {
    for (let ordinal = 0; ordinal < JOBS; ordinal++) this.#issue(ordinal, 1);
    await this.queue.publishMany([...this.open.values()].map(({ job }) => job));
    this.#timer = setInterval(() => void this.#sweep(), 100);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
  }

  claim(ordinal: number, epoch: number, owner: string): boolean {
    const lease = this.open.get(ordinal);
    if (lease?.job.epoch !== epoch || (lease.owner !== null && lease.owner !== owner)) return false;
    if (lease.owner === null) lease.expiresAt = performance.now() + LEASE_MS;
    lease.owner = owner;
    return true;
  }

  result(ordinal: number, epoch: number, owner: string): boolean {
    const name = `${ordinal}.${epoch}.${owner}`;
    if (this.applied.includes(name)) return true; // A repeated message.
    if (!this.claim(ordinal, epoch, owner)) {
      this.refusedAsLost.push(name);
      return false;
    }
    this.open.delete(ordinal);
    this.applied.push(name);
    return true;
  }

  beat(ordinal: number, epoch: number, owner: string): boolean {
    const lease = this.open.get(ordinal);
    if (lease?.job.epoch !== epoch || lease.owner !== owner) return false;
    lease.expiresAt = performance.now() + LEASE_MS;
    return true;
  }

  #issue(ordinal: number, epoch: number): Job {
    const job = aJob(ordinal, epoch);
    this.open.set(ordinal, { job, publishedAt: performance.now(), owner: null, expiresAt: Infinity });
    return job;
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      if (this.queue.generation === null) {
        await this.queue.ensure(['default', 'heavy']);
        this.announcer().announceNow();
      }
      for (const [ordinal, lease] of [...this.open]) await this.#look(ordinal, lease);
    } catch {
      // The queue is away; the next sweep tries again.
    } finally {
      this.#sweeping = false;
    }
  }

  async #look(ordinal: number, lease: Lease): Promise<void> {
    const now = performance.now();
    if (lease.owner !== null && now > lease.expiresAt) {
      await this.queue.purge(lease.job);
      await this.queue.publish(this.#issue(ordinal, lease.job.epoch + 1));
    } else if (lease.owner === null && now > lease.publishedAt + CLAIM_TIMEOUT_MS) {
      lease.publishedAt = now;
      const seq = await this.queue.find(lease.job);
      const state = await this.queue.deliveryState(lease.job.pool);
      if (seq !== null && state !== null && seq > state.deliveredSeq) return;
      if (seq !== null) await this.queue.purge(lease.job);
      if (this.open.get(ordinal) === lease) await this.queue.publish(lease.job);
    }
  }
}

/** A worker with its own connection; `crash` is what kill -9 looks like from outside. */
class TinyWorker {
  static serial = 0;
  readonly name = `w${++TinyWorker.serial}`;
  most = 0;
  aborted = 0;
  #stop!: () => Promise<void>;
  bus!: Bus;

  async start(namespace: string): Promise<this> {
    const bus = await connectBus({
      url: testServers().natsUrl,
      namespace,
      name: this.name,
      log: silentLogger,
    });
    this.bus = bus;
    const locator = new DeciderLocator({ bus }).start();
    const client = new DeciderClient({ bus, locator, tryTimeoutMs: 300, maxDelayMs: 100 });
    const pools = ['default', 'heavy'];
    const server = new JetStreamJobServer({ bus, locator, pools, slots: SLOTS, pullMs: 200 });
    const keeper = new LeaseKeeper({
      worker: this.name,
      pools,
      slots: SLOTS,
      draining: () => server.draining,
      client,
      locator,
      log: silentLogger,
    }).start();
    const crashed = new AbortController();
    const run = async (job: Job, context: JobContext): Promise<void> => {
      this.most = Math.max(this.most, server.busy);
      const key = { planId: job.planId, ordinal: job.ordinal, epoch: job.epoch, worker: this.name };
      const lease = keeper.hold({ ...key, token: '0'.repeat(32) }, context);
      const until = AbortSignal.any([lease.signal, crashed.signal]);
      try {
        await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 40));
        const message = { lease: lease.key, result: passed(), traceparent: null };
        const reply = await client.request('result', message, until);
        if (reply.status === 'applied') context.ack();
      } catch {
        this.aborted++;
      } finally {
        lease.release();
      }
    };
    server.addHandler(JOB_PATTERN, run as never, true);
    server.listen(() => undefined);
    this.#stop = async () => {
      crashed.abort();
      keeper.stop();
      locator.stop();
      await bus.close();
      await server.close();
    };
    return this;
  }

  crash(): Promise<void> {
    return this.#stop();
  }
}

function passed() {
  return { status: 'passed', commit: null, outputs: {}, resolved: null, candidate: null } as const;
}

it('every job ends exactly once, whatever happens to workers, connections and streams meanwhile', async () => {
  const namespace = freshNamespace();
  const bus = await connectBus({ url: testServers().natsUrl, namespace, name: 'decider', log: silentLogger });
  const queue = new JobQueue({ bus, leaseMs: LEASE_MS });
  await queue.ensure(['default', 'heavy']);
  const announcer = new Announcer({
    bus,
    intervalMs: 100,
    announcement: () =>
      queue.generation === null
        ? null
        : {
            term: 1,
            decider: 'd',
            generation: queue.generation,
            pools: ['default', 'heavy'],
            leaseMs: LEASE_MS,
          },
  }).start();
  const decider = new TinyDecider(queue, () => announcer);
  const applied = { status: 'applied', next: 'stop' } as const;
  const lost = { status: 'lost', reason: 'not yours' } as const;
  const served = new DeciderServer({ bus }).serve(1, {
    claim: ({ lease }) => (decider.claim(lease.ordinal, lease.epoch, lease.worker) ? applied : lost),
    result: ({ lease }) => (decider.result(lease.ordinal, lease.epoch, lease.worker) ? applied : lost),
    attempt: () => applied,
    release: () => applied,
    command: () => null,
    heartbeat: ({ worker, leases }) => ({
      term: 1,
      leaseMs: LEASE_MS,
      lost: leases
        .filter(({ ordinal, epoch }) => !decider.beat(ordinal, epoch, worker))
        .map(({ planId, ordinal, epoch }) => ({ planId, ordinal, epoch, reason: 'not yours' })),
    }),
  });

  const workers = [await new TinyWorker().start(namespace), await new TinyWorker().start(namespace)];
  const all = [...workers];
  await decider.start();
  const faults = [
    async () => {
      await workers.shift()!.crash();
      all.push(await new TinyWorker().start(namespace));
      workers.push(all.at(-1)!);
    },
    async () => void (await bus.jsm.streams.delete(`${namespace}-jobs-${queue.generation}`)),
    () => workers[0]!.bus.nc.reconnect(),
    () => bus.nc.reconnect(),
  ];
  let faultsDone = 0;
  for (const threshold of [30, 70, 110, 150, 190, 230]) {
    await eventually(() => decider.applied.length >= threshold, {
      timeoutMs: 20_000,
      what: `${threshold} results`,
    });
    await faults[faultsDone++ % faults.length]!().catch(() => undefined);
  }
  await eventually(() => decider.open.size === 0, { timeoutMs: 20_000, what: 'the end of every job' });

  const ordinals = decider.applied.map((name) => name.split('.')[0]);
  expect(new Set(ordinals).size).toBe(JOBS);
  expect(ordinals).toHaveLength(JOBS);
  for (const worker of all) expect(worker.most).toBeLessThanOrEqual(SLOTS);

  decider.stop();
  for (const worker of workers) await worker.crash();
  announcer.stop();
  await served.stop();
  queue.close();
  if (queue.generation !== null) await bus.jsm.streams.delete(`${namespace}-jobs-${queue.generation}`);
  await bus.close();
}, 60_000);
