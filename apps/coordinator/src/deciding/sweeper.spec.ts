import type { PlanInput } from '#domain';
import { Fleet, evolve, initialPlanState, type PlanState } from '#domain';
import { silentLogger } from '#telemetry';
import { aPlan, aStep } from '#testing';
import { LeaseTable } from './lease-table.ts';
import { Sweeper, type SweeperOptions } from './sweeper.ts';

const LEASE_MS = 10_000;

/** Timers that go off when they are told to. */
function heldTimers(now: () => number) {
  let timers: { at: number; task: () => void }[] = [];
  return {
    schedule: (delayMs: number, task: () => void): (() => void) => {
      const timer = { at: now() + delayMs, task };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
    run: (): void => {
      const due = timers.filter(({ at }) => at <= now());
      timers = timers.filter(({ at }) => at > now());
      for (const { task } of due) task();
    },
  };
}

function aSweeper() {
  const now = { ms: 0 };
  const inputs: PlanInput[] = [];
  const areOver: (() => boolean)[] = [];
  const gate: { wait: Promise<void>; sweeps: number } = { wait: Promise.resolve(), sweeps: 0 };
  const facts = { hears: true, isSure: true };
  const timers = heldTimers(() => now.ms);
  const leases = new LeaseTable(LEASE_MS);
  const fleet = new Fleet({ fleet: null, pools: {} });
  const stuck: (readonly string[])[] = [];
  const sweeper = new Sweeper({
    clock: { now: () => now.ms, monotonic: () => now.ms, schedule: timers.schedule },
    random: () => 0.5,
    fleet,
    plans: { cached: () => undefined },
    leases,
    roster: { sweep: () => false },
    loop: {
      submit: (_planId: string, input: PlanInput, _traceparent: null, isOver: () => boolean) => {
        inputs.push(input);
        areOver.push(isOver);
        return new Promise(() => undefined);
      },
      admitSoon: () => undefined,
    },
    dispatcher: {
      sweep: async () => {
        gate.sweeps += 1;
        await gate.wait;
        return 0;
      },
    },
    leaseMs: LEASE_MS,
    hears: () => facts.hears,
    isSure: () => facts.isSure,
    intervalMs: 60_000,
    onStuck: (planIds: readonly string[]) => stuck.push(planIds),
    log: silentLogger,
  } as unknown as SweeperOptions);
  const grant = () =>
    leases.follow(
      'p1',
      { type: 'lease.granted', data: { ordinal: 1, epoch: 1, worker: 'w1', tokenDigest: 't' } },
      now.ms,
    );
  /** In steps: a clock that jumps is a process that stood still. */
  const pass = async (ms: number) => {
    for (const end = now.ms + ms; now.ms < end;) {
      now.ms += 1_000;
      await sweeper.sweep();
    }
  };
  return { sweeper, inputs, areOver, leases, now, gate, facts, grant, pass, fleet, stuck, timers };
}

/** Submitted, and never expanded: nothing can happen to it any more. */
function aStuckPlan(): PlanState {
  const plan = initialPlanState('p1');
  const data = {
    tenant: 'local',
    definition: aPlan({ steps: [aStep({ name: 'a' })] }),
    digest: 'd',
    idempotencyKey: 'k',
    by: { name: 'spec', via: 'rest' },
    traceparent: null,
  };
  evolve(plan, { type: 'plan.submitted', data }, 1);
  return plan;
}

describe('the sweeper', () => {
  it('tells which plans are stuck when it has found them so twice, and when they are not any more', async () => {
    const { fleet, stuck, pass } = aSweeper();
    fleet.update(aStuckPlan());
    await pass(1_000);
    // A turn may be under way: nothing is known yet, not even that all is well.
    expect(stuck).toEqual([]);
    await pass(1_000);
    expect(stuck).toEqual([['p1']]);
    fleet.remove('p1');
    await pass(1_000);
    expect(stuck.at(-1)).toEqual([]);
  });

  it('says once that a worker is silent, however long the ledger takes to hear it', async () => {
    const { grant, pass, inputs } = aSweeper();
    grant();
    await pass(LEASE_MS + 5_000);
    expect(inputs).toMatchObject([{ kind: 'lease-expired', counts: true }]);
  });

  it('takes it back when the worker has spoken before it is decided', async () => {
    const { grant, pass, areOver, leases, now } = aSweeper();
    grant();
    await pass(LEASE_MS);
    expect(areOver.map((isOver) => isOver())).toEqual([false]);
    leases.renew('p1', 1, 1, now.ms);
    expect(areOver.map((isOver) => isOver())).toEqual([true]);
  });

  it('gives everybody a full term after it stood still for half of one, however short that is', async () => {
    const { grant, pass, inputs, now } = aSweeper();
    grant();
    await pass(LEASE_MS - 1_000);
    now.ms += LEASE_MS / 2;
    await pass(LEASE_MS - 1_000);
    expect(inputs).toEqual([]);
    await pass(2_000);
    expect(inputs).toMatchObject([{ kind: 'lease-expired', counts: false }]);
  });

  it('does not take a broker that is slow to answer for having stood still', async () => {
    const { sweeper, grant, inputs, now, gate, timers } = aSweeper();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate.wait = promise;
    sweeper.start();
    grant();
    const slow = sweeper.sweep();
    // The sweep waits for longer than a lease; the process runs.
    for (; now.ms < LEASE_MS + 1_000; now.ms += 1_000) timers.run();
    gate.wait = Promise.resolve();
    resolve();
    await slow;
    await sweeper.sweep();
    expect(inputs).toMatchObject([{ kind: 'lease-expired', counts: true }]);
    await sweeper.stop();
  });

  it('takes nobody’s silence for his own while the bus is away', async () => {
    const { grant, pass, inputs, facts } = aSweeper();
    grant();
    facts.hears = false;
    await pass(60_000);
    facts.hears = true;
    await pass(LEASE_MS - 1_000);
    expect(inputs).toEqual([]);
    await pass(1_000);
    expect(inputs).toMatchObject([{ kind: 'lease-expired', counts: false }]);
  });

  it('judges nobody and repairs nothing while another replica may be deciding', async () => {
    const { grant, pass, inputs, facts, gate } = aSweeper();
    grant();
    facts.isSure = false;
    await pass(2 * LEASE_MS);
    expect(inputs).toEqual([]);
    expect(gate.sweeps).toBe(0);
  });

  it('sweeps once more, not a hundred times, for a hundred hints in the middle of a sweep', async () => {
    const { sweeper, gate } = aSweeper();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate.wait = promise;
    sweeper.start();
    const sweeps = Array.from({ length: 100 }, () => sweeper.sweep());
    resolve();
    await Promise.all(sweeps);
    expect(gate.sweeps).toBe(2);
    await sweeper.stop();
  });
});
