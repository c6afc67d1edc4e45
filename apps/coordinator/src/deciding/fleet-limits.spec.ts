import { FLEET_STREAM, Fleet, type LimitsInput, type PlanInput, type PlanState } from '#domain';
import {
  EMPTY_HEAD,
  InMemoryLedger,
  InMemoryTerms,
  LedgerUnavailableError,
  verifyChain,
  type Append,
  type LedgerEvent,
} from '#ledger';
import { silentLogger } from '#telemetry';
import { aPlan, aStep, eventually } from '#testing';
import { systemClock } from './clock.ts';
import { DecisionLoop } from './decision-loop.ts';
import { FleetLimits } from './fleet-limits.ts';
import { limitsReport } from './limits-report.ts';
import { OpenPlans } from './open-plans.ts';

const by = { name: 'ann', via: 'cli' };
const PLAN = 'plan00000001';

function asked(limits: LimitsInput['limits'], rest: Partial<LimitsInput> = {}): LimitsInput {
  return { by, why: 'a deploy', limits, expectedSeq: null, ...rest };
}

function submission(steps: number, maxParallel: number | null = null): PlanInput {
  const values = Array.from({ length: steps }, (_, index) => String(index));
  const definition = aPlan({ maxParallel, steps: [aStep({ matrix: { kind: 'list', values } })] });
  const given = { tenant: 'acme', definition, digest: 'd', idempotencyKey: 'k', by, traceparent: null };
  return { kind: 'submit', submission: given };
}

/** A result as the first message of its lease. */
function passed(plan: PlanState, ordinal: number): PlanInput {
  const lease = { ordinal, epoch: plan.steps[ordinal]!.epoch, worker: 'w', tokenDigest: 't' };
  return { kind: 'passed', lease, commit: null, outputs: {}, resolved: null, candidate: null };
}

