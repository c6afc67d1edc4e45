import { BusUnavailableError, MessageTooLargeError, type DeadLetter } from '#bus';
import { evolve, initialPlanState, type PlanEvent, type PlanState } from '#domain';
import { silentLogger } from '#telemetry';
import { aPlan, aStep, eventually } from '#testing';
import { DeadLetterCopies } from './dead-letter-copies.ts';

const AT = Date.parse('2026-11-21T00:00:00.000Z');
const BY = { name: 'me', via: 'cli' };
const REASON = { code: 'leases-used-up', message: 'its worker was lost 3 times' };

/** A plan of `size` steps, all of them poisoned in one commit. */
function poisoned(planId: string, size: number): { plan: PlanState; events: PlanEvent[] } {
  const steps = Array.from({ length: size }, (_, ordinal) => ({
    ordinal,
    name: `a${ordinal}`,
    kind: 'noop' as const,
    definition: ordinal,
    matrix: null,
  }));
  const definition = aPlan({ steps: steps.map(({ name }) => aStep({ name })) });
  const events = steps.map(({ ordinal }): PlanEvent => {
    return { type: 'step.poisoned', data: { ordinal, epoch: 1, reason: REASON } };
  });
  const plan = initialPlanState(planId);
  const all: PlanEvent[] = [
    {
      type: 'plan.submitted',
      data: { tenant: 'local', definition, digest: 'd', idempotencyKey: 'k', by: BY, traceparent: null },
    },
    { type: 'plan.expanded', data: { baseSha: null, steps, texts: {} } },
    ...steps.map(({ ordinal }): PlanEvent => ({ type: 'step.admitted', data: { ordinal, epoch: 1 } })),
    ...events,
  ];
  for (const event of all) evolve(plan, event, AT);
  return { plan, events };
}

/** The stream and the ledger, with what was asked of them; time goes by as soon as somebody waits. */
function aFleet(o: { lettersMax?: number } = {}) {
  const facts = {
    away: false,
    tooLarge: '',
    isUncommitted: false,
    pauses: [] as number[],
    reads: 0,
    readsAtOnce: 0,
    readsAtOnceMax: 0,
    asked: 0,
    stream: new Map<string, { planId: string; ordinal: number; payload: { epoch: number; step: string } }>(),
  };
  const copies = new DeadLetterCopies({
    ...o,
    ledger: {
      read: async () => {
        facts.reads += 1;
        facts.readsAtOnceMax = Math.max(facts.readsAtOnceMax, ++facts.readsAtOnce);
        await new Promise((resolve) => setImmediate(resolve));
        facts.readsAtOnce -= 1;
        return [];
      },
    },
    letters: {
      get: (planId, ordinal) => {
        facts.asked += 1;
        const known = facts.stream.get(`${planId}-${ordinal}-1`);
        return Promise.resolve((known ?? null) as DeadLetter | null);
      },
      publish: (planId, ordinal, payload, id) => {
        if (facts.away) return Promise.reject(new BusUnavailableError('publish a dead letter'));
        if (facts.tooLarge === id) return Promise.reject(new MessageTooLargeError('dead', 2, 1));
        facts.stream.set(id!, { planId, ordinal, payload: payload as { epoch: number; step: string } });
        return Promise.resolve();
      },
    },
    clock: {
      schedule: (ms, task) => {
        facts.pauses.push(ms);
        const timer = setImmediate(task);
        return () => clearImmediate(timer);
      },
    },
    log: silentLogger,
    isUncommitted: () => facts.isUncommitted,
    jobFacts: () => ({ trusted: false, traceparent: null, maxSteps: 10 }),
  });
  const have = (size: number) =>
    eventually(() => Promise.resolve(facts.stream.size === size), { what: `${size} copies` });
  return { copies, facts, have };
}

describe('copies of dead letters', () => {
  it('of 500 steps that one commit poisoned cost one read of the ledger', async () => {
    const { copies, facts, have } = aFleet();
    const { plan, events } = poisoned('plan00000001', 500);
    copies.follow(plan, events);
    await have(500);
    expect(facts).toMatchObject({ reads: 1, asked: 0 });
    expect(facts.stream.get('plan00000001-499-1')).toMatchObject({ payload: { step: 's499', epoch: 1 } });
  });

  it('of 500 plans are read up one after the other, beside whatever the ledger is for', async () => {
    const { copies, facts, have } = aFleet();
    for (let index = 0; index < 500; index++) {
      const { plan, events } = poisoned(`plan${String(index).padStart(8, '0')}`, 1);
      copies.follow(plan, events);
    }
    await have(500);
    expect(facts).toMatchObject({ reads: 500, readsAtOnceMax: 1 });
  });

  it('wait for a broker that is away, longer and longer, and are made when it is back', async () => {
    const { copies, facts, have } = aFleet();
    const { plan, events } = poisoned('plan00000001', 3);
    facts.away = true;
    copies.follow(plan, events);
    await eventually(() => Promise.resolve(facts.pauses.length > 8), { what: 'many pauses' });
    expect(facts.pauses.slice(0, 7)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(facts.stream.size).toBe(0);
    facts.away = false;
    await have(3);
  });

  it('are made of what is poisoned in a plan that was read again, but for those that are there', async () => {
    const first = aFleet();
    const { plan, events } = poisoned('plan00000001', 3);
    first.copies.follow(plan, events.slice(0, 1));
    await first.have(1);
    const next = aFleet();
    for (const [id, letter] of first.facts.stream) next.facts.stream.set(id, letter);
    next.copies.resume(plan);
    await next.have(3);
    next.copies.resume(plan);
    await eventually(() => Promise.resolve(next.facts.asked === 6), { what: 'the stream to be asked' });
    expect(next.facts.reads).toBe(1);
  });

  it('are not made of what the ledger may not have', async () => {
    const { copies, facts, have } = aFleet();
    const { plan, events } = poisoned('plan00000001', 2);
    facts.isUncommitted = true;
    copies.follow(plan, events);
    await eventually(() => Promise.resolve(facts.pauses.length > 3), { what: 'some pauses' });
    expect(facts).toMatchObject({ reads: 0, stream: new Map() });
    facts.isUncommitted = false;
    await have(2);
  });

  it('are given up when the server takes none of that size, and keep no other waiting', async () => {
    const { copies, facts, have } = aFleet();
    const { plan, events } = poisoned('plan00000001', 3);
    facts.tooLarge = 'plan00000001-0-1';
    copies.follow(plan, events);
    await have(2);
    expect(facts.pauses).toEqual([]);
  });

  it('wait in a bounded number: the oldest go, as they would from the stream', async () => {
    const { copies, facts, have } = aFleet({ lettersMax: 5 });
    const { plan, events } = poisoned('plan00000001', 8);
    facts.away = true;
    copies.follow(plan, events);
    facts.away = false;
    await have(5);
    expect([...facts.stream.values()].map(({ ordinal }) => ordinal)).toEqual([3, 4, 5, 6, 7]);
  });

  it('end with the term', async () => {
    const { copies, facts } = aFleet();
    const { plan, events } = poisoned('plan00000001', 1);
    facts.away = true;
    copies.follow(plan, events);
    await eventually(() => Promise.resolve(facts.pauses.length > 0), { what: 'a pause' });
    copies.stop();
    facts.away = false;
    const pauses = facts.pauses.length;
    copies.follow(plan, events);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(facts.stream.size).toBe(0);
    expect(facts.pauses.length).toBeLessThanOrEqual(pauses + 1);
  });
});
