import type { Bus } from '#bus';
import { Subjects, celExpressions } from '#contracts';
import { FLEET_STREAM, type PlanEvent } from '#domain';
import { EMPTY_HEAD, InMemoryLedger } from '#ledger';
import { silentLogger } from '#telemetry';
import { aPlan, aStep } from '#testing';
import type { Clock } from './clock.ts';
import { Decider } from './decider.ts';

const NOW = 1_800_000_000_000;
const PLAN = 'plan00000001';

/** A clock that only moves when it is told to. */
class HeldClock implements Clock {
  private timers: { at: number; task: () => void }[] = [];
  private ms = 0;

  now = (): number => NOW + this.ms;
  monotonic = (): number => this.ms;
  nowMs = this.monotonic;
  dateMs = this.now;

  schedule = (delayMs: number, task: () => void): (() => void) => {
    const timer = { at: this.ms + delayMs, task };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((other) => other !== timer));
  };

  async pass(ms: number): Promise<void> {
    for (const until = this.ms + ms; ;) {
      const due = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      this.ms = due?.at ?? until;
      this.timers = this.timers.filter((timer) => timer !== due);
      due?.task();
      await new Promise((resolve) => setImmediate(resolve));
      if (!due) return;
    }
  }
}

/** NATS with a JetStream that can be away while the connection stands. */
function aBus(clock: HeldClock) {
  const facts = {
    away: false,
    jobs: [] as string[],
    queued: [] as string[],
    purged: [] as string[],
    reconnect: (): void => undefined,
    /** A worker's message to the decider. */
    tell: (_verb: string, _body: object): void => undefined,
    answers: [] as unknown[],
  };
  const answer = <T>(value: T): Promise<T> =>
    facts.away ? Promise.reject(new Error('timeout')) : Promise.resolve(value);
  const subjects = new Subjects('spec');
  const bus = {
    namespace: 'spec',
    clock,
    random: () => 0.5,
    log: silentLogger,
    connected: true,
    subjects,
    onStatus: (listener: (status: string) => void) => {
      facts.reconnect = () => listener('reconnected');
      return () => undefined;
    },
    publish: () => true,
    encode: (_subject: string, body: unknown) => JSON.stringify(body),
    nc: {
      subscribe: (subject: string, { callback }: { callback: (error: null, message: object) => void }) => {
        if (subject.startsWith('spec.decider.'))
          facts.tell = (verb, body) =>
            callback(null, { subject: subject.replace('*', verb), reply: 'asker', json: () => body });
        return { unsubscribe: () => undefined, isClosed: () => false };
      },
      publish: (_subject: string, text: string) => facts.answers.push(JSON.parse(text)),
      request: async (subject: string) => {
        facts.jobs.push(subject);
        return { json: () => ({ stream: 'spec', seq: facts.jobs.length }) };
      },
    },
    jsm: {
      streams: {
        async *list() {
          const config = {
            name: 'spec-jobs-g1',
            metadata: { 'skein-namespace': 'spec', 'skein-format': '1' },
          };
          yield await answer({ config });
        },
        info: () => answer({ state: { subjects: Object.fromEntries(facts.queued.map((job) => [job, 1])) } }),
        purge: (_stream: string, { filter }: { filter: string }) => {
          facts.purged.push(filter);
          return answer({ purged: 1 });
        },
      },
      consumers: { add: () => answer({}) },
    },
  };
  return { bus: bus as unknown as Bus, facts };
}

/** A plan whose only step was admitted in an earlier term. */
async function admitted(): Promise<InMemoryLedger> {
  const ledger = new InMemoryLedger();
  await ledger.terms.campaign('before');
  const definition = aPlan({ steps: [aStep({ name: 'a' })] });
  const by = { name: 'me', via: 'cli' };
  const instance = { ordinal: 0, name: 'a', kind: 'noop' as const, definition: 0, matrix: null };
  const events: PlanEvent[] = [
    {
      type: 'plan.submitted',
      data: { tenant: 'local', definition, digest: 'd', idempotencyKey: 'k', by, traceparent: null },
    },
    { type: 'plan.expanded', data: { baseSha: null, steps: [instance], texts: {} } },
    { type: 'step.admitted', data: { ordinal: 0, epoch: 1 } },
  ];
  const at = new Date(NOW).toISOString();
  await ledger.appendAll(1, [{ planId: PLAN, expected: EMPTY_HEAD, at, traceparent: null, events }]);
  await ledger.terms.resign(1);
  return ledger;
}

async function aDecider(given?: InMemoryLedger) {
  const ledger = given ?? (await admitted());
  const clock = new HeldClock();
  const { bus, facts } = aBus(clock);
  const { term } = (await ledger.terms.campaign('now'))!;
  const sure = { is: true };
  const decider = new Decider(
    term,
    {
      name: 'now',
      ledger,
      bus,
      clock,
      log: silentLogger,
      caps: { fleet: null, pools: {} },
      expressions: celExpressions,
      pools: [],
      leaseMs: 10_000,
      claimTimeoutMs: 60_000,
      maxSteps: 10,
      trustedTenants: [],
      isSure: () => sure.is,
      page: () => Promise.resolve(''),
      onCommand: () => Promise.resolve(null),
      onCommitted: () => undefined,
    },
    () => undefined,
  );
  return { decider, clock, facts, sure };
}

