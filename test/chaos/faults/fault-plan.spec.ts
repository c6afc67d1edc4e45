import { ALL_FAULT_KINDS, FAULT_KINDS } from './fault-kind.ts';
import { BEYOND_LEASE_MS, planFaults, type FaultPlanOptions } from './fault-plan.ts';

const options: FaultPlanOptions = {
  seed: 1,
  durationMs: 600_000,
  leaseMs: 4_000,
  workers: 4,
  coordinators: 2,
  kinds: ALL_FAULT_KINDS,
};

describe('a plan of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planFaults(options)).toEqual(planFaults(options));
    expect(planFaults({ ...options, seed: 2 })).not.toEqual(planFaults(options));
  });

  it('does each kind once before any kind comes much more often', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const counts = new Map(ALL_FAULT_KINDS.map((kind) => [kind, 0]));
      for (const { kind } of planFaults({ ...options, seed }).flatMap(({ faults }) => faults))
        counts.set(kind, counts.get(kind)! + 1);
      expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(1);
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(2);
    }
  });

  it('ends every fault in time, and leaves the fleet alone between rounds', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      let calmSince = 0;
      for (const { faults, endsMs } of planFaults({ ...options, seed })) {
        for (const { atMs, lastsMs } of faults) {
          expect(atMs).toBeGreaterThanOrEqual(
            calmSince === 0 ? 1_000 : calmSince + options.leaseMs + BEYOND_LEASE_MS,
          );
          expect(atMs + lastsMs).toBeLessThanOrEqual(endsMs);
        }
        expect(endsMs).toBeLessThanOrEqual(options.durationMs);
        calmSince = endsMs;
      }
    }
  });

  it('does nothing twice to one subject in a round', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      for (const { faults } of planFaults({ ...options, seed, durationMs: 60_000 })) {
        const subjects = faults.map(({ kind }) => FAULT_KINDS[kind].subject);
        expect(new Set(subjects).size).toBe(subjects.length);
      }
    }
  });

  it('does each kind within a minute when the run is short', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const rounds = planFaults({ ...options, seed, durationMs: 75_000 });
      const kinds = new Set(rounds.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
      expect(kinds.size).toBe(ALL_FAULT_KINDS.length);
    }
  });

  it('names only what is there', () => {
    const rounds = planFaults({
      ...options,
      workers: 2,
      coordinators: 1,
      kinds: ['worker-killed', 'decider-stopped'],
    });
    for (const { kind, target } of rounds.flatMap(({ faults }) => faults))
      expect(target).toBeLessThan(kind === 'worker-killed' ? 2 : 1);
  });
});
