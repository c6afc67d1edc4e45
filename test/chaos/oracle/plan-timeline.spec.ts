import { longestForOnePlan, timelineOf } from './plan-timeline.ts';

const T0 = Date.parse('2026-11-21T00:00:00.000Z');

function timeline(...told: [ms: number, type: string, ordinal?: number][]) {
  const events = told.map(([ms, type, ordinal], index) => ({
    ...{ seq: index + 1, type, at: new Date(T0 + ms).toISOString() },
    data: ordinal === undefined ? {} : { ordinal },
  }));
  return timelineOf(events);
}

const longest = (roundEndMs: number, ...timelines: ReturnType<typeof timeline>[]) =>
  longestForOnePlan([T0 + roundEndMs], timelines);

describe('how long one plan stands still after a round of faults', () => {
  const busy = timeline([0, 'step.admitted', 1], [60, 'lease.granted', 1], [90, 'step.passed', 1]);

  it('is asked of each plan, however busy the others are', () => {
    const slow = timeline([0, 'step.admitted', 1], [900, 'lease.granted', 1]);
    expect(longest(50, busy)).toBe(10);
    expect(longest(50, busy, slow)).toBe(850);
  });

  it('is not ended by the loss of a lease, but by what follows it', () => {
    const lost = timeline(
      [0, 'step.admitted', 1],
      [100, 'lease.lost', 1],
      [200, 'step.admitted', 1],
      [300, 'lease.granted', 1],
    );
    expect(longest(50, lost)).toBe(250);
  });

  it('says nothing of a plan that had nothing under way: in a backoff, a wait, or at its end', () => {
    const given = timeline([0, 'step.admitted', 1], [10, 'lease.released', 1], [800, 'step.admitted', 1]);
    const ended = timeline([0, 'step.admitted', 1], [10, 'plan.cancelled']);
    expect(longest(50, given, ended)).toBeNull();
  });

  it('says nothing of a plan that never moved again: that it did not close is for others to say', () => {
    expect(longest(50, timeline([0, 'step.admitted', 1]))).toBeNull();
  });
});
