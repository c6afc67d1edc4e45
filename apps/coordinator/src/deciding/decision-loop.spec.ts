import { Fleet, type PlanEvent, type PlanInput, type StepDefinition } from '#domain';
import { EMPTY_HEAD, InMemoryLedger, verifyChain } from '#ledger';
import { silentLogger } from '#telemetry';
import { aPlan, aStep as aStepWith } from '#testing';
import { systemClock, type Clock } from './clock.ts';
import { DecisionLoop, type Committed, type DecisionLoopOptions } from './decision-loop.ts';
import { FleetLimits } from './fleet-limits.ts';
import { OpenPlans } from './open-plans.ts';

const NOW = 1_800_000_000_000;
const clock: Clock = { ...systemClock, now: () => NOW, monotonic: () => 0 };
const PLAN = 'plan00000001';

function aStep(name: string, needs: string[] = []): StepDefinition {
  return aStepWith({ name, needs });
}

function submission(steps: StepDefinition[], digest = 'd1'): PlanInput {
  const definition = aPlan({ steps });
  const by = { name: 'me', via: 'cli' };
  return {
    kind: 'submit',
    submission: { tenant: 'local', definition, digest, idempotencyKey: 'k', by, traceparent: null },
  };
}

function passed(ordinal: number): PlanInput {
  const lease = { ordinal, epoch: 1, worker: 'w1', tokenDigest: 't' };
  return { kind: 'passed', lease, commit: null, outputs: {}, resolved: null, candidate: null };
}

/** One decider's memory over a ledger that several of them may share. */
async function aLoop(ledger: InMemoryLedger, rest: Partial<DecisionLoopOptions> = {}) {
  const fleet = new Fleet({ fleet: null, pools: {}, openSteps: 5 });
  const reread: string[] = [];
  const plans = new OpenPlans(ledger, fleet, { onRead: (plan) => reread.push(plan.planId) });
  await plans.recover();
  const effects: PlanEvent[] = [];
  const deposed: true[] = [];
  const { term } = (await ledger.terms.campaign('spec'))!;
  const isOpen = (planId: string) => plans.cached(planId) !== undefined;
  const changes: true[] = [];
  const onChanged = () => changes.push(true);
  const limits = new FleetLimits({ term, ledger, fleet, log: silentLogger, isOpen, onChanged });
  const loop = new DecisionLoop({
    term,
    ledger,
    plans,
    fleet,
    limits,
    slots: () => new Map([['default', 4]]),
    clock,
    log: silentLogger,
    onCommitted: (committed: Committed[]) => effects.push(...committed.flatMap(({ events }) => events)),
    onDeposed: () => deposed.push(true),
    ...rest,
  });
  loop.start();
  return { loop, effects, deposed, plans, fleet, reread, limits, changes };
}

async function types(ledger: InMemoryLedger, planId = PLAN): Promise<string[]> {
  const events = await ledger.read(planId, 0, 1_000);
  expect(verifyChain(planId, events).ok).toBe(true);
  return events.map(({ event }) => event.type);
}

