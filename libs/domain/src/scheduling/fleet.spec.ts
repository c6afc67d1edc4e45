import { aPlan, aStep } from '#testing';
import { admit, decide } from '../plan/decide.ts';
import type { PlanDefinition } from '../plan/definition.ts';
import { initialPlanState, stepOf, type PlanState } from '../plan/state.ts';
import { explainWait } from './explain.ts';
import { Fleet, type FleetCaps } from './fleet.ts';

const NOW = 1_800_000_000_000;

function fanOut(count: number, o: { pool?: string; maxParallel?: number } = {}): PlanDefinition {
  const values = Array.from({ length: count }, (_, index) => String(index));
  const leaf = aStep({ name: 'leaf', pool: o.pool ?? 'default', matrix: { kind: 'list', values } });
  return aPlan({ maxParallel: o.maxParallel ?? null, steps: [leaf] });
}

class Yard {
  readonly fleet: Fleet;
  readonly slots = new Map([['default', 2]]);

  constructor(caps: Partial<FleetCaps> = {}) {
    this.fleet = new Fleet({ fleet: null, pools: {}, ...caps });
  }

  plan(planId: string, tenant: string, definition: PlanDefinition): PlanState {
    const state = initialPlanState(planId);
    const by = { name: 'me', via: 'cli' };
    const submission = { tenant, definition, digest: 'd', idempotencyKey: 'k', by, traceparent: null };
    decide(state, { kind: 'submit', submission }, NOW);
    this.fleet.update(state);
    return state;
  }

  admit(): string[] {
    const admitted: string[] = [];
    this.fleet.admit(NOW, this.slots, (plan, ordinal) => {
      admit(plan, ordinal, NOW);
      admitted.push(`${plan.planId}/${stepOf(plan, ordinal).instance.name}`);
    });
    return admitted;
  }

  finish(plan: PlanState, ordinal: number): void {
    const lease = { ordinal, epoch: stepOf(plan, ordinal).epoch, worker: 'w', tokenDigest: 't' };
    decide(plan, { kind: 'passed', lease, commit: null, outputs: {}, resolved: null, candidate: null }, NOW);
    this.fleet.update(plan);
  }
}

describe('the fleet', () => {
  it('keeps only a shallow window of what workers can start soon', () => {
    const yard = new Yard();
    const plan = yard.plan('p1', 'acme', fanOut(10_000));
    expect(yard.admit()).toHaveLength(4);
    expect(yard.admit()).toHaveLength(0);
    yard.finish(plan, 0);
    expect(yard.admit()).toEqual(['p1/leaf[4]']);
  });

  it("gives a newcomer's ten steps their turn beside somebody's ten thousand", () => {
    const yard = new Yard();
    const big = yard.plan('big', 'acme', fanOut(10_000));
    yard.admit();
    yard.plan('small', 'newcomer', fanOut(10));
    for (const ordinal of [0, 1, 2, 3]) yard.finish(big, ordinal);
    expect(yard.admit()).toEqual(['big/leaf[4]', 'small/leaf[0]', 'big/leaf[5]', 'small/leaf[1]']);
  });

  it('takes turns by tenant first, so that many plans of one tenant do not crowd out another', () => {
    const yard = new Yard();
    for (const planId of ['a1', 'a2', 'a3']) yard.plan(planId, 'acme', fanOut(10));
    yard.plan('b1', 'beta', fanOut(10));
    expect(yard.admit()).toEqual(['a1/leaf[0]', 'b1/leaf[0]', 'a2/leaf[0]', 'b1/leaf[1]']);
  });

  it.each([
    ['fleet', { fleet: 3 }, {}, 'the fleet is at its cap of 3'],
    ['pool', { pools: { default: 3 } }, {}, 'pool "default" is at its cap of 3'],
    ['plan', {}, { maxParallel: 3 }, 'the plan is at its maxParallel of 3'],
  ])('holds the cap of the %s exactly, and says so', (_name, caps, limits, reason) => {
    const yard = new Yard(caps);
    const plan = yard.plan('p1', 'acme', fanOut(10, limits));
    expect(yard.admit()).toHaveLength(3);
    expect(explainWait(yard.fleet, plan, 9, NOW, yard.slots)).toBe(reason);
    yard.finish(plan, 0);
    expect(yard.admit()).toHaveLength(1);
  });

  it('lets other plans pass one that is at its own cap', () => {
    const yard = new Yard();
    yard.plan('narrow', 'acme', fanOut(10, { maxParallel: 1 }));
    yard.plan('wide', 'acme', fanOut(10));
    expect(yard.admit()).toEqual(['narrow/leaf[0]', 'wide/leaf[0]', 'wide/leaf[1]', 'wide/leaf[2]']);
  });

  it('admits nothing into a pool that no worker serves, and says what to do', () => {
    const yard = new Yard();
    const plan = yard.plan('p1', 'acme', fanOut(1, { pool: 'heavy' }));
    expect(yard.admit()).toEqual([]);
    expect(explainWait(yard.fleet, plan, 0, NOW, yard.slots)).toBe(
      'no worker serves pool "heavy": start one, or change the step\'s pool',
    );
    yard.slots.set('heavy', 1);
    expect(yard.admit()).toEqual(['p1/leaf[0]']);
  });

  it('forgets a plan that left, with everything it held', () => {
    const yard = new Yard();
    yard.plan('p1', 'acme', fanOut(10));
    yard.admit();
    yard.fleet.remove('p1');
    expect(yard.fleet.stepsInFlight).toBe(0);
    yard.plan('p2', 'acme', fanOut(10));
    expect(yard.admit()).toHaveLength(4);
  });

  it('lets every pool have its turn under a cap of the whole fleet, whichever had work first', () => {
    const yard = new Yard({ fleet: 2 });
    yard.slots.set('heavy', 2);
    const busy = yard.plan('busy', 'a', fanOut(100));
    const heavy = yard.plan('heavy', 'b', fanOut(10, { pool: 'heavy' }));
    expect(yard.admit()).toEqual(['busy/leaf[0]', 'heavy/leaf[0]']);
    yard.finish(busy, 0);
    yard.finish(heavy, 0);
    // One place at a time, as it is in a busy fleet.
    expect(yard.admit()).toEqual(['busy/leaf[1]', 'heavy/leaf[1]']);
    yard.finish(busy, 1);
    expect(yard.admit()).toEqual(['busy/leaf[2]']);
    yard.finish(busy, 2);
    expect(yard.admit()).toEqual(['heavy/leaf[2]']);
  });
});