describe('limits that are changed while the fleet runs', () => {
  let ledger: InMemoryLedger;
  let nowMs = 0;
  const running: DecisionLoop[] = [];

  beforeEach(() => {
    ledger = new InMemoryLedger({ terms: new InMemoryTerms({ now: () => nowMs }) });
  });

  afterEach(async () => {
    for (const loop of running.splice(0)) await loop.stop();
  });

  /** A decider's term: nothing is known but what the ledger says. */
  async function aTerm() {
    const fleet = new Fleet({ fleet: 2, pools: {} });
    const plans = new OpenPlans(ledger, fleet);
    const { term } = (await ledger.terms.campaign('spec'))!;
    const log = silentLogger;
    const isOpen = (planId: string): boolean => plans.cached(planId) !== undefined;
    let told = 0;
    const onChanged = (): void => void (told += 1);
    const limits = new FleetLimits({ term, ledger, fleet, log, isOpen, onChanged });
    const slots = (): Map<string, number> => new Map([['default', 100]]);
    const quiet = { onCommitted: () => undefined, onDeposed: () => undefined };
    const loop = new DecisionLoop({
      term,
      ledger,
      plans,
      fleet,
      limits,
      slots,
      clock: systemClock,
      log,
      ...quiet,
    });
    running.push(loop);
    await plans.recover();
    await limits.settle(systemClock.now());
    loop.start();
    return { loop, plans, fleet, limits, told: () => told, plan: () => plans.cached(PLAN)! };
  }

  /** Without handing over: as if it had died. */
  async function dies(): Promise<void> {
    await running.splice(0)[0]?.stop();
    nowMs += 60_000;
  }

  it('are recorded before anything is admitted by them, and what waited goes on in the same turn', async () => {
    const { loop, fleet, told, plan } = await aTerm();
    await loop.submit(PLAN, submission(10), null);
    expect(fleet.stepsInFlight).toBe(2);
    const order: string[] = [];
    const appendAll = ledger.appendAll.bind(ledger);
    ledger.appendAll = (term: number, appends: Append<LedgerEvent>[]) => {
      order.push(...appends.flatMap(({ events }) => events.map(({ type }) => type)));
      return appendAll(term, appends);
    };
    const reply = await loop.changeLimits(asked({ fleet: 4 }), '00-trace');
    expect(reply).toEqual({ status: 'applied', seq: 1, changed: true });
    await eventually(() => fleet.stepsInFlight === 4, { what: 'two more' });
    expect(order).toEqual(['limits.changed', 'step.admitted', 'step.admitted']);
    expect([told(), plan().inFlight]).toEqual([1, 4]);
    const [recorded] = await ledger.read(FLEET_STREAM, 0, 10);
    expect(recorded).toMatchObject({
      seq: 1,
      traceparent: '00-trace',
      event: { type: 'limits.changed', data: { by, why: 'a deploy', limits: { fleet: 4 } } },
    });
  });

  it('kill nothing when they are lowered, and hold for the next decider, too', async () => {
    const first = await aTerm();
    await first.loop.submit(PLAN, submission(10), null);
    await first.loop.changeLimits(asked({ 'tenant:acme': 1 }), null);
    expect(first.plan().inFlight).toBe(2);
    await dies();

    const second = await aTerm();
    expect(second.plan().inFlight).toBe(2);
    for (const ordinal of [0, 1]) await second.loop.submit(PLAN, passed(second.plan(), ordinal), null);
    expect(second.plan().inFlight).toBe(1);
    await second.loop.changeLimits(asked({ 'tenant:acme': null }), null);
    await eventually(() => second.plan().inFlight === 2, { what: 'the settings to hold again' });
    const events = await ledger.read(FLEET_STREAM, 0, 10);
    expect(verifyChain(FLEET_STREAM, events)).toEqual({ ok: true, head: await ledger.head(FLEET_STREAM) });
  });

  it.each([true, false])(
    'are found out when the commit has an unknown outcome (written: %s)',
    async (written) => {
      const { loop, limits, plan } = await aTerm();
      await loop.submit(PLAN, submission(10), null);
      ledger.failNextAppend({ outcome: 'unknown', written });
      const reply = await loop.changeLimits(asked({ fleet: 5 }, { expectedSeq: 0 }), null);
      // Written already: it stands, and is not written again.
      expect(reply).toEqual({ status: 'applied', seq: 1, changed: !written });
      await eventually(() => plan().inFlight === 5, { what: 'what the new limit allows' });
      expect(limits.seq).toBe(1);
      expect((await ledger.head(FLEET_STREAM)).seq).toBe(1);
    },
  );

  it('admit nothing while it is not known whether they were recorded', async () => {
    const { loop, fleet } = await aTerm();
    await loop.submit(PLAN, submission(10), null);
    const read = ledger.read.bind(ledger);
    let away = true;
    ledger.read = (planId, afterSeq, limit) => {
      if (away && planId === FLEET_STREAM) throw new Error('the ledger is away');
      return read(planId, afterSeq, limit);
    };
    ledger.failNextAppend({ outcome: 'unknown', written: true });
    const changed = loop.changeLimits(asked({ fleet: 1 }), null);
    const result = loop.submit('plan00000002', submission(3), null);
    await eventually(async () => (await ledger.head(FLEET_STREAM)).seq === 1, { what: 'the commit' });
    expect(fleet.stepsInFlight).toBe(2);
    away = false;
    await expect(changed).resolves.toMatchObject({ status: 'applied' });
    await result;
    expect(fleet.stepsInFlight).toBe(2);
  });

  it('are refused to a decider whose term is over', async () => {
    const { loop } = await aTerm();
    nowMs += 60_000;
    await ledger.terms.campaign('another');
    await expect(loop.changeLimits(asked({ fleet: 5 }), null)).rejects.toMatchObject({ code: 'not-decider' });
    expect(await ledger.head(FLEET_STREAM)).toEqual(EMPTY_HEAD);
  });

  it('are not changed by more at once than can be held', async () => {
    const { limits } = await aTerm();
    const waiting = Array.from({ length: 101 }, () => limits.submit(asked({ fleet: 5 }), null));
    await expect(waiting[100]).rejects.toMatchObject({ code: 'decider-busy' });
    await limits.settle(systemClock.now());
    await Promise.all(waiting.slice(0, 100));
    expect(limits.seq).toBe(1);
  });

  it('are given up by all who wait for them after as many tries, while the ledger is away', async () => {
    const { limits } = await aTerm();
    const { read } = ledger;
    ledger.read = () => Promise.reject(new LedgerUnavailableError('nothing-written', null));
    ledger.failNextAppend({ outcome: 'unknown', written: false });
    const givenUp: unknown[] = [];
    for (const fleet of [5, 6, 7])
      limits
        .submit(asked({ fleet }), null)
        .catch(({ code }: { code: string }) => givenUp.push([fleet, code]));
    for (let tries = 0; tries < 19; tries += 1) await limits.settle(0).catch(() => undefined);
    expect(givenUp).toEqual([]);
    // One that came later has its own tries.
    const late = limits.submit(asked({ fleet: 8 }), null);
    late.catch(() => undefined);
    await limits.settle(0).catch(() => undefined);
    expect(givenUp).toEqual([5, 6, 7].map((fleet) => [fleet, 'ledger-down']));
    ledger.read = read;
    await limits.settle(0);
    await expect(late).resolves.toMatchObject({ status: 'applied', seq: 1 });
  });

  it('are told with who changed them, and with what is in use', async () => {
    const { loop, fleet, limits } = await aTerm();
    await loop.submit(PLAN, submission(10, 7), null);
    await loop.changeLimits(asked({ [`plan:${PLAN}`]: 1, 'weight:acme': 3 }), null);
    const { seq, limits: told } = limitsReport({ fleet, limits });
    const changed = { by, why: 'a deploy', at: expect.any(String) as string };
    expect([seq, told]).toEqual([
      1,
      [
        { key: 'fleet', kind: 'fleet', name: null, value: 2, from: 'settings', inUse: 2, changed: null },
        { key: `plan:${PLAN}`, kind: 'plan', name: PLAN, value: 1, from: 'changed', inUse: 2, changed },
        {
          key: 'pool:default',
          kind: 'pool',
          name: 'default',
          value: null,
          from: null,
          inUse: 2,
          changed: null,
        },
        {
          key: 'tenant:acme',
          kind: 'tenant',
          name: 'acme',
          value: null,
          from: null,
          inUse: 2,
          changed: null,
        },
        { key: 'weight:acme', kind: 'weight', name: 'acme', value: 3, from: 'changed', inUse: null, changed },
      ],
    ]);
  });
});
