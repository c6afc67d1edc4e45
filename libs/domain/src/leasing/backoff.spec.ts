import { LEASE_BACKOFF, backoffMs } from './backoff.ts';

describe('the backoff of what is tried again', () => {
  const latest = (failures: number) => backoffMs(failures, 1);

  it('doubles with each failure', () => {
    expect([1, 2, 3, 4, 5].map(latest)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
  });

  it('has an end, however often something failed', () => {
    expect(latest(7)).toBe(LEASE_BACKOFF.maxMs);
    expect(latest(10_000)).toBe(LEASE_BACKOFF.maxMs);
  });

  it('lies anywhere from nothing to its latest, so that many who failed together do not come back together', () => {
    expect([0, 0.25, 0.5, 1].map((jitter) => backoffMs(3, jitter))).toEqual([0, 1_000, 2_000, 4_000]);
  });

  it('is no time travel, whatever chance says', () => {
    expect([backoffMs(1, -1), backoffMs(1, 7), backoffMs(0, 1)]).toEqual([0, 1_000, 1_000]);
  });
});
