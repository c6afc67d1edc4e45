import { setTimeout as wait } from 'node:timers/promises';
import type { Job } from '#contracts';
import { silentLogger } from '#telemetry';
import { eventually, freshNamespace, testServers } from '#testing';
import type { Bus } from '../connection/bus.ts';
import { connectBus } from '../connection/connect.ts';
import { BusUnavailableError, MessageTooLargeError } from '../errors.ts';
import { JobPull } from '../serving/job-pull.ts';
import { jobConsumerName, jobStreamName } from './generation.ts';
import type { LeaseHint } from './lease-hints.ts';
import { JobQueue } from './job-queue.ts';

function aJob(o: Partial<Job> = {}): Job {
  return {
    version: 1,
    planId: 'plan0001',
    planName: 'a plan',
    ordinal: 1,
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

describe('JobQueue', () => {
  const namespace = freshNamespace();
  let bus: Bus;
  let queue: JobQueue;

  beforeEach(async () => {
    bus = await connectBus({ url: testServers().natsUrl, namespace, name: 'decider', log: silentLogger });
    queue = new JobQueue({ bus, leaseMs: 400 });
    await queue.ensure(['default']);
  });

  afterEach(async () => {
    queue.close();
    if (queue.generation !== null) await bus.jsm.streams.delete(jobStreamName(namespace, queue.generation));
    await bus.close();
  });

  function pull(waitMs = 2_000) {
    const generation = queue.generation!;
    return new JobPull(bus).next(
      {
        stream: jobStreamName(namespace, generation),
        consumer: jobConsumerName(namespace, 'default', generation),
      },
      waitMs,
    );
  }

  it('refuses a job that is queued or in flight, and takes it again after a purge', async () => {
    expect(await queue.publish(aJob())).toMatchObject({ status: 'published', seq: 1 });
    expect(await queue.publish(aJob())).toEqual({ status: 'already-there' });
    expect(await pull()).toMatchObject({ kind: 'job' });
    expect(await queue.publish(aJob())).toEqual({ status: 'already-there' });
    expect(await queue.find(aJob())).toBe(1);
    expect(await queue.purge(aJob())).toBe(1);
    expect(await queue.find(aJob())).toBeNull();
    expect(await queue.publish(aJob())).toMatchObject({ status: 'published', seq: 2 });
    expect(await queue.publish(aJob({ epoch: 2 }))).toMatchObject({ status: 'published', seq: 3 });
  });

  it('knows which plans have jobs, queued or in flight', async () => {
    expect(await queue.plans()).toEqual(new Set());
    await queue.publish(aJob());
    expect(await pull()).toMatchObject({ kind: 'job' });
    await queue.publish(aJob({ planId: 'plan0002' }));
    await queue.publish(aJob({ planId: 'plan0002', ordinal: 2 }));
    expect(await queue.plans()).toEqual(new Set(['plan0001', 'plan0002']));
    await queue.purgePlan('plan0001');
    expect(await queue.plans()).toEqual(new Set(['plan0002']));
  });

  it('forgets a pool that nobody needs, with its consumer, and serves its jobs when it is made again', async () => {
    await queue.ensure(['default', 'heavy']);
    await queue.publish(aJob());
    await queue.dropPool('heavy');
    await queue.dropPool('default');
    expect(await queue.deliveryState('heavy')).toBeNull();
    expect(await queue.deliveryState('default')).toBeNull();
    await queue.dropPool('default');
    await queue.ensure(['default']);
    expect(await pull()).toMatchObject({ kind: 'job' });
  });

  it('takes a job again after its ack', async () => {
    await queue.publish(aJob());
    const pulled = await pull();
    if (pulled.kind !== 'job') throw new Error(pulled.kind);
    await bus.nc.request(pulled.message.reply!, '+ACK');
    expect(await queue.publish(aJob())).toMatchObject({ status: 'published' });
  });

  it('tells a queued job from a delivered one', async () => {
    const first = await queue.publish(aJob({ ordinal: 1 }));
    const second = await queue.publish(aJob({ ordinal: 2 }));
    await pull();
    const state = await queue.deliveryState('default');
    expect(state).toMatchObject({ generation: queue.generation, queued: 1, inFlight: 1 });
    expect(first).toMatchObject({ seq: state!.deliveredSeq });
    expect(second).toMatchObject({ seq: state!.deliveredSeq + 1 });
  });

  it('never hands a dead worker’s job out again, and hints that its lease ran out', async () => {
    const hints: LeaseHint[] = [];
    queue.onLeaseHint((hint) => hints.push(hint));
    await queue.publish(aJob({ ordinal: 7 }));
    expect(await pull()).toMatchObject({ kind: 'job' });
    // Nobody acks. Other workers go on pulling: after three ack deadlines there is still nothing for them.
    for (const endsAt = Date.now() + 1_500; Date.now() < endsAt;)
      expect(await pull(300)).toEqual({ kind: 'empty' });
    await eventually(() => hints.length > 0, { what: 'the hint' });
    expect(hints).toEqual([{ pool: 'default', planId: 'plan0001', ordinal: 7, epoch: 1 }]);
    expect(await queue.publish(aJob({ ordinal: 7 }))).toEqual({ status: 'already-there' });
    expect(await queue.deliveryState('default')).toMatchObject({ queued: 0 });
  });

  it('removes the jobs of one plan and leaves the others', async () => {
    await queue.publishMany([aJob({ ordinal: 1 }), aJob({ ordinal: 2 }), aJob({ planId: 'plan0002' })]);
    expect(await queue.purgePlan('plan0001')).toBe(2);
    expect(await queue.deliveryState('default')).toMatchObject({ queued: 1 });
  });

  it('publishes a batch in order and says of each job what became of it', async () => {
    await queue.publish(aJob({ ordinal: 3 }));
    const jobs = Array.from({ length: 2_000 }, (_, ordinal) => aJob({ ordinal }));
    const results = await queue.publishMany(jobs);
    expect(results[3]).toEqual({ status: 'already-there' });
    const seqs = results.flatMap((result) => (result.status === 'published' ? [result.seq] : []));
    expect(seqs).toHaveLength(1_999);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  });

  it('finds the generation that is there, and adds consumers for new pools', async () => {
    const other = new JobQueue({ bus, leaseMs: 400 });
    expect(await other.ensure(['default', 'heavy'])).toEqual({
      generation: queue.generation,
      created: false,
    });
    expect(await queue.deliveryState('heavy')).toMatchObject({ queued: 0 });
    expect(await new JobQueue({ bus, leaseMs: 900 }).ensure(['default'])).toMatchObject({ created: false });
    const consumer = jobConsumerName(namespace, 'default', queue.generation!);
    const info = await bus.jsm.consumers.info(jobStreamName(namespace, queue.generation!), consumer);
    expect(info.config.ack_wait).toBe(900_000_000);
  });

  it('makes one generation when two deciders ensure at once', async () => {
    await bus.jsm.streams.delete(jobStreamName(namespace, queue.generation!));
    const queues = [1, 2, 3].map(() => new JobQueue({ bus, leaseMs: 400 }));
    const made = await Promise.all(queues.map((each) => each.ensure(['default'])));
    expect(made.filter(({ created }) => created).length).toBeGreaterThanOrEqual(1);
    const { generation } = await queue.ensure(['default']);
    const streams = await bus.jsm.streams.list(bus.subjects.allJobs()).next();
    expect(streams.map(({ config }) => config.name)).toEqual([jobStreamName(namespace, generation)]);
    // Who holds the other generation finds out at its first job.
    for (const each of queues) {
      if ((await each.publish(aJob())).status === 'missing') await each.ensure(['default']);
      expect(each.generation).toBe(generation);
      expect(await each.publish(aJob())).toEqual({ status: 'already-there' });
    }
  });

  it('says missing when the stream is gone, and makes a new generation', async () => {
    const before = queue.generation!;
    await bus.jsm.streams.delete(jobStreamName(namespace, before));
    expect(await queue.deliveryState('default')).toBeNull();
    expect(await queue.publish(aJob())).toEqual({ status: 'missing' });
    expect(queue.generation).toBeNull();
    expect(await queue.publish(aJob())).toEqual({ status: 'missing' });
    const { generation, created } = await queue.ensure(['default']);
    expect(created).toBe(true);
    expect(generation).not.toBe(before);
    expect(await queue.publish(aJob())).toMatchObject({ status: 'published', generation });
  });

  it('replaces a stream of ours of another format, and never one that is not ours', async () => {
    await bus.jsm.streams.delete(jobStreamName(namespace, queue.generation!));
    const name = `${namespace}-jobs-old1`;
    await bus.jsm.streams.add({
      name,
      subjects: [`${namespace}.jobs.>`],
      metadata: { 'skein-namespace': namespace, 'skein-format': '0' },
    });
    const neighbour = `${namespace}-x-jobs-abc`;
    await bus.jsm.streams.add({ name: neighbour, subjects: [`${namespace}-x.jobs.>`] });
    expect(await queue.ensure(['default'])).toMatchObject({ created: true });
    await expect(bus.jsm.streams.info(name)).rejects.toThrow();
    expect((await bus.jsm.streams.info(neighbour)).config.name).toBe(neighbour);
    await bus.jsm.streams.delete(neighbour);

    await bus.jsm.streams.delete(jobStreamName(namespace, queue.generation!));
    await bus.jsm.streams.add({ name: 'foreign', subjects: [`${namespace}.jobs.>`] });
    await expect(queue.ensure(['default'])).rejects.toMatchObject({ code: 'bus-setup' });
    // The foreign stream would take our jobs: it must not get any.
    expect(await queue.publish(aJob())).toEqual({ status: 'missing' });
    expect((await bus.jsm.streams.info('foreign')).state.messages).toBe(0);
    await bus.jsm.streams.delete('foreign');
    await queue.ensure(['default']);
  });

  it('refuses a job above the server’s message limit before it is sent', async () => {
    const huge = aJob({ planName: 'x'.repeat(9 * 2 ** 20) });
    await expect(queue.publish(huge)).rejects.toBeInstanceOf(MessageTooLargeError);
    const results = await queue.publishMany([huge, aJob()]);
    expect(results.map(({ status }) => status)).toEqual(['failed', 'published']);
    expect(bus.connected).toBe(true);
  });

  it('says unavailable when the connection is closed', async () => {
    const other = await connectBus({
      url: testServers().natsUrl,
      namespace,
      name: 'other',
      log: silentLogger,
    });
    const its = new JobQueue({ bus: other, leaseMs: 400 });
    await its.ensure(['default']);
    await other.close();
    await expect(its.publish(aJob())).rejects.toBeInstanceOf(BusUnavailableError);
    await expect(its.ensure(['default'])).rejects.toBeInstanceOf(BusUnavailableError);
    await wait(0);
  });
});
