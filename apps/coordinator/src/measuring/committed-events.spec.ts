import {
  admit,
  decide,
  Fleet,
  initialPlanState,
  stepOf,
  type PlanInput,
  type PlanState,
  type StepDefinition,
} from '#domain';
import { scrapeMetrics, silentLogger, startMetrics, type Metrics } from '#telemetry';
import { aPlan, aStep, Scrape } from '#testing';
import { measureCommitted } from './committed-events.ts';

const T0 = 1_800_000_000_000;
const REASON = { code: 'git-unreachable', message: 'no answer' };

describe('what is counted of a commit', () => {
  let metrics: Metrics;
  let plan: PlanState;
  let fleet: Fleet;
  let now: number;

  beforeEach(async () => {
    metrics = await startMetrics({ service: 'coordinator', instance: null, log: silentLogger });
    plan = initialPlanState('plan0001');
    fleet = new Fleet({ fleet: null, pools: {} });
    now = T0;
  });

  afterEach(() => metrics.shutdown());

  function tell(input: PlanInput): void {
    const { events } = decide(plan, input, now);
    fleet.update(plan);
    measureCommitted([{ plan, events, aborts: [] }]);
  }

  function submit(...steps: Partial<StepDefinition>[]): void {
    const submission = {
      tenant: 'local',
      definition: aPlan({ steps: steps.map((step) => aStep(step)) }),
      digest: 'd',
      idempotencyKey: 'k',
      by: { name: 'me', via: 'cli' },
      traceparent: null,
    };
    tell({ kind: 'submit', submission });
  }

  function admitAll(slots: number): void {
    fleet.admit(
      now,
      new Map([
        ['default', slots],
        ['heavy', slots],
      ]),
      (of, ordinal) => {
        measureCommitted([{ plan: of, events: admit(of, ordinal, now), aborts: [] }]);
      },
    );
  }

  const lease = (ordinal: number, epoch = stepOf(plan, ordinal).epoch) => ({
    ordinal,
    epoch,
    worker: 'w1',
    tokenDigest: 't',
  });
  const pass = (ordinal: number): void =>
    tell({
      kind: 'passed',
      lease: lease(ordinal),
      commit: null,
      outputs: {},
      resolved: null,
      candidate: null,
    });
  function attempt(ordinal: number, n: number, verdict: 'accepted' | 'rejected'): void {
    const said = { attempt: n, startedAt: '2027-01-15T08:00:00.000Z', durationMs: 90_000, verdict };
    const kept = { commit: null, feedback: null, diffstat: null, logKey: null, diffKey: null };
    tell({
      kind: 'attempt',
      lease: lease(ordinal),
      attempt: { ...said, reason: REASON, ...kept, traceparent: null },
      outputs: {},
    });
  }
  const scraped = async () => Scrape.parse(await scrapeMetrics());

  it('is the plan, each step by its outcome and kind, and how long the plan took', async () => {
    submit(
      { name: 'a' },
      { name: 'b', needs: ['a'], work: { kind: 'run', commands: ['true'], script: null } },
    );
    admitAll(4);
    pass(0);
    admitAll(4);
    tell({ kind: 'claim', lease: lease(1) });
    now = T0 + 45_000;
    attempt(1, 1, 'accepted');
    const scrape = await scraped();
    expect(scrape.sum('skein_plans_submitted_total')).toBe(1);
    expect(scrape.sum('skein_step_outcomes_total', { outcome: 'passed', kind: 'noop' })).toBe(1);
    expect(scrape.sum('skein_step_outcomes_total', { outcome: 'passed', kind: 'run' })).toBe(1);
    expect(scrape.sum('skein_step_outcomes_total')).toBe(2);
    expect(scrape.sum('skein_plan_duration_seconds_count', { status: 'completed' })).toBe(1);
    expect(scrape.sum('skein_plan_duration_seconds_sum', { status: 'completed' })).toBe(45);
  });

  it('is how long a step waited to be admitted, and then to be claimed, by its pool', async () => {
    submit({ name: 'a', pool: 'heavy' });
    now = T0 + 8_000;
    admitAll(4);
    now = T0 + 8_400;
    tell({ kind: 'claim', lease: lease(0) });
    const scrape = await scraped();
    expect(scrape.sum('skein_admission_latency_seconds_sum', { pool: 'heavy' })).toBe(8);
    expect(scrape.sum('skein_queue_latency_seconds_sum', { pool: 'heavy' })).toBeCloseTo(0.4);
    expect(scrape.sum('skein_admission_latency_seconds_count')).toBe(1);
    expect(scrape.sum('skein_queue_latency_seconds_count')).toBe(1);
  });

  it('does not take a backoff for a wait, nor time for running backwards', async () => {
    submit({ name: 'a' });
    admitAll(1);
    tell({ kind: 'release', lease: lease(0), cause: 'fault', reason: REASON, jitter: 0.5 });
    const { notBefore } = stepOf(plan, 0);
    expect(notBefore).toBeGreaterThan(now);
    now = notBefore + 3_000;
    admitAll(1);
    now = T0;
    tell({ kind: 'claim', lease: lease(0) });
    const scrape = await scraped();
    expect(scrape.sum('skein_admission_latency_seconds_sum')).toBe(3);
    expect(scrape.sum('skein_queue_latency_seconds_sum')).toBe(0);
  });

  it('is each attempt by verdict and kind, with the time that its worker measured', async () => {
    submit({ name: 'a', attempts: 2, work: { kind: 'run', commands: ['true'], script: null } });
    admitAll(1);
    attempt(0, 1, 'rejected');
    attempt(0, 2, 'accepted');
    const scrape = await scraped();
    for (const verdict of ['accepted', 'rejected'])
      expect(scrape.sum('skein_attempts_total', { verdict, kind: 'run' })).toBe(1);
    expect(scrape.sum('skein_attempt_duration_seconds_sum', { kind: 'run' })).toBe(180);
    expect(scrape.sum('skein_attempt_duration_seconds_count')).toBe(2);
  });

  it('is each lease that was lost or handed back, why, and what came too late', async () => {
    submit({ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' });
    admitAll(8);
    const lost = (ordinal: number, code: string): void =>
      tell({
        kind: 'lease-expired',
        ordinal,
        epoch: 1,
        counts: false,
        reason: { code, message: 'gone' },
        jitter: 0,
      });
    for (const ordinal of [0, 1]) tell({ kind: 'claim', lease: lease(ordinal) });
    lost(0, 'worker-silent');
    lost(1, 'a-code-of-tomorrow');
    tell({
      kind: 'release',
      lease: lease(2),
      cause: 'draining',
      reason: { code: 'draining', message: '' },
      jitter: 0,
    });
    tell({ kind: 'release', lease: lease(3), cause: 'fault', reason: REASON, jitter: 0 });
    tell({ kind: 'blocked', lease: lease(0, 1), reason: REASON });
    const scrape = await scraped();
    expect(scrape.sum('skein_lease_losses_total', { reason: 'worker-silent' })).toBe(1);
    expect(scrape.sum('skein_lease_losses_total', { reason: 'other' })).toBe(1);
    expect(scrape.sum('skein_lease_releases_total', { cause: 'draining', reason: 'draining' })).toBe(1);
    expect(scrape.sum('skein_lease_releases_total', { cause: 'fault', reason: 'git-unreachable' })).toBe(1);
    expect(scrape.sum('skein_late_results_total', { message: 'result' })).toBe(1);
  });

  it('is each poisoned step as a dead letter', async () => {
    submit({ name: 'a' });
    for (let epoch = 1; epoch <= 3; epoch += 1) {
      now += 3_600_000;
      admitAll(1);
      const reason = { code: 'worker-silent', message: 'gone' };
      tell({ kind: 'lease-expired', ordinal: 0, epoch, counts: true, reason, jitter: 1 });
    }
    const scrape = await scraped();
    expect(scrape.sum('skein_dead_letters_total')).toBe(1);
    expect(scrape.sum('skein_step_outcomes_total', { outcome: 'poisoned', kind: 'noop' })).toBe(1);
    expect(scrape.sum('skein_plan_duration_seconds_count', { status: 'halted' })).toBe(1);
  });

  it('is every step that a cancelled plan ends, though one event cancels them all', async () => {
    submit({ name: 'a' }, { name: 'b' }, { name: 'c', needs: ['a'] });
    admitAll(1);
    pass(0);
    tell({ kind: 'cancel', by: { name: 'me', via: 'cli' }, why: null });
    const scrape = await scraped();
    expect(scrape.sum('skein_step_outcomes_total', { outcome: 'passed' })).toBe(1);
    expect(scrape.sum('skein_step_outcomes_total', { outcome: 'cancelled', kind: 'noop' })).toBe(2);
    expect(scrape.sum('skein_plan_duration_seconds_count', { status: 'cancelled' })).toBe(1);
  });
});
