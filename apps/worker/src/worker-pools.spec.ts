import { heartbeatMessage } from '#contracts';
import { loadSettings } from '#config';

/** Whether the settings take so many pools; null: they refuse to. */
function poolsOf(count: number): string[] | null {
  const pools = Array.from({ length: count }, (_, index) => `pool-${index}`);
  try {
    return [...loadSettings({ HOME: '/home/me', SKEIN_WORKER_POOLS: pools.join() }).worker.pools];
  } catch {
    return null;
  }
}

describe('the pools of a worker', () => {
  it('are as many as a heartbeat may say: one more is refused at its start, instead of never being heard', () => {
    const says = (pools: string[]): boolean =>
      heartbeatMessage.safeParse({ worker: 'w1', pools, slots: 1, draining: false, leases: [] }).success;
    let most = 1;
    while (most < 100 && poolsOf(most + 1)) most += 1;
    expect(says(poolsOf(most)!)).toBe(true);
    expect(says([...poolsOf(most)!, 'one-more'])).toBe(false);
  });
});
