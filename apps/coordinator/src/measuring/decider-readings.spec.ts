import { admit, decide, Fleet, initialPlanState, type PlanState, type StepDefinition } from '#domain';
import { scrapeMetrics, silentLogger, startMetrics, type Metrics } from '#telemetry';
import { aPlan, aStep, Scrape } from '#testing';
import type { KnownWorker } from '../deciding/worker-roster.ts';
import { observeDecider } from './decider-readings.ts';

const T0 = 1_800_000_000_000;

describe('what the decider tells at a scrape', () => {
  let metrics: Metrics;
  let plans: PlanState[];
  let sure: boolean;
  let now: number;
  let fleet: Fleet;
  let off: () => void;

  beforeEach(async () => {
    metrics = await startMetrics({ service: 'coordinator', instance: null, log: silentLogger });
    plans = [];
    sure = true;
    now = T0;
    fleet = new Fleet({ fleet: null, pools: {}, tenants: { '*': 50 } });
    const workers = [{ draining: false }, { draining: false }, { draining: true }] as KnownWorker[];
    off = observeDecider({
      term: 7,
      isSure: () => sure,
      now: () => now,
      plans: () => plans,
      stuck: () => 1,
      workers: () => workers,
      slots: () =>
        new Map([
          ['default', 3],
          ['heavy', 2],
        ]),
      limits: () => fleet.limits(),
      waiting: () => 11,
      unclaimed: () => 5,
    });
  });

  afterEach(async () => {
    off();
    await metrics.shutdown();
  });

  function submit(planId: string, steps: Partial<StepDefinition>[]): PlanState {
    const plan = initialPlanState(planId);
    const submission = {
      tenant: 'local',
      definition: aPlan({ steps: steps.map((step) => aStep(step)) }),
      digest: 'd',
      idempotencyKey: planId,
      by: { name: 'me', via: 'cli' },
      traceparent: null,
    };
    decide(plan, { kind: 'submit', submission }, now);
    fleet.update(plan);
    plans.push(plan);
    return plan;
  }

  const scraped = async () => Scrape.parse(await scrapeMetrics());

  it('is where the steps of all open plans stand, and how many run in each pool', async () => {
    const values = Array.from({ length: 20 }, (_, index) => String(index));
    submit('plan0001', [
      { name: 'wide', matrix: { kind: 'list', values } },
      { name: 'join', needs: ['wide'] },
    ]);
    submit('plan0002', [{ name: 'one', pool: 'heavy' }]);
    // Being submitted, nothing of it committed yet.
    plans.push(initialPlanState('plan0003'));
    fleet.admit(
      now,
      new Map([
        ['default', 3],
        ['heavy', 2],
      ]),
      (plan, ordinal) => void admit(plan, ordinal, now),
    );
    const scrape = await scraped();
    const steps = (state: string) => scrape.sum('skein_steps', { state });
    expect([steps('waiting'), steps('ready'), steps('admitted')]).toEqual([1, 14, 7]);
    expect(scrape.sum('skein_steps_in_flight', { pool: 'default' })).toBe(6);
    expect(scrape.sum('skein_steps_in_flight', { pool: 'heavy' })).toBe(1);
    expect(scrape.sum('skein_plans_open', { status: 'running' })).toBe(2);
    expect(scrape.sum('skein_plans_open')).toBe(2);
  });

  it('is which kinds of limits are used up, and how many were changed', async () => {
    submit('plan0001', [{ name: 'a' }, { name: 'b' }, { name: 'c', locks: ['staging'] }]);
    const slots = new Map([['default', 9]]);
    fleet.changeLimits([
      ['tenant:local', 2],
      ['weight:local', 3],
      ['quota:local', 4],
    ]);
    fleet.admit(now, slots, (plan, ordinal) => void admit(plan, ordinal, now));
    const scrape = await scraped();
    const full = (kind: string) => scrape.sum('skein_limits_full', { kind });
    expect([full('tenant'), full('quota'), full('fleet'), full('lock')]).toEqual([1, 0, 0, 0]);
    expect(scrape.sum('skein_limits_changed')).toBe(3);
    fleet.changeLimits([]);
    const after = await scraped();
    expect([after.sum('skein_limits_changed'), after.sum('skein_limits_full')]).toEqual([0, 0]);
  });

  it('is who can work, and what waits', async () => {
    const scrape = await scraped();
    expect(scrape.sum('skein_pool_slots', { pool: 'default' })).toBe(3);
    expect(scrape.sum('skein_pool_slots', { pool: 'heavy' })).toBe(2);
    expect(scrape.sum('skein_workers', { state: 'serving' })).toBe(2);
    expect(scrape.sum('skein_workers', { state: 'draining' })).toBe(1);
    expect(scrape.sum('skein_decision_queue_depth')).toBe(11);
    expect(scrape.sum('skein_jobs_unclaimed')).toBe(5);
    expect(scrape.sum('skein_plans_stuck')).toBe(1);
    expect(scrape.sum('skein_decider_term')).toBe(7);
  });

  it('is for how long the first in line of a pool has been waiting, of all plans the longest', async () => {
    submit('plan0001', [{ name: 'a', pool: 'gpu' }]);
    now = T0 + 60_000;
    submit('plan0002', [{ name: 'a', pool: 'gpu' }, { name: 'b' }]);
    now = T0 + 90_000;
    const scrape = await scraped();
    expect(scrape.sum('skein_admission_oldest_wait_seconds', { pool: 'gpu' })).toBe(90);
    expect(scrape.sum('skein_admission_oldest_wait_seconds', { pool: 'default' })).toBe(30);
    fleet.admit(
      now,
      new Map([
        ['default', 1],
        ['gpu', 1],
      ]),
      (plan, ordinal) => void admit(plan, ordinal, now),
    );
    expect((await scraped()).all('skein_admission_oldest_wait_seconds')).toEqual([]);
  });

  it('is nothing while it is not sure of its term, and nothing after its term', async () => {
    submit('plan0001', [{ name: 'a' }]);
    const decidersOwn = [
      'skein_steps',
      'skein_plans_open',
      'skein_plans_stuck',
      'skein_pool_slots',
      'skein_workers',
      'skein_steps_in_flight',
      'skein_limits_full',
      'skein_limits_changed',
      'skein_admission_oldest_wait_seconds',
      'skein_decision_queue_depth',
      'skein_jobs_unclaimed',
      'skein_decider_term',
    ];
    const told = async () => {
      const scrape = await scraped();
      return decidersOwn.filter((name) => scrape.sum(name) !== null);
    };
    expect((await told()).length).toBeGreaterThan(8);
    sure = false;
    expect(await told()).toEqual([]);
    sure = true;
    off();
    expect(await told()).toEqual([]);
  });

  it('costs as little with 100,000 steps as with a few', async () => {
    const values = Array.from({ length: 100_000 }, (_, index) => String(index));
    const plan = submit('plan0001', [{ name: 'wide', matrix: { kind: 'list', values } }]);
    // Whoever looks at the steps one by one is found out.
    let looks = 0;
    const steps = plan.steps;
    plan.steps = new Proxy(steps, {
      get(target, key, receiver) {
        looks += 1;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    const scrape = await scraped();
    expect(scrape.sum('skein_steps', { state: 'ready' })).toBe(100_000);
    expect(looks).toBeLessThan(10);
  });
});
