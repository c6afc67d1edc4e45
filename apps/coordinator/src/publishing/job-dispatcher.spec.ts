import type { Job } from '#contracts';
import type { JobKey, JobQueue } from '#bus';
import { admit, decide, initialPlanState, type PlanDefinition, type PlanState } from '#domain';
import { silentLogger } from '#telemetry';
import { aPlan, aStep } from '#testing';
import { JobDispatcher } from './job-dispatcher.ts';

const CLAIM_MS = 1_000;
/** Ended plans whose jobs are still to be purged. */
const UNPURGED_MAX = 1_000;

/** A broker whose workers take every job and claim none. */
class DeafQueue {
  readonly published: Job[] = [];
  readonly purgedPlans: string[] = [];
  readonly purged: JobKey[] = [];
  readonly dropped: string[] = [];
  purges = 0;
  broken = false;
  private seq = 0;

  publish = async (job: Job) => {
    this.published.push(job);
    return { status: 'published' as const, generation: 'g', seq: (this.seq += 1) };
  };
  deliveredSeq: number | null = null;
  beforePurge: () => unknown = () => undefined;
  deliveryState = async () => ({ generation: 'g', deliveredSeq: this.deliveredSeq ?? this.seq });
  find = async (_key: JobKey) => null;
  plans = async () => new Set(['plan00000001', 'plan0000gone']);
  purge = async (key: JobKey) => {
    this.beforePurge();
    return this.purged.push(key);
  };
  dropPool = async (pool: string) => void this.dropped.push(pool);
  purgePlan = async (planId: string) => {
    this.purges += 1;
    this.beforePurge();
    if (this.broken) throw new Error('the broker is away');
    this.purgedPlans.push(planId);
    return 0;
  };
}