const JOB = new Subjects('spec').job({ pool: 'default', planId: PLAN, ordinal: 0, epoch: 1 });

describe('a term that begins while JetStream is away', () => {
  it('publishes what was admitted before it as soon as there is a queue', async () => {
    const { decider, clock, facts } = await aDecider();
    facts.away = true;
    await decider.start();
    await clock.pass(10_000);
    expect(facts.jobs).toEqual([]);
    facts.away = false;
    await clock.pass(5_000);
    expect(facts.jobs).toEqual([JOB]);
    await decider.stop();
  });
});

describe('a decider that comes back to the queue', () => {
  it('purges the jobs of plans that are over, and publishes those that are not', async () => {
    const { decider, clock, facts } = await aDecider();
    await decider.start();
    facts.queued = [JOB, 'spec.jobs.v1.default.plan0000gone.s3.1'];
    facts.reconnect();
    await clock.pass(100);
    expect(facts.jobs).toEqual([JOB, JOB]);
    expect(facts.purged).toEqual(['spec.jobs.*.*.plan0000gone.>']);
    await decider.stop();
  });

  it('does nothing more when it was stopped while the broker was asked', async () => {
    const { decider, clock, facts } = await aDecider();
    await decider.start();
    facts.reconnect();
    const stopped = decider.stop();
    await clock.pass(5_000);
    await stopped;
    expect(facts.jobs).toEqual([JOB]);
  });

  it('leaves it alone while its term may be over: neither old jobs are published nor new ones purged', async () => {
    const { decider, clock, facts, sure } = await aDecider();
    await decider.start();
    sure.is = false;
    facts.queued = ['spec.jobs.v1.default.plan00000new.s0.1'];
    facts.reconnect();
    await clock.pass(10_000);
    expect(facts.jobs).toEqual([JOB]);
    expect(facts.purged).toEqual([]);
    sure.is = true;
    await clock.pass(5_000);
    expect(facts.jobs).toEqual([JOB, JOB]);
    expect(facts.purged).toEqual(['spec.jobs.*.*.plan00000new.>']);
    await decider.stop();
  });
});

describe('a lease of an epoch that a decider has never given out', () => {
  const lease = { planId: PLAN, ordinal: 0, epoch: 2, worker: 'w1', token: 'a'.repeat(32) };

  it('is lost, if the decider is sure of its term', async () => {
    const { decider, clock, facts } = await aDecider();
    await decider.start();
    facts.tell('claim', { lease });
    await clock.pass(100);
    expect(facts.answers).toMatchObject([{ status: 'lost' }]);
    await decider.stop();
  });

  it('is for somebody else to judge while the term may be over: the next decider has given it out', async () => {
    const { decider, clock, facts, sure } = await aDecider();
    await decider.start();
    sure.is = false;
    facts.tell('claim', { lease });
    await clock.pass(100);
    expect(facts.answers).toEqual([{ status: 'later' }]);
    await decider.stop();
  });

  it('is not taken from its worker by a heartbeat either, unless the decider is sure', async () => {
    const { decider, clock, facts, sure } = await aDecider();
    await decider.start();
    const { worker, ...held } = lease;
    const heartbeat = { worker, pools: ['default'], slots: 1, draining: false, leases: [held] };
    sure.is = false;
    facts.tell('heartbeat', heartbeat);
    await clock.pass(100);
    sure.is = true;
    facts.tell('heartbeat', heartbeat);
    await clock.pass(100);
    expect(facts.answers).toMatchObject([
      { lost: [], unsure: [{ planId: PLAN, ordinal: 0, epoch: 2 }] },
      { lost: [{ epoch: 2, reason: 'its epoch is over' }] },
    ]);
    await decider.stop();
  });
});

describe('a plan that nobody can make a state of', () => {
  it('keeps the limits that were changed for it, whatever else is changed meanwhile', async () => {
    const ledger = await admitted();
    const by = { name: 'ann', via: 'cli' };
    const asked = (limits: Record<string, number | null>) => ({ by, why: null, limits, expectedSeq: null });
    const first = await aDecider(ledger);
    await first.decider.start();
    await first.decider.changeLimits(asked({ [`plan:${PLAN}`]: 2, [`priority:${PLAN}`]: 3 }), null);
    await first.decider.stop();
    await ledger.terms.resign(first.decider.term);

    const read = ledger.read.bind(ledger);
    ledger.read = (planId, afterSeq, limit) =>
      planId === PLAN ? Promise.reject(new Error('an event of tomorrow')) : read(planId, afterSeq, limit);
    const second = await aDecider(ledger);
    await second.decider.start();
    await second.decider.changeLimits(asked({ fleet: 5 }), null);
    await second.decider.stop();
    const events = await ledger.read(FLEET_STREAM, 0, 10);
    expect(events.map(({ event }) => event)).toMatchObject([
      { data: { limits: { [`plan:${PLAN}`]: 2, [`priority:${PLAN}`]: 3 } } },
      { data: { limits: { fleet: 5 } } },
    ]);
    expect(second.decider.limits.changed(`plan:${PLAN}`)).toMatchObject({ value: 2 });
  });
});
