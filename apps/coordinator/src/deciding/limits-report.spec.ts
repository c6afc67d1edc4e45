import { Fleet, LIMITS_CHANGED_MAX, type ChangedLimit, type LimitInUse } from '#domain';
import { limitsReport } from './limits-report.ts';

const NATS_DEFAULT_BYTES = 1_048_576;
const changed: ChangedLimit = {
  value: 1,
  by: { name: 'ä'.repeat(200), via: 'rest' },
  why: '\u0001'.repeat(1_000),
  at: 0,
};

function bytesOf(report: object): number {
  return Buffer.byteLength(JSON.stringify({ status: 'limits', report }));
}

describe('the report of limits', () => {
  it('is cut where a standby could not ask for it any more, however long names and reasons are', () => {
    const fleet = new Fleet({ fleet: 9, pools: {} });
    const keys = Array.from(
      { length: LIMITS_CHANGED_MAX },
      (_, index) => `repository:/${index}${'ß'.repeat(1_900)}`,
    );
    fleet.changeLimits(keys.map((key) => [key, 1]));
    const report = limitsReport({ fleet, limits: { seq: 3, changed: () => changed } });
    expect([report.seq, report.cut]).toEqual([3, true]);
    expect(report.limits.map(({ key }) => key)).toContain('fleet');
    expect(bytesOf(report)).toBeGreaterThan(600_000);
    expect(bytesOf(report)).toBeLessThan(NATS_DEFAULT_BYTES * 0.75);
  });

  it('leaves out what is merely in use, and says that there is more', () => {
    function* limits(): Generator<LimitInUse> {
      yield { kind: 'fleet', name: null, value: 9, from: 'settings', inUse: 1 };
      for (let index = 0; index < 20_000; index++)
        yield { kind: 'tenant', name: `t${index}`, value: null, from: null, inUse: 1 };
    }
    const report = limitsReport({ fleet: { limits }, limits: { seq: 0, changed: () => null } });
    expect(report.cut).toBe(true);
    expect(report.limits[0]).toMatchObject({ key: 'fleet' });
    expect(bytesOf(report)).toBeLessThan(NATS_DEFAULT_BYTES * 0.75);
  });

  it('of a few is whole', () => {
    const fleet = new Fleet({ fleet: 9, pools: { heavy: 2 } });
    const report = limitsReport({ fleet, limits: { seq: 0, changed: () => null } });
    expect(report).toMatchObject({ cut: false, limits: [{ key: 'fleet' }, { key: 'pool:heavy' }] });
  });
});