describe('jobs on their way to a claim', () => {
  let queue: DeafQueue;
  let now: number;
  let neverClaimed: [ordinal: number, epoch: number, deliveries: number][];
  let dispatcher: JobDispatcher;
  let plan: PlanState;
  let uncommitted: boolean;
  let inCharge: boolean;
  let poolsInUse: Set<string>;

  beforeEach(() => {
    queue = new DeafQueue();
    now = 0;
    neverClaimed = [];
    uncommitted = false;
    inCharge = true;
    poolsInUse = new Set();
    dispatcher = new JobDispatcher(
      {
        queue: queue as unknown as JobQueue,
        clock: { monotonic: () => now },
        log: silentLogger,
        claimTimeoutMs: CLAIM_MS,
        maxSteps: 10,
        trusted: () => true,
        onUnsendable: () => undefined,
        onUnworkable: () => undefined,
        page: () => Promise.resolve(''),
        isUncommitted: () => uncommitted,
        isInCharge: () => inCharge,
        poolsInUse: () => poolsInUse,
        onNeverClaimed: (_, ordinal, epoch, deliveries) => neverClaimed.push([ordinal, epoch, deliveries]),
      },
      ['default'],
    );
    plan = submitted(aPlan({ maxLeases: 3, steps: [aStep({ name: 'a' })] }));
    dispatcher.follow(plan, admit(plan, 0, 0));
  });

  async function look(): Promise<number> {
    now += CLAIM_MS;
    return dispatcher.sweep(() => plan);
  }

  /** A worker is found to have the job, and does not claim it in its time. */
  async function claimTimePasses(): Promise<void> {
    await look();
    await look();
  }

  it('are issued anew while workers take them without a claim, but only so often', async () => {
    for (let i = 0; i < 2; i += 1) await claimTimePasses();
    expect(queue.published).toHaveLength(3);
    expect(neverClaimed).toEqual([]);
    await claimTimePasses();
    expect(neverClaimed).toEqual([[0, 1, 3]]);
    expect(queue.published).toHaveLength(3);
  });

  it('are handed out at least twice, also when the plan allows one lease', async () => {
    const once = submitted(aPlan({ maxLeases: 1, steps: [aStep({ name: 'a' })] }));
    dispatcher.follow(once, admit(once, 0, 0));
    plan = once;
    await claimTimePasses();
    expect(neverClaimed).toEqual([]);
    await claimTimePasses();
    expect(neverClaimed).toEqual([[0, 1, 2]]);
  });

  it('are left alone while they wait for a worker, and for one claim time once one has them', async () => {
    queue.deliveredSeq = 0;
    for (let i = 0; i < 5; i += 1) expect(await look()).toBe(0);
    queue.deliveredSeq = 1;
    expect(await look()).toBe(0);
    expect(queue.purged).toEqual([]);
    expect(await look()).toBe(1);
    expect(queue.published).toHaveLength(2);
  });

  it('are no repair when they are claimed while the broker is asked', async () => {
    await look();
    const lease = { ordinal: 0, epoch: 1, worker: 'w1', tokenDigest: 't' };
    queue.beforePurge = () => dispatcher.follow(plan, decide(plan, { kind: 'claim', lease }, 0).events);
    expect(await look()).toBe(0);
    expect(queue.published).toHaveLength(1);
  });

  it('are counted anew in the step’s next epoch', async () => {
    for (let i = 0; i < 3; i += 1) await claimTimePasses();
    const reason = { code: 'never-claimed', message: 'never claimed' };
    const expired = { kind: 'lease-expired' as const, ordinal: 0, epoch: 1, counts: true, reason, jitter: 0 };
    dispatcher.follow(plan, decide(plan, { ...expired, unclaimedOnly: true }, 0).events);
    dispatcher.follow(plan, admit(plan, 0, 60_000));
    await claimTimePasses();
    expect(neverClaimed).toHaveLength(1);
    expect(queue.published.map(({ epoch }) => epoch)).toEqual([1, 1, 1, 2, 2]);
  });

  it('have queues for a bounded number of pools, whatever names workers make up', () => {
    for (let batch = 0; batch < 100; batch += 1) {
      const pools = Array.from({ length: 32 }, (_, index) => `pool-${batch}-${index}`);
      for (const pool of pools) poolsInUse.add(pool);
      dispatcher.wantPools(pools);
    }
    expect(dispatcher.pools).toHaveLength(256);
    expect(dispatcher.pools).toContain('default');
    expect(dispatcher.wantPools(['one-more'])).toBe(false);
    expect(queue.dropped).toEqual([]);
  });

  it('have queues for new pools when others are used by nobody any more', () => {
    const made = Array.from({ length: 255 }, (_, index) => `pool-${index}`);
    poolsInUse = new Set(made);
    dispatcher.wantPools(made);
    expect(dispatcher.wantPools(['new'])).toBe(false);
    // But for one the workers with the made-up names have gone.
    poolsInUse = new Set(['pool-7', 'new']);
    expect(dispatcher.wantPools(['new'])).toBe(false);
    now += 5_000;
    expect(dispatcher.wantPools(['new'])).toBe(true);
    expect(dispatcher.pools).toEqual(['default', 'pool-7', 'new']);
    expect(queue.dropped).toEqual(made.filter((pool) => pool !== 'pool-7'));
  });

  it('are not made of what is not committed: neither when the broker comes back, nor after a wipe, nor in a sweep', async () => {
    const [job] = queue.published.splice(0);
    uncommitted = true;
    dispatcher.resume(plan);
    dispatcher.republishAll(() => plan);
    await claimTimePasses();
    expect(queue.published).toEqual([]);
    // The commit has come through.
    uncommitted = false;
    dispatcher.follow(plan, []);
    expect(queue.published).toEqual([job]);
    await dispatcher.sweep(() => plan);
    expect(queue.published).toEqual([job]);
  });

  it('are not sent by a decider whose term may be over, and with the next sweep once it is sure again', async () => {
    const later = submitted(aPlan({ maxLeases: 3, steps: [aStep({ name: 'b' })] }));
    queue.published.length = 0;
    inCharge = false;
    dispatcher.follow(later, admit(later, 0, 0));
    expect(queue.published).toEqual([]);
    inCharge = true;
    await dispatcher.sweep(() => later);
    expect(queue.published.map(({ planId, epoch }) => [planId, epoch])).toEqual([[later.planId, 1]]);
  });

  it('go from the queue when their plan was closed by a commit of which nobody heard', async () => {
    const done: PlanState = { ...plan, closed: true };
    dispatcher.resume(done);
    expect(dispatcher.unclaimedJobs).toBe(0);
    expect(queue.purgedPlans).toEqual([plan.planId]);
  });

  it('are not looked after any more when their step ended by a commit of which nobody heard', () => {
    const lease = { ordinal: 0, epoch: 1, worker: 'w1', tokenDigest: 't' };
    decide(plan, { kind: 'claim', lease }, 0);
    dispatcher.resume(plan);
    expect(dispatcher.unclaimedJobs).toBe(0);
    expect(queue.purged).toEqual([]);
  });

  it('of plans that are over go when somebody looks for them, and no others', async () => {
    await dispatcher.purgeOrphans((planId) => planId === plan.planId);
    expect(queue.purgedPlans).toEqual(['plan0000gone']);
  });

  it('go from the queue when their step is skipped', () => {
    const reason = { code: 'skipped-by-operator', message: 'skipped' };
    dispatcher.follow(plan, [{ type: 'step.skipped', data: { ordinal: 0, epoch: 1, reason } }]);
    expect(dispatcher.unclaimedJobs).toBe(0);
    expect(queue.purged).toMatchObject([{ ordinal: 0, epoch: 1 }]);
  });

  it('of a plan that was reopened stay, though its end could not be carried out on the broker', async () => {
    queue.broken = true;
    dispatcher.follow(plan, [{ type: 'plan.closed', data: {} }]);
    const by = { name: 'me', via: 'cli' };
    dispatcher.follow(plan, [{ type: 'plan.reopened', data: { by, why: null } }]);
    await dispatcher.sweep(() => undefined);
    queue.broken = false;
    await dispatcher.sweep(() => undefined);
    expect(queue.purgedPlans).toEqual([]);
  });

  it('go from the queue with their plan’s end, also when the broker is away just then', async () => {
    queue.broken = true;
    dispatcher.follow(plan, [{ type: 'plan.closed', data: {} }]);
    await dispatcher.sweep(() => undefined);
    expect(queue.purgedPlans).toEqual([]);
    queue.broken = false;
    await dispatcher.sweep(() => undefined);
    await dispatcher.sweep(() => undefined);
    expect(queue.purgedPlans).toEqual([plan.planId]);
  });

  it('are remembered of so many ended plans only, while the broker is away', async () => {
    queue.broken = true;
    for (let n = 0; n < UNPURGED_MAX + 5; n += 1) {
      dispatcher.follow({ ...plan, planId: `plan${n}` }, [{ type: 'plan.closed', data: {} }]);
    }
    queue.broken = false;
    for (let sweeps = 0; sweeps < 20; sweeps += 1) await dispatcher.sweep(() => undefined);
    expect(queue.purgedPlans).toHaveLength(UNPURGED_MAX);
  });

  it('are purged and looked for some at a time, so that a broker that is away or slow does not hold up a sweep', async () => {
    queue.broken = true;
    for (let n = 0; n < 300; n += 1)
      dispatcher.follow({ ...plan, planId: `plan${n}` }, [{ type: 'plan.closed', data: {} }]);
    const purgesOf = async (): Promise<number> => {
      queue.purges = 0;
      await dispatcher.sweep(() => undefined);
      return queue.purges;
    };
    expect(await purgesOf()).toBe(1);
    queue.broken = false;
    expect(await purgesOf()).toBe(100);
    queue.beforePurge = () => (now += 900);
    expect(await purgesOf()).toBe(3);
  });

  it('are looked after again with the next sweep when the broker was too slow for all of them', async () => {
    const many = submitted(aPlan({ maxLeases: 3, steps: [aStep({ name: 'a' }), aStep({ name: 'b' })] }));
    dispatcher.follow(
      many,
      [0, 1].flatMap((ordinal) => admit(many, ordinal, 0)),
    );
    const planOf = (): PlanState => many;
    now += CLAIM_MS;
    await dispatcher.sweep(planOf);
    now += CLAIM_MS;
    queue.beforePurge = () => (now += 2_000);
    expect(await dispatcher.sweep(planOf)).toBe(1);
    queue.beforePurge = () => undefined;
    expect(await dispatcher.sweep(planOf)).toBe(1);
  });
});

function submitted(definition: PlanDefinition): PlanState {
  const plan = initialPlanState('plan00000001');
  const by = { name: 'me', via: 'cli' };
  const submission = { tenant: 'local', definition, digest: 'd', idempotencyKey: 'k', by, traceparent: null };
  decide(plan, { kind: 'submit', submission }, 0);
  return plan;
}
