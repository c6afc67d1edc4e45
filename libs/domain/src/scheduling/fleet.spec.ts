import { aPlan, aStep } from '#testing';
import { admit, decide } from '../plan/decide.ts';
import type { PlanDefinition } from '../plan/definition.ts';
import { initialPlanState, stepOf, type PlanState } from '../plan/state.ts';
import type { FleetCaps } from './caps.ts';
import { explainStep, explainWait } from './explain.ts';
import { Fleet } from './fleet.ts';

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

  it('knows the pools that have a step in flight, and forgets those that have none any more', () => {
    const yard = new Yard();
    yard.slots.set('heavy', 1);
    const plan = yard.plan('p1', 'acme', fanOut(1, { pool: 'heavy' }));
    yard.plan('p2', 'acme', fanOut(1, { pool: 'nobodys' }));
    expect([...yard.fleet.poolsInFlight()]).toEqual([]);
    yard.admit();
    expect([...yard.fleet.poolsInFlight()]).toEqual(['heavy']);
    yard.finish(plan, 0);
    expect([...yard.fleet.poolsInFlight()]).toEqual([]);
  });

  it("gives a newcomer's ten steps their turn beside somebody's ten thousand", () => {
    const yard = new Yard();
    const big = yard.plan('big', 'acme', fanOut(10_000));
    yard.admit();
    yard.plan('small', 'newcomer', fanOut(10));
    for (const ordinal of [0, 1, 2, 3]) yard.finish(big, ordinal);
    expect(yard.admit()).toEqual(['small/leaf[0]', 'big/leaf[4]', 'small/leaf[1]', 'big/leaf[5]']);
  });

  it('takes turns by tenant first, so that many plans of one tenant do not crowd out another', () => {
    const yard = new Yard();
    for (const planId of ['a1', 'a2', 'a3']) yard.plan(planId, 'acme', fanOut(10));
    yard.plan('b1', 'beta', fanOut(10));
    expect(yard.admit()).toEqual(['a1/leaf[0]', 'b1/leaf[0]', 'a2/leaf[0]', 'b1/leaf[1]']);
  });

  it.each([
    ['fleet', { fleet: 3 }, {}, 'the fleet is at its cap of 3 (3 in flight)'],
    ['pool', { pools: { default: 3 } }, {}, 'pool "default" is at its cap of 3 (3 in flight)'],
    ['plan', {}, { maxParallel: 3 }, 'the plan is at its maxParallel of 3 (3 in flight)'],
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

  it('gives a plan twice the turns of one whose priority is one less, and starves neither', () => {
    const yard = new Yard();
    yard.slots.set('default', 6);
    yard.plan('plain', 'acme', fanOut(100));
    yard.plan('urgent', 'acme', { ...fanOut(100), priority: 1 });
    const turns = yard.admit().map((name) => name.split('/')[0]);
    expect(turns.filter((planId) => planId === 'urgent')).toHaveLength(8);
    expect(turns.filter((planId) => planId === 'plain')).toHaveLength(4);
  });

  it("admits a plan's own steps by their priority, and equals in turns", () => {
    const yard = new Yard();
    yard.slots.set('default', 3);
    const steps = ['low', 'first', 'second'].map((name, index) =>
      aStep({
        name,
        priority: index === 0 ? -1 : 3,
        locks: index === 2 ? ['l'] : [],
        matrix: { kind: 'list', values: ['1', '2'] },
      }),
    );
    yard.plan('p1', 'acme', aPlan({ steps, locks: { l: 5 } }));
    expect(yard.admit()).toEqual([
      'p1/first[1]',
      'p1/second[1]',
      'p1/first[2]',
      'p1/second[2]',
      'p1/low[1]',
      'p1/low[2]',
    ]);
  });

  describe('a lock', () => {
    const locking = (lock: string, own: Record<string, number> = {}): PlanDefinition =>
      aPlan({
        locks: own,
        steps: [
          aStep({ name: 'held', locks: [lock], matrix: { kind: 'list', values: ['1', '2', '3'] } }),
          aStep({ name: 'free' }),
        ],
      });

    it('of the plan is held by as many as the plan says, and what needs none passes by', () => {
      const yard = new Yard();
      const plan = yard.plan('p1', 'acme', locking('db', { db: 2 }));
      expect(yard.admit()).toEqual(['p1/held[1]', 'p1/free', 'p1/held[2]']);
      expect(explainWait(yard.fleet, plan, 2, NOW, yard.slots)).toBe(
        'the plan\'s lock "db" is held (2 of 2)',
      );
      yard.finish(plan, 0);
      expect(yard.admit()).toEqual(['p1/held[3]']);
    });

    it('of the tenant spans its plans, and is one when nobody says otherwise', () => {
      const yard = new Yard();
      yard.slots.set('default', 10);
      const one = yard.plan('p1', 'acme', locking('staging'));
      const two = yard.plan('p2', 'acme', locking('staging'));
      yard.plan('p3', 'beta', locking('staging'));
      const admitted = yard.admit();
      expect(admitted.filter((name) => name.includes('held'))).toEqual(['p1/held[1]', 'p3/held[1]']);
      expect(explainWait(yard.fleet, two, 0, NOW, yard.slots)).toBe(
        'the tenant\'s lock "staging" is held (1 of 1)',
      );
      yard.finish(one, 0);
      // Who waited for it is looked at again, though nothing moved in its own plan.
      expect(yard.admit()).toEqual(['p2/held[1]']);
    });

    it('of the tenant may be had by as many as the fleet allows', () => {
      const yard = new Yard({ locks: { staging: 2 } });
      yard.plan('p1', 'acme', locking('staging'));
      yard.plan('p2', 'acme', locking('staging'));
      expect(yard.admit().filter((name) => name.includes('held'))).toHaveLength(2);
    });

    it('is free again when its holder is lost', () => {
      const yard = new Yard();
      const one = yard.plan('p1', 'acme', locking('staging'));
      yard.plan('p2', 'acme', locking('staging'));
      yard.admit();
      const reason = { code: 'worker-silent', message: 'silent' };
      decide(one, { kind: 'lease-expired', ordinal: 0, epoch: 1, counts: true, reason, jitter: 1 }, NOW);
      yard.fleet.update(one);
      expect(yard.admit().filter((name) => name.includes('held'))).toEqual(['p2/held[1]']);
    });
  });

  it.each([
    [
      'a tenant',
      { tenants: { acme: 2 } },
      'tenant acme is at its cap of 2 (2 in flight); its plan is next in line',
    ],
    [
      'a repository',
      { repositories: { '/repo': 2 } },
      'the repository /repo is at its cap of 2 (2 in flight)',
    ],
  ])('holds the cap of %s exactly over all its plans, and lets others pass', (_what, caps, reason) => {
    const yard = new Yard(caps);
    yard.slots.set('default', 4);
    const onRepo = { ...fanOut(3), repo: { url: '/repo', base: 'main' } };
    const expanded = (plan: PlanState): PlanState => {
      const lease = { ordinal: 0, epoch: 1, worker: 'w', tokenDigest: 't' };
      const resolved = { baseSha: 'b', files: {}, texts: {} };
      decide(plan, { kind: 'passed', lease, commit: null, outputs: {}, resolved, candidate: null }, NOW);
      yard.fleet.update(plan);
      return plan;
    };
    const plans = ['p1', 'p2'].map((planId) => yard.plan(planId, 'acme', onRepo));
    expect(yard.admit()).toHaveLength(2);
    const [first] = plans.map(expanded);
    yard.plan('p3', 'beta', fanOut(2));
    const admitted = yard.admit();
    expect(admitted.filter((name) => !name.startsWith('p3'))).toHaveLength(2);
    expect(admitted.filter((name) => name.startsWith('p3'))).toHaveLength(2);
    expect(explainWait(yard.fleet, first!, 3, NOW, yard.slots)).toBe(reason);
  });

  it('says how many have their turn before', () => {
    const yard = new Yard();
    yard.slots.set('default', 1);
    const plans = ['a1', 'a2', 'a3'].map((planId) => yard.plan(planId, 'acme', fanOut(10)));
    yard.admit();
    yard.slots.set('default', 100);
    expect(explainWait(yard.fleet, plans[2]!, 0, NOW, yard.slots)).toBe('is admitted next');
    expect(explainWait(yard.fleet, plans[1]!, 5, NOW, yard.slots)).toBe(
      'its plan is number 3 of 3 in line for pool "default"',
    );
  });

  it('names the limit, how much of it is in use, and the place in line among all tenants', () => {
    const yard = new Yard({ fleet: 2, weights: { beta: 2 } });
    const plans = ['a1', 'a2'].map((planId) => yard.plan(planId, 'acme', fanOut(10)));
    yard.admit();
    for (const planId of ['b1', 'b2', 'b3']) yard.plan(planId, 'beta', fanOut(1));
    const told = (plan: PlanState, ordinal: number) =>
      explainStep(yard.fleet, plan, ordinal, NOW, yard.slots, { counting: true });
    expect(told(plans[1]!, 9)).toEqual({
      text: 'the fleet is at its cap of 2 (2 in flight); its plan is number 5 of 5 in line for pool "default", behind 8 of its own steps',
      limit: { kind: 'fleet', name: null, limit: 2, inUse: 2 },
      line: { pool: 'default', place: 5, of: 5, stepsBefore: 8 },
    });
    expect(told(plans[0]!, 1)?.line).toEqual({ pool: 'default', place: 3, of: 5, stepsBefore: 0 });
  });

  it('gives a plan the place in line at which it is admitted, if everybody takes one turn', () => {
    const yard = new Yard({ weights: { a: 1, b: 3, c: 2 } });
    yard.slots.set('default', 0);
    const plans = [...'aabbbbcc'].map((tenant, index) => yard.plan(`${tenant}${index}`, tenant, fanOut(1)));
    yard.admit();
    const places = plans.map((plan) => [plan.planId, yard.fleet.placeOf(plan, 'default')!.before] as const);
    yard.slots.set('default', 100);
    const order = yard.admit().map((name) => name.split('/')[0]);
    const inOrder = places.toSorted((one, other) => one[1] - other[1]).map(([planId]) => planId);
    expect(inOrder).toEqual(order);
    expect(places.map(([, before]) => before).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('looks at no plan that only waits', () => {
    const yard = new Yard();
    const wait = aPlan({ steps: [aStep({ work: { kind: 'wait', until: { forMs: 60_000 } } })] });
    for (let index = 0; index < 1_000; index += 1) yard.plan(`p${index}`, 'acme', wait);
    expect(yard.admit()).toEqual([]);
    expect(yard.fleet.nextWake()).toBe(NOW + 60_000);
    expect(yard.fleet.overdue(NOW + 59_999, 10_000)).toEqual([]);
    expect(yard.fleet.overdue(NOW + 60_000, 10)).toHaveLength(10);
    // They want the time until they are told it.
    expect(yard.fleet.overdue(NOW + 60_000, 10_000)).toHaveLength(1_000);
  });

  describe('limits that are changed while it runs', () => {
    it('kill nothing when they are lowered, and admit again only when there is less', () => {
      const yard = new Yard();
      yard.slots.set('default', 3);
      const plan = yard.plan('p1', 'acme', fanOut(20));
      expect(yard.admit()).toHaveLength(6);
      yard.fleet.changeLimits([['tenant:acme', 2]]);
      for (const ordinal of [0, 1, 2, 3]) {
        expect(yard.admit()).toEqual([]);
        yard.finish(plan, ordinal);
      }
      expect(plan.inFlight).toBe(2);
      expect(yard.admit()).toEqual([]);
      yard.finish(plan, 4);
      expect(yard.admit()).toHaveLength(1);
      expect(explainWait(yard.fleet, plan, 19, NOW, yard.slots)).toBe(
        'tenant acme is at its cap of 2 (2 in flight)',
      );
    });

    it.each([
      ['fleet', { fleet: 1 }, {}, ['fleet', 3]],
      ['pool', { pools: { default: 1 } }, {}, ['pool:default', 3]],
      ['tenant', { tenants: { acme: 1 } }, {}, ['tenant:acme', 3]],
      ['every tenant', { tenants: { '*': 1 } }, {}, ['tenant:*', 3]],
      ['plan', {}, { maxParallel: 1 }, ['plan:plan0001', 3]],
      ['lock', {}, { locked: true }, ['lock:db', 3]],
    ] as const)(
      'let who waited for the cap of the %s go on at once when it is raised',
      (_, caps, o, change) => {
        const yard = new Yard(caps);
        const { locked = false, ...rest } = o as { locked?: boolean; maxParallel?: number };
        const plan = fanOut(10, rest);
        yard.plan(
          'plan0001',
          'acme',
          locked ? { ...plan, steps: plan.steps.map((one) => ({ ...one, locks: ['db'] })) } : plan,
        );
        expect(yard.admit()).toHaveLength(1);
        yard.fleet.changeLimits([[...change]]);
        expect(yard.admit()).toHaveLength(2);
        // Taken back: the settings hold again.
        yard.fleet.changeLimits([]);
        expect(yard.admit()).toHaveLength(0);
      },
    );

    it('give a tenant the turns of its new weight, and a plan those of its new priority', () => {
      const yard = new Yard();
      yard.slots.set('default', 8);
      for (const tenant of ['a', 'b']) yard.plan(`${tenant}-plan-1`, tenant, fanOut(100));
      yard.fleet.changeLimits([['weight:a', 3]]);
      const shares = yard.admit().map((name) => name[0]);
      expect(shares.filter((tenant) => tenant === 'a')).toHaveLength(12);

      const other = new Yard();
      other.slots.set('default', 6);
      for (const planId of ['plain001', 'urgent01']) other.plan(planId, 'acme', fanOut(100));
      other.fleet.changeLimits([['priority:urgent01', 1]]);
      expect(other.admit().filter((name) => name.startsWith('urgent'))).toHaveLength(8);
    });

    it('are told with what is in use, as is what has no limit', () => {
      const yard = new Yard({ fleet: 100, tenants: { '*': 50 }, openSteps: 1_000 });
      yard.plan('plan0001', 'acme', fanOut(10));
      yard.fleet.changeLimits([
        ['pool:default', 3],
        ['weight:acme', 2],
      ]);
      yard.admit();
      const told = [...yard.fleet.limits()].map(
        ({ kind, name, value, from, inUse }) =>
          [name === null ? kind : `${kind}:${name}`, value, from, inUse] as const,
      );
      expect(told).toEqual([
        ['fleet', 100, 'settings', 3],
        ['quota:*', 1_000, 'settings', null],
        ['tenant:*', 50, 'settings', null],
        ['pool:default', 3, 'changed', 3],
        ['weight:acme', 2, 'changed', null],
        ['tenant:acme', 50, 'everyone', 3],
      ]);
    });
  });

  it('takes names of properties that all objects have for names', () => {
    const yard = new Yard();
    const steps = [aStep({ locks: ['constructor'], pool: 'constructor' })];
    yard.slots.set('constructor', 1);
    yard.plan('p1', 'constructor', aPlan({ steps }));
    expect(yard.admit()).toHaveLength(1);
  });
});
