import { initialPlanState, type StepState } from '#domain';
import { LeaseTable } from './lease-table.ts';

const LEASE = { planId: 'p1', ordinal: 3, epoch: 2, worker: 'w1' };
const grant = {
  type: 'lease.granted' as const,
  data: { ordinal: 3, epoch: 2, worker: 'w1', tokenDigest: 't' },
};

describe('the lease table', () => {
  it('keeps a lease as long as its worker speaks, and no longer', () => {
    const table = new LeaseTable(1_000);
    table.follow('p1', grant, 0);
    expect(table.expired(999)).toEqual([]);
    expect(table.renew('p1', 3, 2, 900)).toBe(true);
    expect(table.expired(1_899)).toEqual([]);
    expect(table.expired(1_900)).toMatchObject([{ ...LEASE, seen: true }]);
  });

  it('renews nothing for an epoch that is over', () => {
    const table = new LeaseTable(1_000);
    table.follow('p1', grant, 0);
    expect(table.renew('p1', 3, 1, 500)).toBe(false);
    expect(table.expired(1_000)).toHaveLength(1);
  });

  it('gives an inherited lease a full term, and counts its loss only once it was heard of', () => {
    const table = new LeaseTable(1_000);
    table.inherit(LEASE, 0);
    expect(table.expired(999)).toEqual([]);
    expect(table.expired(1_000)).toMatchObject([{ seen: false }]);
    table.renew('p1', 3, 2, 1_000);
    expect(table.expired(2_000)).toMatchObject([{ seen: true }]);
  });

  it('gives everyone a full term, uncounted, after a time in which nobody could be heard', () => {
    const table = new LeaseTable(1_000);
    table.follow('p1', grant, 0);
    table.extendAll(60_000);
    expect(table.expired(60_999)).toEqual([]);
    expect(table.expired(61_000)).toMatchObject([{ seen: false }]);
  });

  it.each([
    'lease.lost',
    'lease.released',
    'step.passed',
    'step.blocked',
    'step.poisoned',
    'step.cancelled',
    'step.skipped',
    'report.published',
  ])('ends a lease with %s', (type) => {
    const table = new LeaseTable(1_000);
    table.follow('p1', grant, 0);
    table.follow('p1', { type, data: { ordinal: 3 } } as never, 0);
    expect(table.size).toBe(0);
  });

  it('keeps of a plan that has ended only the leases that outlive it', () => {
    const table = new LeaseTable(1_000);
    table.follow('p1', grant, 0);
    table.follow('p1', { ...grant, data: { ...grant.data, ordinal: 4 } }, 0);
    const plan = initialPlanState('p1');
    plan.steps[3] = { status: 'cancelled' } as StepState;
    plan.steps[4] = { status: 'leased' } as StepState;
    table.keepLeased(plan);
    expect(table.expired(1_000)).toMatchObject([{ ordinal: 4 }]);
  });
});
