import {
  aDefinition,
  aPictured,
  aWatchedPlan,
  because,
  iso,
  SUBMITTED_MS,
  told,
} from '../testing/watched.ts';

const admitted = (ordinal: number, epoch: number) => told('step.admitted', { ordinal, epoch });
const granted = (ordinal: number, epoch: number, afterMs = 60_000) =>
  told('lease.granted', { ordinal, epoch, worker: 'w1' }, afterMs);
const passed = (ordinal: number, epoch: number, afterMs = 90_000) =>
  told('step.passed', { ordinal, epoch }, afterMs);

describe('a plan that is watched', () => {
  it('follows a step from its admission to its end', () => {
    const plan = aWatchedPlan([aPictured(1)], { definition: aDefinition(['step-1']) });
    expect(plan.apply(admitted(1, 1))).toMatchObject({ before: 'waiting', step: { state: 'admitted' } });
    plan.apply(granted(1, 1));
    plan.apply(told('attempt.finished', { ordinal: 1, epoch: 1, attempt: 1, reason: because('no') }));
    expect(plan.step('s1')).toMatchObject({ state: 'running', attempts: 1, attemptsMax: 3, reason: 'no' });
    plan.apply(passed(1, 1));
    expect(plan.step('step-1')).toMatchObject({
      state: 'passed',
      startedMs: SUBMITTED_MS + 60_000,
      endedMs: SUBMITTED_MS + 90_000,
      reason: null,
    });
    expect(plan.progress()).toEqual({ done: 1, all: 1 });
  });

  it('says of a baseline that has passed which checks are not green', () => {
    const plan = aWatchedPlan([aPictured(1, { kind: 'baseline' }), aPictured(2, { kind: 'baseline' })]);
    const checks = [
      { command: 'npm test', verdict: 'red' },
      { command: 'npm run lint', verdict: 'green' },
      { command: 'npm run e2e', verdict: 'flaky' },
    ];
    plan.apply(told('step.passed', { ordinal: 1, epoch: 1, outputs: { checks, cached: false } }));
    plan.apply(
      told('step.passed', { ordinal: 2, epoch: 1, outputs: { checks: checks.slice(1, 2), cached: true } }),
    );
    expect(plan.step('s1')?.reason).toBe('red on the base: npm test; flaky on the base: npm run e2e');
    expect(plan.step('s2')?.reason).toBeNull();
  });

  it('never takes a step back when its picture is newer than the events that follow', () => {
    const plan = aWatchedPlan([
      aPictured(1, { state: 'passed', epoch: 2, attempts: 2, endedAt: iso(80_000) }),
      aPictured(2, { state: 'running', epoch: 1, attempts: 1 }),
      aPictured(3, { state: 'waiting', epoch: 1 }),
      aPictured(4, { state: 'sleeping', notBefore: iso(1_000) }),
    ]);
    const before = structuredClone(plan.steps());
    const old = [
      admitted(1, 1),
      granted(1, 1),
      told('lease.lost', { ordinal: 1, epoch: 1, reason: because('died'), notBefore: null }),
      admitted(1, 2),
      granted(1, 2),
      told('attempt.finished', { ordinal: 1, epoch: 2, attempt: 2, reason: because('no') }),
      passed(1, 2),
      admitted(2, 1),
      granted(2, 1),
      told('attempt.finished', { ordinal: 2, epoch: 1, attempt: 1, reason: because('no') }),
      admitted(3, 1),
      granted(3, 1),
      told('lease.lost', { ordinal: 3, epoch: 1, reason: because('died'), notBefore: null }),
      told('wait.started', { ordinal: 4, until: iso(1_000) }),
    ];
    for (const event of old)
      expect({ type: event.type, change: plan.apply(event) }).toMatchObject({ change: null });
    expect(plan.steps()).toEqual(before);
    expect(plan.progress()).toEqual({ done: 1, all: 4 });
  });

  it('goes on after a lost lease, with the reason and the time of the next try', () => {
    const plan = aWatchedPlan([aPictured(1, { state: 'running', epoch: 1 })]);
    plan.apply(
      told('lease.lost', { ordinal: 1, epoch: 1, reason: because('it died'), notBefore: iso(70_000) }),
    );
    expect(plan.step('s1')).toMatchObject({
      state: 'waiting',
      reason: 'it died',
      untilMs: SUBMITTED_MS + 70_000,
    });
    plan.apply(admitted(1, 2));
    expect(plan.step('s1')).toMatchObject({ state: 'admitted', untilMs: null });
  });

  it('shows a wait asleep until its time', () => {
    const plan = aWatchedPlan([aPictured(1, { kind: 'wait' })]);
    plan.apply(told('wait.started', { ordinal: 1, until: iso(7_200_000) }));
    expect(plan.step('s1')).toMatchObject({ state: 'sleeping', untilMs: SUBMITTED_MS + 7_200_000 });
    plan.apply(told('step.passed', { ordinal: 1, epoch: 0, worker: null }));
    expect(plan.progress()).toEqual({ done: 1, all: 1 });
  });

  it('takes in the steps that the base and a fan-out at run time decide, in the order of the plan', () => {
    const plan = aWatchedPlan([aPictured(0, { name: 'resolve', kind: 'resolve' })], {
      definition: aDefinition(['find', 'fix', 'check']),
    });
    const instance = (ordinal: number, name: string, kind: string) => ({ ordinal, name, kind }) as never;
    plan.apply(
      told('plan.expanded', {
        steps: [
          instance(1, 'find', 'run'),
          instance(2, 'check', 'run'),
          instance(3, 'integrate', 'integrate'),
          instance(4, 'publish', 'publish'),
          instance(5, 'baseline', 'baseline'),
          instance(6, 'clean', 'clean'),
        ],
      }),
    );
    const added = plan.apply(told('steps.expanded', { steps: [instance(7, 'fix[a]', 'agent')] }));
    expect(added).not.toBeNull();
    expect(plan.steps().map(({ name }) => name)).toEqual([
      'resolve',
      'baseline',
      'find',
      'fix[a]',
      'check',
      'integrate',
      'publish',
      'clean',
    ]);
    expect(plan.step('s7')).toMatchObject({ group: 'fix', attemptsMax: 3 });
  });

  it('ends its open steps when it is cancelled, but for the one that cleans up', () => {
    const plan = aWatchedPlan([
      aPictured(1, { state: 'passed' }),
      aPictured(2, { state: 'running', epoch: 1 }),
      aPictured(3),
      aPictured(4, { name: 'clean', kind: 'clean' }),
    ]);
    plan.apply(told('plan.cancelled', { by: { name: 'ada', via: 'cli' }, why: 'wrong branch' }));
    expect(plan.steps().map(({ state }) => state)).toEqual(['passed', 'cancelled', 'cancelled', 'waiting']);
    expect(plan).toMatchObject({ status: 'cancelled', reason: 'cancelled by ada: wrong branch' });
  });

  it.each([
    [true, 'cancelled'],
    [false, 'waiting'],
  ])('that is halted by its deadline (%s) leaves its open steps %s', (cancelsOpen, state) => {
    const plan = aWatchedPlan([aPictured(1)]);
    plan.apply(told('plan.halted', { reason: because('deadline'), steps: [], cancelsOpen }));
    expect(plan.step('s1')).toMatchObject({ state });
    expect(plan.status).toBe('halted');
  });

  it('forgets what a step waited for as soon as it moves', () => {
    const plan = aWatchedPlan([aPictured(1), aPictured(2)]);
    plan.setWaits(new Map([['s1', 'no worker serves pool "x"']]));
    expect(plan.steps().map(({ wait }) => wait)).toEqual(['no worker serves pool "x"', null]);
    plan.apply(admitted(1, 1));
    expect(plan.step('s1')!.wait).toBeNull();
  });

  it('shows what an operator does, once: paused, resumed, retried', () => {
    const plan = aWatchedPlan([aPictured(1, { state: 'blocked', endedAt: iso(1) })]);
    const by = { name: 'ann', via: 'cli' };
    const tell = (seq: number, type: string, data: object = {}) =>
      plan.apply({ seq, at: iso(2), type, data: { by, why: null, ...data } });
    tell(90, 'plan.paused', { why: 'lunch' });
    expect(plan.paused).toBe('paused by ann: lunch');
    tell(91, 'plan.resumed');
    expect(plan.paused).toBeNull();
    expect(tell(91, 'plan.paused')).toBeNull();
    tell(92, 'plan.halted', { reason: { code: 'steps-failed', message: 'no' } });
    tell(93, 'plan.reopened');
    expect(tell(94, 'step.reopened', { ordinal: 1 })).toMatchObject({ before: 'blocked' });
    expect(plan).toMatchObject({ status: 'running', endedMs: null, reason: null });
    expect(plan.step('s1')).toMatchObject({ state: 'waiting', endedMs: null, reason: null });
  });

  it('lets events of a newer server pass', () => {
    const plan = aWatchedPlan([aPictured(1)]);
    expect(plan.apply({ seq: 99, at: iso(0), type: 'step.redriven', data: { ordinal: 1 } })).toBeNull();
    expect(plan.apply({ seq: 100, at: iso(0), type: 'plan.praised', data: {} })).toBeNull();
    expect(plan.seq).toBe(100);
  });
});
