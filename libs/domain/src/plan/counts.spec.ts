import { aPlan, aStep } from '#testing';
import { Fleet } from '../scheduling/fleet.ts';
import { admit, decide } from './decide.ts';
import type { PlanInput } from './input.ts';
import { initialPlanState, stepOf, type PlanState, type StepStatus } from './state.ts';

const T0 = 1_800_000_000_000;
const SLOTS = new Map([['default', 2]]);

describe('the counts of a plan', () => {
  let plan: PlanState;
  let fleet: Fleet;
  let now: number;

  beforeEach(() => {
    plan = initialPlanState('plan0001');
    fleet = new Fleet({ fleet: null, pools: {} });
    now = T0;
    const values = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const definition = aPlan({
      steps: [
        aStep({ name: 'wide', matrix: { kind: 'list', values } }),
        aStep({ name: 'join', needs: ['wide'] }),
      ],
    });
    const submission = {
      tenant: 'local',
      definition,
      digest: 'd',
      idempotencyKey: 'k',
      by: { name: 'me', via: 'cli' },
      traceparent: null,
    };
    tell({ kind: 'submit', submission });
  });

  /** After every input the counters say what a look at every step would. */
  function tell(input: PlanInput): void {
    decide(plan, input, now);
    fleet.update(plan);
    expect(counted()).toEqual(scanned());
  }

  function counted(): Partial<Record<StepStatus, number>> {
    return Object.fromEntries(Object.entries(plan.counts).filter(([, count]) => count !== 0));
  }

  function scanned(): Partial<Record<StepStatus, number>> {
    const counts: Partial<Record<StepStatus, number>> = {};
    for (const { status } of plan.steps) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  function admitAll(): number[] {
    const ordinals: number[] = [];
    fleet.admit(now, SLOTS, (of, ordinal) => {
      admit(of, ordinal, now);
      ordinals.push(ordinal);
    });
    expect(counted()).toEqual(scanned());
    return ordinals;
  }

  const lease = (ordinal: number) => ({
    ordinal,
    epoch: stepOf(plan, ordinal).epoch,
    worker: 'w1',
    tokenDigest: 't',
  });

  it('follow every step through its states, a lost lease and a cancelled plan included', () => {
    expect(counted()).toEqual({ ready: 7, waiting: 1 });
    const [first, second, third, fourth] = admitAll();
    expect(counted()).toEqual({ ready: 3, admitted: 4, waiting: 1 });
    tell({ kind: 'claim', lease: lease(first!) });
    expect(counted()).toEqual({ ready: 3, admitted: 3, leased: 1, waiting: 1 });
    const passed = { commit: null, outputs: {}, resolved: null, candidate: null };
    tell({ kind: 'passed', lease: lease(first!), ...passed });
    const reason = { code: 'no', message: 'no' };
    tell({ kind: 'blocked', lease: lease(second!), reason });
    const lost = { counts: true, reason, jitter: 0.5 };
    tell({ kind: 'lease-expired', ordinal: third!, epoch: 1, ...lost });
    tell({ kind: 'release', lease: lease(fourth!), cause: 'fault', reason, jitter: 0.5 });
    expect(counted()).toEqual({ ready: 5, passed: 1, blocked: 1, waiting: 1 });
    admitAll();
    tell({ kind: 'cancel', by: { name: 'me', via: 'cli' }, why: null });
    expect(counted()).toEqual({ passed: 1, blocked: 1, cancelled: 6 });
  });

  it('know since when a step is ready, a backoff included, and when it was admitted', () => {
    now = T0 + 1_000;
    const [first] = admitAll();
    const step = stepOf(plan, first!);
    expect(step).toMatchObject({ readyAt: T0, admittedAt: T0 + 1_000 });
    now = T0 + 5_000;
    const reason = { code: 'worker-silent', message: 'silent' };
    tell({ kind: 'lease-expired', ordinal: first!, epoch: 1, counts: true, reason, jitter: 0.5 });
    expect(step.readyAt).toBe(step.notBefore);
    expect(step.readyAt).toBeGreaterThan(now);
  });
});
