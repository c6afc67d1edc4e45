import { initialPlanState, type Fleet, type PlanState } from '#domain';
import { InMemoryLedger } from '#ledger';
import { OpenPlans } from './open-plans.ts';

/** Steps of closed plans that are kept together. */
const CLOSED_STEPS_MAX = 50_000;

describe('closed plans', () => {
  const fleet = { update: () => undefined, remove: () => undefined } as unknown as Fleet;
  let read: string[];
  let plans: OpenPlans;

  beforeEach(() => {
    const ledger = new InMemoryLedger();
    read = [];
    ledger.read = async (planId) => {
      read.push(planId);
      return [];
    };
    plans = new OpenPlans(ledger, fleet);
  });

  function closed(planId: string, steps: number): PlanState {
    const state = initialPlanState(planId);
    state.steps.length = steps;
    return Object.assign(state, { closed: true });
  }

  it('are kept for who asks late, and only so many steps of them: the oldest go first', async () => {
    const each = CLOSED_STEPS_MAX / 10;
    for (let at = 0; at < 10; at += 1) plans.settle(closed(`plan${at}`, each));
    expect((await plans.get('plan0'))?.planId).toBe('plan0');
    plans.settle(closed('plan10', each + 1));
    expect(await plans.get('plan0')).toBeNull();
    expect(await plans.get('plan1')).toBeNull();
    expect((await plans.get('plan2'))?.planId).toBe('plan2');
    expect(read).toEqual(['plan0', 'plan1']);
  });

  it('are kept at least one by one, however large', async () => {
    plans.settle(closed('small', 1));
    plans.settle(closed('huge', 2 * CLOSED_STEPS_MAX));
    expect((await plans.get('huge'))?.planId).toBe('huge');
    expect(await plans.get('small')).toBeNull();
    plans.settle(closed('next', 1));
    expect(await plans.get('huge')).toBeNull();
    expect((await plans.get('next'))?.planId).toBe('next');
  });

  it('are not counted among the open ones', () => {
    const state = closed('plan1', 3);
    plans.settle(state);
    expect([...plans.all()]).toEqual([]);
  });
});
