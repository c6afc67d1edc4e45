import fc from 'fast-check';
import { aPlan, aStep } from '#testing';
import { admit, decide } from '../plan/decide.ts';
import { initialPlanState, stepOf, type PlanState } from '../plan/state.ts';
import { Fleet } from './fleet.ts';

const NOW = 1_800_000_000_000;
const by = { name: 'me', via: 'cli' };

interface Tenant {
  name: string;
  stepsOfPlan: number;
  oneAtATime?: boolean;
}

/** Tenants that always have more to do, in one pool; every round one of the steps in flight ends. */
class Backlog {
  readonly inFlight: { plan: PlanState; ordinal: number }[] = [];
  readonly turns = new Map<string, number>();
  readonly fleet: Fleet;
  private readonly limits = new Map<string, number>();
  private plans = 0;

  constructor(
    private readonly tenants: readonly Tenant[],
    private readonly slots: number,
    weights: Record<string, number>,
  ) {
    this.fleet = new Fleet({ fleet: null, pools: {}, weights });
  }

  change(key: string, value: number | null): void {
    if (value === null) this.limits.delete(key);
    else this.limits.set(key, value);
    this.fleet.changeLimits(this.limits);
  }

  round(choice: number): void {
    for (const tenant of this.tenants) this.fill(tenant);
    this.fleet.admit(NOW, new Map([['default', this.slots]]), (plan, ordinal) => {
      admit(plan, ordinal, NOW);
      const { tenant } = plan.submitted!;
      this.turns.set(tenant, (this.turns.get(tenant) ?? 0) + 1);
      this.inFlight.push({ plan, ordinal });
      this.hold();
    });
    const [done] = this.inFlight.splice(choice % Math.max(1, this.inFlight.length), 1);
    if (done) this.pass(done.plan, done.ordinal);
  }

  of(tenant: string): number {
    return this.inFlight.filter(({ plan }) => plan.submitted!.tenant === tenant).length;
  }

  /** At the moment of an admission nothing may be over its cap; before it, it may have been lowered below what runs. */
  private hold(): void {
    const { plan } = this.inFlight.at(-1)!;
    const { tenant } = plan.submitted!;
    const cap = (key: string) => this.limits.get(key) ?? Infinity;
    expect(this.of(tenant)).toBeLessThanOrEqual(cap(`tenant:${tenant}`));
    expect(this.inFlight.length).toBeLessThanOrEqual(cap('fleet'));
    expect(this.inFlight.length).toBeLessThanOrEqual(cap('pool:default'));
    expect(this.fleet.stepsInFlight + 1).toBe(this.inFlight.length);
  }

  /** More than could be admitted in one go: some tenants have many short plans, some a long one. */
  private fill(tenant: Tenant): void {
    const open = () => [...this.fleet.openPlans].filter(({ submitted }) => submitted!.tenant === tenant.name);
    if (tenant.oneAtATime === true) {
      if (open().length === 0) this.submit(tenant);
      return;
    }
    const ready = () => open().reduce((sum, { readyCount }) => sum + readyCount, 0);
    while (ready() <= 2 * this.slots) this.submit(tenant);
  }

  private submit({ name, stepsOfPlan }: Tenant): void {
    const values = Array.from({ length: stepsOfPlan }, (_, index) => String(index));
    const definition = aPlan({ steps: [aStep({ matrix: { kind: 'list', values } })] });
    const state = initialPlanState(`plan${(this.plans += 1)}`);
    const submission = { tenant: name, definition, digest: 'd', idempotencyKey: 'k', by, traceparent: null };
    decide(state, { kind: 'submit', submission }, NOW);
    this.fleet.update(state);
  }

  private pass(plan: PlanState, ordinal: number): void {
    const lease = { ordinal, epoch: stepOf(plan, ordinal).epoch, worker: 'w', tokenDigest: 't' };
    decide(plan, { kind: 'passed', lease, commit: null, outputs: {}, resolved: null, candidate: null }, NOW);
    this.fleet.update(plan);
  }
}

const tenantArb = fc.record({
  weight: fc.integer({ min: 1, max: 8 }),
  stepsOfPlan: fc.constantFrom(1, 1, 2, 10, 2_000),
});

describe('tenants that always have more to do', () => {
  it('share a pool by their weights, whether their plans are long or short', () => {
    fc.assert(
      fc.property(
        fc.array(tenantArb, { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat(100)),
        (given, slots, choices) => {
          const tenants = given.map((one, index) => ({ ...one, name: `t${index}` }));
          const weights = Object.fromEntries(tenants.map(({ name, weight }) => [name, weight]));
          const backlog = new Backlog(tenants, slots, weights);
          for (let round = 0; round < 300; round += 1) backlog.round(choices.next().value as number);
          const turns = tenants.map(({ name, weight }) => (backlog.turns.get(name) ?? 0) / weight);
          // In turns of a weight of 1: two are never more than one turn of each apart.
          for (const one of turns) for (const other of turns) expect(one - other).toBeLessThanOrEqual(2);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('get no more than their share by making short plans of their work, one after the other', () => {
    const tenants = [
      { name: 'short', stepsOfPlan: 1, oneAtATime: true },
      { name: 'long', stepsOfPlan: 5_000 },
    ];
    const backlog = new Backlog(tenants, 1, { long: 3 });
    for (let round = 0; round < 1_000; round += 1) backlog.round(0);
    expect(backlog.turns.get('long')! / backlog.turns.get('short')!).toBeGreaterThan(2.9);
  });

  it('hold every cap at each admission, whatever is changed meanwhile, and none starves', () => {
    const moves = fc.record({
      choice: fc.nat(100),
      change: fc.option(
        fc.record({
          key: fc.constantFrom('fleet', 'pool:default', 'tenant:t0', 'tenant:t1', 'tenant:t2', 'weight:t1'),
          value: fc.option(fc.integer({ min: 0, max: 6 }), { nil: null }),
        }),
        { freq: 3, nil: null },
      ),
    });
    fc.assert(
      fc.property(fc.array(moves, { minLength: 50, maxLength: 200, size: 'max' }), (story) => {
        const tenants = [0, 1, 2].map((index) => ({ name: `t${index}`, stepsOfPlan: index === 0 ? 500 : 7 }));
        const backlog = new Backlog(tenants, 3, {});
        for (const { choice, change } of story) {
          if (change)
            backlog.change(change.key, change.key.startsWith('weight') ? change.value || 1 : change.value);
          backlog.round(choice);
        }
        for (const key of ['fleet', 'pool:default', 'tenant:t0', 'tenant:t1', 'tenant:t2', 'weight:t1'])
          backlog.change(key, null);
        const before = new Map(backlog.turns);
        for (let round = 0; round < 40; round += 1) backlog.round(round);
        const since = tenants.map(({ name }) => backlog.turns.get(name)! - (before.get(name) ?? 0));
        // Whatever was changed before: from now on all have equal turns.
        expect(Math.max(...since) - Math.min(...since)).toBeLessThanOrEqual(3);
      }),
      { numRuns: 50 },
    );
  });
});
