import { Fleet, evolve, initialPlanState, type PlanInput, type PlanState } from '#domain';
import { InMemoryLedger, InMemoryTerms, LedgerUnavailableError } from '#ledger';
import { scrapeMetrics, silentLogger, startMetrics, type Metrics } from '#telemetry';
import { aPlan, aStep, eventually, Scrape } from '#testing';
import { systemClock } from '../deciding/clock.ts';
import type { Decider } from '../deciding/decider.ts';
import { DecisionLoop, type DecisionLoopOptions } from '../deciding/decision-loop.ts';
import { Elector } from '../deciding/elector.ts';
import { FleetLimits } from '../deciding/fleet-limits.ts';
import { LeaseTable } from '../deciding/lease-table.ts';
import { OpenPlans } from '../deciding/open-plans.ts';
import { Sweeper, type SweeperOptions } from '../deciding/sweeper.ts';

const SUBMISSION = {
  tenant: 'local',
  definition: aPlan({ steps: [aStep()] }),
  digest: 'd',
  idempotencyKey: 'k',
  by: { name: 'me', via: 'cli' },
  traceparent: null,
};

let metrics: Metrics;
beforeEach(async () => {
  metrics = await startMetrics({ service: 'coordinator', instance: null, log: silentLogger });
});
afterEach(() => metrics.shutdown());

const scraped = async () => Scrape.parse(await scrapeMetrics());

describe('what the decision loop tells', () => {
  const loops: DecisionLoop[] = [];
  afterEach(async () => {
    for (const loop of loops.splice(0)) await loop.stop();
  });

  async function aLoop(
    ledger: InMemoryLedger,
    rest: Partial<DecisionLoopOptions> = {},
  ): Promise<DecisionLoop> {
    const fleet = new Fleet({ fleet: null, pools: {} });
    const { term } = (await ledger.terms.campaign('spec'))!;
    const log = silentLogger;
    const isOpen = (): boolean => true;
    const limits = new FleetLimits({ term, ledger, fleet, log, isOpen, onChanged: () => undefined });
    await limits.settle(systemClock.now());
    const loop = new DecisionLoop({
      term,
      ledger,
      plans: new OpenPlans(ledger, fleet),
      fleet,
      limits,
      slots: () => new Map([['default', 4]]),
      clock: systemClock,
      log: silentLogger,
      onCommitted: () => undefined,
      onDeposed: () => undefined,
      ...rest,
    });
    loops.push(loop);
    return loop;
  }

  const submit = (loop: DecisionLoop, planId: string) =>
    loop.submit(planId, { kind: 'submit', submission: { ...SUBMISSION, idempotencyKey: planId } }, null);

  it('is each turn with its time and its inputs', async () => {
    const loop = await aLoop(new InMemoryLedger());
    const replies = ['plan0001', 'plan0002', 'plan0003'].map((planId) => submit(loop, planId));
    loop.start();
    await Promise.all(replies);
    const scrape = await scraped();
    expect(scrape.sum('skein_decision_batch_size_sum')).toBe(3);
    expect(scrape.sum('skein_decision_batch_size_count')).toBe(1);
    expect(scrape.sum('skein_decision_turn_seconds_count')).toBe(1);
    expect(scrape.sum('skein_decision_failures_total')).toBe(0);
  });

  it('is each defect by where it was: a decision, the effects of a commit, a whole turn', async () => {
    const failures = async (stage: string) =>
      (await scraped()).sum('skein_decision_failures_total', { stage });
    const ledger = new InMemoryLedger();
    const loop = await aLoop(ledger, {
      onCommitted: () => {
        throw new Error('no effects today');
      },
    });
    loop.start();
    await submit(loop, 'plan0001');
    expect(await failures('effects')).toBe(1);
    await expect(loop.submit('plan0001', { kind: 'claim', lease: null } as never, null)).rejects.toThrow();
    expect(await failures('decision')).toBe(1);

    const broken = new InMemoryLedger();
    let times = 0;
    const append = broken.appendAll.bind(broken);
    broken.appendAll = async (...args) => {
      times += 1;
      if (times === 1) throw new Error('a defect of the ledger');
      if (times === 2) throw new LedgerUnavailableError('nothing-written', new Error('away'));
      return append(...args);
    };
    const second = await aLoop(broken);
    second.start();
    await submit(second, 'plan0002');
    // A ledger that is away is no defect.
    expect(await failures('turn')).toBe(1);
  });
});

