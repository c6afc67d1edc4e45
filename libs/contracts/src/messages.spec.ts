import { WORKER_SLOTS_MAX, heartbeatMessage } from './messages.ts';

describe('a heartbeat', () => {
  const lease = { planId: 'plan00000001', ordinal: 1, epoch: 1, token: 'a'.repeat(32) };
  const beat = {
    worker: 'w1',
    pools: ['default'],
    slots: WORKER_SLOTS_MAX,
    draining: false,
    leases: [lease],
  };
  const takes = (change: object): boolean => heartbeatMessage.safeParse({ ...beat, ...change }).success;

  it('may name as many slots and leases as a worker can have', () => {
    expect(takes({})).toBe(true);
    expect(takes({ leases: Array.from({ length: WORKER_SLOTS_MAX }, () => lease) })).toBe(true);
  });

  it.each([
    ['more slots than a worker can have', { slots: WORKER_SLOTS_MAX + 1 }],
    ['slots beyond counting', { slots: Number.MAX_SAFE_INTEGER }],
    ['fewer than none', { slots: -1 }],
    [
      'more leases than slots can hold',
      { leases: Array.from({ length: WORKER_SLOTS_MAX + 1 }, () => lease) },
    ],
    ['more pools than a worker can have', { pools: Array.from({ length: 33 }, (_, at) => `p${at}`) }],
    ['a name that no worker has', { worker: 'w'.repeat(65) }],
    ['a name that steers a subject', { worker: 'w1.>' }],
  ])('with %s is refused', (_what, change) => {
    expect(takes(change)).toBe(false);
  });
});
