import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import type { Announcement, Job } from '#contracts';
import { silentLogger } from '#telemetry';
import { eventually, freshNamespace, testServers } from '#testing';
import type { Bus } from '../connection/bus.ts';
import { connectBus } from '../connection/connect.ts';
import { Announcer } from '../deciding/announcer.ts';
import { jobStreamName } from '../queueing/generation.ts';
import { JobQueue } from '../queueing/job-queue.ts';
import { DeciderLocator } from '../requesting/decider-locator.ts';
import { JobContext } from './job-context.ts';
import { JetStreamJobServer, type JetStreamJobServerOptions, OnJob } from './job-server.ts';

type Handler = (job: Job, context: JobContext) => Promise<void>;
let handle: Handler;

@Controller()
class Jobs {
  @OnJob()
  run(@Payload() job: Job, @Ctx() context: JobContext): Promise<void> {
    return handle(job, context);
  }
}

@Module({ controllers: [Jobs] })
class WorkerModule {}

function aJob(ordinal: number, o: Partial<Job> = {}): Job {
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
    ...o,
  };
}

describe('JetStreamJobServer, as the transport of a Nest microservice', () => {
  let namespace: string;
  let decider: Bus;
  let worker: Bus;
  let queue: JobQueue;
  let announcer: Announcer;
  let locator: DeciderLocator;
  let pools: string[];
  let server: JetStreamJobServer;
  let app: INestMicroservice;

  beforeEach(async () => {
    namespace = freshNamespace();
    const url = testServers().natsUrl;
    decider = await connectBus({ url, namespace, name: 'decider', log: silentLogger });
    worker = await connectBus({
      url,
      namespace,
      name: 'worker',
      log: silentLogger,
      inboxPrefix: '_INBOX_w1',
    });
    queue = new JobQueue({ bus: decider, leaseMs: 30_000 });
    pools = ['default'];
    await queue.ensure(pools);
    announcer = new Announcer({ bus: decider, announcement: () => announcement() }).start();
    locator = new DeciderLocator({ bus: worker }).start();
    handle = async (_job, context) => context.ack();
  });

  afterEach(async () => {
    await app.close();
    announcer.stop();
    locator.stop();
    if (queue.generation !== null)
      await decider.jsm.streams.delete(jobStreamName(namespace, queue.generation));
    await worker.close();
    await decider.close();
  });

  function announcement(): Announcement | null {
    if (queue.generation === null) return null;
    return { term: 1, decider: 'd1', generation: queue.generation, pools, leaseMs: 30_000 };
  }

  async function aWorker(o: Partial<JetStreamJobServerOptions> = {}): Promise<void> {
    server = new JetStreamJobServer({ bus: worker, locator, pools: ['default'], slots: 4, ...o });
    app = await NestFactory.createMicroservice(WorkerModule, { strategy: server, logger: false });
    await app.listen();
  }

  async function isEmpty(pool = 'default'): Promise<void> {
    await eventually(async () => {
      const state = await queue.deliveryState(pool);
      return state !== null && state.queued === 0 && state.inFlight === 0;
    });
  }

  it('hands each job to the handler once, with its trace, and acks remove it', async () => {
    const seen: { job: Job; traceparent: string | null; deliveries: number; streamSeq: number }[] = [];
    handle = async (job, context) => {
      expect(context).toBeInstanceOf(JobContext);
      const { traceparent, deliveries, streamSeq } = context;
      seen.push({ job, traceparent, deliveries, streamSeq });
      expect(await context.ackConfirmed()).toBe(true);
    };
    await aWorker();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const job = aJob(1, { traceparent });
    await queue.publish(job);
    await eventually(() => seen.length === 1);
    expect(seen).toEqual([{ job, traceparent, deliveries: 1, streamSeq: 1 }]);
    await isEmpty();
    expect(await queue.publish(job)).toMatchObject({ status: 'published' });
  });

  it('never runs more handlers than it has slots, and no job waits in the worker', async () => {
    let most = 0;
    const done = new Set<number>();
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    handle = async (job, context) => {
      most = Math.max(most, server.busy);
      await gate;
      done.add(job.ordinal);
      context.ack();
    };
    await aWorker({ slots: 3 });
    await queue.publishMany(Array.from({ length: 30 }, (_, ordinal) => aJob(ordinal)));
    await eventually(() => server.busy === 3);
    expect(await queue.deliveryState('default')).toMatchObject({ queued: 27, inFlight: 3, waitingPulls: 0 });
    open();
    await eventually(() => done.size === 30);
    expect(most).toBe(3);
  });

  it('drains: runs what it has, takes nothing new', async () => {
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const ended: number[] = [];
    handle = async (job, context) => {
      await gate;
      ended.push(job.ordinal);
      context.ack();
    };
    await aWorker({ slots: 2 });
    await queue.publish(aJob(1));
    await eventually(() => server.busy === 1);
    const drained = server.drain();
    await eventually(async () => (await queue.deliveryState('default'))?.waitingPulls === 0);
    await queue.publish(aJob(2));
    open();
    await drained;
    expect(ended).toEqual([1]);
    expect(await queue.deliveryState('default')).toMatchObject({ queued: 1 });
  });

  it('tells running handlers when it closes, and waits for them', async () => {
    let ended = false;
    handle = (_job, context) =>
      new Promise((resolve) => {
        context.signal.addEventListener('abort', () => {
          ended = true;
          resolve();
        });
      });
    await aWorker();
    await queue.publish(aJob(1));
    await eventually(() => server.busy === 1);
    await app.close();
    expect(ended).toBe(true);
    expect(server.busy).toBe(0);
  });

  it('goes on after a handler that throws, reports it and leaves its job', async () => {
    const failures: [unknown, number][] = [];
    handle = async (job, context) => {
      if (job.ordinal === 1) throw new Error('no disk');
      context.ack();
    };
    await aWorker({ slots: 1, onHandlerError: (error, job) => failures.push([error, job.ordinal]) });
    await queue.publish(aJob(1));
    await queue.publish(aJob(2));
    await eventually(async () => (await queue.find(aJob(2))) === null);
    // Nest's exception filter has the original; what comes out of it is its summary.
    expect(failures).toEqual([[expect.any(Error), 1]]);
    expect(await queue.find(aJob(1))).not.toBeNull();
  });

  it('leaves a job of a version that it does not know', async () => {
    const reports: { version: string }[] = [];
    await aWorker({ onUnknownVersion: (report) => reports.push(report) });
    await queue.publish(aJob(1, { version: 2 as never }));
    await eventually(() => reports.length === 1);
    expect(reports[0]).toMatchObject({ version: '2' });
    expect(await queue.find(aJob(1))).not.toBeNull();
  });

  it('terminates and reports a job that nobody can read, and goes on', async () => {
    const reports: { problem: string }[] = [];
    await aWorker({ slots: 1, onUnreadableJob: (report) => reports.push(report) });
    decider.nc.publish(decider.subjects.job(aJob(1)), 'nonsense');
    await queue.publish(aJob(2, { work: {} as never }));
    decider.nc.publish(decider.subjects.job(aJob(3)), JSON.stringify(aJob(4)));
    await queue.publish(aJob(5));
    await eventually(() => reports.length === 3);
    expect(reports.map(({ problem }) => problem)).toEqual([
      'Not JSON',
      expect.stringContaining('work.kind'),
      expect.stringContaining('not the one its subject names'),
    ]);
    await isEmpty();
  });

  it('serves several pools, and learns of a new one', async () => {
    const seen: string[] = [];
    handle = async (job, context) => {
      seen.push(`${job.pool} ${job.ordinal}`);
      context.ack();
    };
    await aWorker({ pools: ['default', 'heavy'], slots: 1 });
    await queue.publish(aJob(1, { pool: 'heavy' }));
    await queue.publish(aJob(2));
    await eventually(() => seen.includes('default 2'));
    pools = ['default', 'heavy'];
    await queue.ensure(pools);
    announcer.announceNow();
    await eventually(() => seen.includes('heavy 1'));
    await queue.publishMany(
      Array.from({ length: 20 }, (_, i) => aJob(10 + i, { pool: i % 2 ? 'heavy' : 'default' })),
    );
    await eventually(() => seen.length === 22);
  });

  it('finds the next generation when its stream is gone', async () => {
    const seen: number[] = [];
    handle = async (job, context) => {
      seen.push(job.ordinal);
      context.ack();
    };
    await aWorker();
    await queue.publish(aJob(1));
    await eventually(() => seen.length === 1);
    await decider.jsm.streams.delete(jobStreamName(namespace, queue.generation!));
    expect(await queue.publish(aJob(2))).toEqual({ status: 'missing' });
    await queue.ensure(pools);
    announcer.announceNow();
    await queue.publish(aJob(2));
    await eventually(() => seen.length === 2, { timeoutMs: 3_000 });
  });

  it('takes jobs as soon as a decider comes up', async () => {
    announcer.stop();
    const generation = queue.generation!;
    locator.stop();
    locator = new DeciderLocator({ bus: worker }).start();
    await aWorker();
    await queue.publish(aJob(1));
    expect((await queue.deliveryState('default'))?.waitingPulls).toBe(0);
    announcer.start();
    await eventually(async () => (await queue.find(aJob(1))) === null);
    expect(queue.generation).toBe(generation);
  });
});