describe('what the elector tells', () => {
  const TTL_MS = 60;

  function anElector(terms: InMemoryTerms, start: () => Promise<void> = async () => undefined): Elector {
    return new Elector({
      terms,
      holder: 'me',
      ttlMs: TTL_MS,
      log: silentLogger,
      build: (term) => ({ term, start, stop: async () => undefined }) as unknown as Decider,
    });
  }

  const ended = async (how: string) => (await scraped()).sum('skein_decider_terms_ended_total', { how });
  const begun = async () => (await scraped()).sum('skein_decider_terms_begun_total');

  it('is whether it decides, and each term that it began and handed over', async () => {
    const elector = anElector(new InMemoryTerms({ ttlMs: TTL_MS }));
    elector.start();
    expect((await scraped()).sum('skein_decider_active')).toBe(0);
    await eventually(async () => (await scraped()).sum('skein_decider_active') === 1);
    expect(await begun()).toBe(1);
    await elector.stop();
    expect(await ended('resigned')).toBe(1);
    expect((await scraped()).sum('skein_decider_active')).toBeNull();
  });

  it('is a term that another one took', async () => {
    const terms = new InMemoryTerms({ ttlMs: TTL_MS });
    const elector = anElector(terms);
    elector.start();
    await eventually(() => elector.current);
    const { renew } = terms;
    terms.renew = async () => false;
    await eventually(async () => (await ended('lost')) === 1);
    terms.renew = renew;
    await elector.stop();
  });

  it('is a term that could not be begun', async () => {
    const elector = anElector(new InMemoryTerms({ ttlMs: TTL_MS }), () => Promise.reject(new Error('no')));
    elector.start();
    await eventually(async () => (await ended('failed'))! > 0);
    expect(await begun()).toBe(0);
    await elector.stop();
  });
});

describe('what the sweeper tells', () => {
  it('is how many plans are stuck, as soon as it is sure of it and as long as they are', async () => {
    const now = { ms: 0 };
    const fleet = new Fleet({ fleet: null, pools: {} });
    const sweeper = aSweeper(fleet, now);
    // Submitted, and never expanded: nothing can happen to it any more.
    const plan: PlanState = initialPlanState('plan0001');
    evolve(plan, { type: 'plan.submitted', data: SUBMISSION }, 1);
    fleet.update(plan);
    const sweep = async (): Promise<number> => {
      now.ms += 500;
      await sweeper.sweep();
      return sweeper.stuckPlans;
    };
    expect([await sweep(), await sweep(), await sweep()]).toEqual([0, 1, 1]);
    fleet.remove('plan0001');
    expect(await sweep()).toBe(0);
  });

  it('is each time that it stood still, and each silent lease once', async () => {
    const now = { ms: 0 };
    const leases = new LeaseTable(10_000);
    const sweeper = aSweeper(new Fleet({ fleet: null, pools: {} }), now, leases);
    const granted = { ordinal: 1, epoch: 1, worker: 'w1', tokenDigest: 't' };
    leases.follow('plan0001', { type: 'lease.granted', data: granted }, 0);
    for (; now.ms < 15_000; now.ms += 1_000) await sweeper.sweep();
    const repairs = async (kind: string) => (await scraped()).sum('skein_sweeper_repairs_total', { kind });
    expect(await repairs('silent-lease')).toBe(1);
    expect(await repairs('stood-still')).toBe(0);
    now.ms += 60_000;
    await sweeper.sweep();
    expect(await repairs('stood-still')).toBe(1);
  });

  function aSweeper(fleet: Fleet, now: { ms: number }, leases = new LeaseTable(10_000)): Sweeper {
    const never = (_planId: string, _input: PlanInput) => new Promise(() => undefined);
    return new Sweeper({
      clock: { ...systemClock, now: () => now.ms, monotonic: () => now.ms },
      random: () => 0.5,
      fleet,
      plans: { cached: () => undefined },
      leases,
      roster: { sweep: () => false },
      loop: { submit: never, admitSoon: () => undefined },
      dispatcher: { sweep: async () => 0 },
      leaseMs: 10_000,
      hears: () => true,
      isSure: () => true,
      intervalMs: 60_000,
      onStuck: () => undefined,
      log: silentLogger,
    } as unknown as SweeperOptions);
  }
});