describe('the decision loop', () => {
  let ledger: InMemoryLedger;
  const running: DecisionLoop[] = [];

  beforeEach(() => {
    ledger = new InMemoryLedger();
  });

  afterEach(async () => {
    for (const loop of running.splice(0)) await loop.stop();
  });

  async function start(rest: Partial<DecisionLoopOptions> = {}) {
    const one = await aLoop(ledger, rest);
    running.push(one.loop);
    return one;
  }

  it('records an outcome and the admissions that follow from it with one commit', async () => {
    const { loop } = await start();
    await loop.submit(PLAN, submission([aStep('a'), aStep('b', ['a'])]), null);
    await loop.submit(PLAN, passed(0), null);
    expect(await types(ledger)).toEqual([
      'plan.submitted',
      'plan.expanded',
      'step.admitted',
      'step.passed',
      'step.admitted',
    ]);
  });

  it('records with each event the trace of the message that caused it, also when several share a commit', async () => {
    const { loop } = await start();
    await loop.submit(PLAN, submission([aStep('a'), aStep('b'), aStep('c', ['b'])]), 'submission');
    await Promise.all([loop.submit(PLAN, passed(0), 'lease a'), loop.submit(PLAN, passed(1), 'lease b')]);
    const events = await ledger.read(PLAN, 0, 100);
    expect(events.map(({ event, traceparent }) => [event.type, traceparent])).toEqual([
      ['plan.submitted', 'submission'],
      ['plan.expanded', 'submission'],
      ['step.admitted', 'submission'],
      ['step.admitted', 'submission'],
      ['step.passed', 'lease a'],
      ['step.passed', 'lease b'],
      ['step.admitted', 'lease b'],
    ]);
    expect(verifyChain(PLAN, events).ok).toBe(true);
  });

  it('keeps to the quota of a tenant within one turn, and takes what is sent again', async () => {
    const { loop } = await start();
    const three = [aStep('a'), aStep('b', ['a']), aStep('c', ['a'])];
    const send = (planId: string, steps = three) => loop.submit(planId, submission(steps), null);
    const replies = await Promise.all([send(PLAN), send('plan00000002'), send(PLAN)]);
    expect(replies).toMatchObject([
      { status: 'applied', next: 'continue' },
      { status: 'refused', code: 'quota-used-up' },
      { status: 'applied', next: 'stop' },
    ]);
    expect(await types(ledger, 'plan00000002')).toEqual([]);
    await loop.submit(PLAN, passed(0), null);
    expect(await send('plan00000003')).toMatchObject({ status: 'applied' });
    expect(await send('plan00000004')).toMatchObject({ status: 'refused', code: 'quota-used-up' });
    // Another decider knows of them from the ledger only.
    await ledger.terms.resign((await ledger.terms.current()).term);
    const { loop: next } = await start();
    expect(await next.submit('plan00000004', submission(three), null)).toMatchObject({ status: 'refused' });
    expect(await next.submit(PLAN, submission(three), null)).toMatchObject({
      status: 'applied',
      next: 'stop',
    });
  });

  it('starts no effect and answers nobody before the commit', async () => {
    const { loop, effects } = await start();
    ledger.failNextAppend({ outcome: 'nothing-written' });
    const answered = loop.submit(PLAN, submission([aStep('a')]), null);
    await new Promise((resolve) => setImmediate(resolve));
    expect(effects).toEqual([]);
    await answered;
    expect(effects.map(({ type }) => type)).toEqual(['plan.submitted', 'plan.expanded', 'step.admitted']);
  });

  it.each([
    ['was written', true],
    ['was not written', false],
  ])(
    'decides anew when a commit with unknown outcome %s, and records nothing twice',
    async (_how, written) => {
      const { loop } = await start();
      await loop.submit(PLAN, submission([aStep('a'), aStep('b', ['a'])]), null);
      ledger.failNextAppend({ outcome: 'unknown', written });
      expect(await loop.submit(PLAN, passed(0), null)).toEqual({ status: 'applied', next: 'stop' });
      expect((await types(ledger)).filter((type) => type === 'step.passed')).toHaveLength(1);
      expect((await types(ledger)).filter((type) => type === 'step.admitted')).toHaveLength(2);
    },
  );

  it('hands on what was committed with an unknown outcome, though nobody was told of its events', async () => {
    const { loop, effects, reread } = await start();
    ledger.failNextAppend({ outcome: 'unknown', written: true });
    await loop.submit(PLAN, submission([aStep('a')]), null);
    expect(await types(ledger)).toContain('step.admitted');
    expect(effects).toEqual([]);
    expect(reread).toEqual([PLAN]);
  });

  it('decides nothing upon what is over by the time its turn has come', async () => {
    const { loop } = await start();
    await loop.submit(PLAN, submission([aStep('a')]), null);
    const before = await types(ledger);
    expect(await loop.submit(PLAN, passed(0), null, () => true)).toEqual({ status: 'applied', next: 'stop' });
    expect(await types(ledger)).toEqual(before);
  });

  it('does not show to heartbeats what is not committed', async () => {
    const { loop } = await start();
    await loop.submit(PLAN, submission([aStep('a'), aStep('b')]), null);
    const commit = Promise.withResolvers<void>();
    const appendAll = ledger.appendAll.bind(ledger);
    ledger.appendAll = async (term, appends) => {
      await commit.promise;
      return appendAll(term, appends);
    };
    expect(loop.isUncommitted(PLAN)).toBe(false);
    const answered = loop.submit(PLAN, passed(0), null);
    await new Promise((resolve) => setImmediate(resolve));
    expect(loop.isUncommitted(PLAN)).toBe(true);
    commit.resolve();
    await answered;
    await new Promise((resolve) => setImmediate(resolve));
    expect(loop.isUncommitted(PLAN)).toBe(false);
  });

  it('answers what is committed, also when its effects cannot be started', async () => {
    const onCommitted = () => {
      throw new Error('a defect');
    };
    const { loop } = await start({ onCommitted });
    expect(await loop.submit(PLAN, submission([aStep('a')]), null)).toMatchObject({ status: 'applied' });
    expect(await loop.submit(PLAN, passed(0), null)).toEqual({ status: 'applied', next: 'stop' });
  });

  it('keeps the caps exact in a turn in which a plan fails', async () => {
    const { loop, fleet } = await start({ slots: () => new Map([['default', 1]]) });
    await loop.submit(PLAN, submission([aStep('a'), aStep('b'), aStep('c')]), null);
    const broken = { kind: 'blocked' } as unknown as PlanInput;
    const other = 'plan00000002';
    await Promise.allSettled([
      loop.submit(PLAN, broken, null),
      loop.submit(other, submission([aStep('x'), aStep('y')]), null),
    ]);
    expect(fleet.stepsInFlight).toBe(2);
    expect(await types(ledger, other)).not.toContain('step.admitted');
  });

  it('lets a plan that cannot be read stand still, and goes on with the others', async () => {
    const { loop } = await start();
    const other = 'plan00000002';
    await loop.submit(PLAN, submission([aStep('a')]), null);
    await loop.submit(other, submission([aStep('a')]), null);
    await loop.stop();
    const read = ledger.read.bind(ledger);
    ledger.read = async (planId, afterSeq, limit) => {
      if (planId === PLAN) throw new SyntaxError('no event');
      return read(planId, afterSeq, limit);
    };
    await ledger.terms.resign((await ledger.terms.current()).term);
    const second = await start();
    await expect(second.loop.submit(PLAN, passed(0), null)).rejects.toMatchObject({
      code: 'decision-failed',
    });
    expect(await second.loop.submit(other, passed(0), null)).toEqual({ status: 'applied', next: 'stop' });
  });

  it('does not read a closed plan anew for each message that comes late', async () => {
    const { loop } = await start();
    await loop.submit(PLAN, submission([aStep('a')]), null);
    await loop.submit(PLAN, passed(0), null);
    let reads = 0;
    const read = ledger.read.bind(ledger);
    ledger.read = async (planId, afterSeq, limit) => {
      reads += 1;
      return read(planId, afterSeq, limit);
    };
    for (let i = 0; i < 20; i += 1)
      expect(await loop.submit(PLAN, passed(0), null)).toEqual({ status: 'applied', next: 'stop' });
    expect(reads).toBe(0);
  });

  it('finds a plan that is submitted again after it has ended, and keeps it as it was', async () => {
    const { loop } = await start();
    await loop.submit(PLAN, submission([aStep('a')]), null);
    await loop.submit(PLAN, passed(0), null);
    const before = await types(ledger);
    expect(before.at(-1)).toBe('plan.closed');
    expect(await loop.submit(PLAN, submission([aStep('a')]), null)).toEqual({
      status: 'applied',
      next: 'stop',
    });
    expect(await loop.submit(PLAN, submission([aStep('x')], 'd2'), null)).toMatchObject({
      code: 'idempotency-key-reused',
    });
    expect(await types(ledger)).toEqual(before);
  });

  it('keeps a closed plan as it was when it is submitted again in one turn with a late message', async () => {
    const { loop } = await start();
    await loop.submit(PLAN, submission([aStep('a')]), null);
    await loop.submit(PLAN, passed(0), null);
    const before = await types(ledger);
    const replies = await Promise.all([
      loop.submit(PLAN, passed(0), null),
      loop.submit(PLAN, submission([aStep('a')]), null),
    ]);
    expect(replies).toEqual([
      { status: 'applied', next: 'stop' },
      { status: 'applied', next: 'stop' },
    ]);
    expect(await types(ledger)).toEqual(before);
  });

  it('throws its state away after a conflict, and decides on what the ledger says', async () => {
    const { loop } = await start();
    await loop.submit(PLAN, submission([aStep('a'), aStep('b')]), null);
    const head = await ledger.head(PLAN);
    const term = (await ledger.terms.current()).term;
    const data = { ordinal: 0, epoch: 1, worker: 'w9', tokenDigest: 'other' };
    const events: PlanEvent[] = [{ type: 'lease.granted', data }];
    const at = new Date(NOW).toISOString();
    await ledger.appendAll(term, [{ planId: PLAN, expected: head, at, traceparent: null, events }]);
    expect(await loop.submit(PLAN, passed(0), null)).toMatchObject({
      status: 'lost',
      reason: expect.stringContaining('w9'),
    });
  });

  it('stops for good when another decider has begun a term, and appends nothing', async () => {
    const { loop, deposed } = await start();
    await loop.submit(PLAN, submission([aStep('a')]), null);
    const before = await types(ledger);
    await ledger.terms.resign((await ledger.terms.current()).term);
    await ledger.terms.campaign('another');
    await expect(loop.submit(PLAN, passed(0), null)).rejects.toMatchObject({ code: 'not-decider' });
    expect(deposed).toEqual([true]);
    await expect(loop.submit(PLAN, passed(0), null)).rejects.toMatchObject({ code: 'not-decider' });
    expect(await types(ledger)).toEqual(before);
  });

  it('refuses new inputs when too many wait, instead of growing', async () => {
    const { loop } = await start({ maxWaiting: 2 });
    const submissions = ['plan0000000a', 'plan0000000b', 'plan0000000c'].map((planId) =>
      loop.submit(planId, submission([aStep('a')]), null),
    );
    await expect(submissions[2]).rejects.toMatchObject({ code: 'decider-busy' });
    await Promise.all(submissions.slice(0, 2));
    expect(await ledger.head('plan0000000c')).toEqual(EMPTY_HEAD);
  });

  it('lets one plan’s defect harm no other plan of the same turn', async () => {
    const { loop } = await start();
    await loop.submit(PLAN, submission([aStep('a'), aStep('b')]), null);
    const broken = { kind: 'blocked' } as unknown as PlanInput;
    const other = 'plan00000002';
    const outcomes = await Promise.allSettled([
      loop.submit(PLAN, passed(0), null),
      loop.submit(PLAN, broken, null),
      loop.submit(other, submission([aStep('a')]), null),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await types(ledger)).filter((type) => type === 'step.passed')).toHaveLength(1);
    expect(await types(ledger, other)).toContain('step.admitted');
  });

  it('goes on in another term from the ledger alone', async () => {
    const first = await start();
    await first.loop.submit(PLAN, submission([aStep('a'), aStep('b', ['a'])]), null);
    await first.loop.stop();
    await ledger.terms.resign((await ledger.terms.current()).term);
    const second = await start();
    expect(await second.loop.submit(PLAN, passed(0), null)).toEqual({ status: 'applied', next: 'stop' });
    expect((await types(ledger)).at(-1)).toBe('step.admitted');
  });
});
