import { describeEstimate, estimateLeft, roughDuration, type StepTime } from './estimate.ts';

const NOW = 1_000_000;

function aStepTime(change: Partial<StepTime> = {}): StepTime {
  return {
    group: 'convert',
    kind: 'run',
    phase: 'open',
    needs: [],
    startedMs: null,
    endedMs: null,
    untilMs: null,
    ...change,
  };
}

const open = (count: number, change: Partial<StepTime> = {}) =>
  Array.from({ length: count }, () => aStepTime(change));

/** Ended one after the other, or `sideBySide` at once, the last one now. */
function finished(count: number, tookMs: number, change: Partial<StepTime> = {}, sideBySide = 1): StepTime[] {
  return Array.from({ length: count }, (_, i) => {
    const endedMs = NOW - Math.floor(i / sideBySide) * tookMs;
    return aStepTime({ phase: 'ended', startedMs: endedMs - tookMs, endedMs, ...change });
  });
}

function running(sinceMs: number, change: Partial<StepTime> = {}): StepTime {
  return aStepTime({ phase: 'running', startedMs: NOW - sinceMs, ...change });
}

describe('the estimate of what is left of a plan', () => {
  it('says nothing before a step has finished', () => {
    expect(estimateLeft([running(60_000), ...open(5)], NOW)).toBeNull();
  });

  it('says nothing while nothing goes on: no data tells when a person or a worker comes', () => {
    expect(estimateLeft([...finished(5, 10_000), ...open(5)], NOW)).toBeNull();
  });

  it('says nothing of steps that take longer than any before', () => {
    expect(estimateLeft([...finished(5, 10_000), running(60_000)], NOW)).toBeNull();
  });

  it('multiplies what is open by what such steps took, one after the other', () => {
    const steps = [...finished(10, 10_000), running(4_000), ...open(9)];
    expect(estimateLeft(steps, NOW)).toEqual({ leftMs: 96_000, atLeast: false });
  });

  it('counts on as many side by side as there were lately', () => {
    const steps = [...finished(12, 10_000, {}, 4), running(0), ...open(39)];
    expect(estimateLeft(steps, NOW)).toEqual({ leftMs: 100_000, atLeast: false });
  });

  it('goes by what is finished lately, not by the days when there were fewer workers', () => {
    const early = finished(500, 10_000).map((step) => ({
      ...step,
      startedMs: step.startedMs! - 10_000_000,
      endedMs: step.endedMs! - 10_000_000,
    }));
    const estimate = estimateLeft([...early, ...finished(64, 10_000, {}, 8), running(0), ...open(79)], NOW);
    expect(estimate!.leftMs).toBeCloseTo(100_000);
  });

  it('does not take a night without workers for the speed of the day', () => {
    const before = finished(2, 10_000).map((step) => ({
      ...step,
      startedMs: step.startedMs! - 36_000_000,
      endedMs: step.endedMs! - 36_000_000,
    }));
    const estimate = estimateLeft([...before, ...finished(2, 10_000), running(0), ...open(3)], NOW);
    expect(estimate!.leftMs).toBeLessThan(60_000);
  });

  it('adds up the steps that wait for each other, however many could go at once', () => {
    const chain = [
      ...finished(8, 10_000, { group: 'a' }, 8),
      running(0, { group: 'a' }),
      aStepTime({ group: 'b', needs: ['a'] }),
      aStepTime({ group: 'c', needs: ['b', 'a'] }),
    ];
    expect(estimateLeft(chain, NOW)).toEqual({ leftMs: 30_000, atLeast: false });
  });

  it('judges a group that has finished nothing by others of its kind, and by nothing else', () => {
    const same = [...finished(4, 10_000), running(0), aStepTime({ group: 'other' })];
    expect(estimateLeft(same, NOW)).toEqual({ leftMs: 20_000, atLeast: false });
    const agent = [...finished(4, 10_000), running(0), aStepTime({ group: 'other', kind: 'agent' })];
    expect(estimateLeft(agent, NOW)).toEqual({ leftMs: 10_000, atLeast: true });
  });

  it('waits for a sleeping step until its time', () => {
    const asleep = aStepTime({ group: 'soak', kind: 'wait', phase: 'sleeping', untilMs: NOW + 7_200_000 });
    expect(estimateLeft([asleep], NOW)).toEqual({ leftMs: 7_200_000, atLeast: false });
    const after = [...finished(4, 10_000), asleep, aStepTime({ group: 'after', needs: ['soak'] })];
    expect(estimateLeft(after, NOW)).toEqual({ leftMs: 7_210_000, atLeast: false });
  });

  it('learns nothing from waits, from what never began, and from the steps that Skein adds', () => {
    const steps = [
      aStepTime({ phase: 'ended', kind: 'wait', startedMs: 0, endedMs: NOW }),
      aStepTime({ phase: 'ended', startedMs: null, endedMs: NOW }),
      aStepTime({ phase: 'ended', kind: 'resolve', group: 'resolve', startedMs: 0, endedMs: NOW }),
      running(1_000),
      ...open(3),
    ];
    expect(estimateLeft(steps, NOW)).toBeNull();
  });

  it('takes a chain of a hundred thousand steps, and does not hang on one that bites its tail', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) =>
      aStepTime({ group: `g${i}`, needs: i === 0 ? [] : [`g${i - 1}`] }),
    );
    const steps = [...finished(4, 1_000, { group: 'g' }), running(0, { group: 'r' }), ...chain.toReversed()];
    expect(estimateLeft(steps, NOW)!.leftMs).toBeCloseTo(100_001_000, -4);
    const circle = [aStepTime({ group: 'a', needs: ['b'] }), aStepTime({ group: 'b', needs: ['a'] })];
    expect(estimateLeft([...finished(4, 1_000), running(0), ...circle], NOW)!.leftMs).toBeGreaterThan(0);
  });
});

describe('an estimate in words', () => {
  it.each([
    [1, '1 s'],
    [3_400, '3 s'],
    [11_000, '10 s'],
    [41_000, '40 s'],
    [100_000, '2 min'],
    [240_000, '4 min'],
    [3_590_000, '1 h'],
    [7_800_000, '2 h 10 min'],
    [86_300_000, '1 day'],
    [100_000_000, '1 day 4 h'],
    [172_800_000, '2 days'],
  ])('rounds %d ms to %s', (ms, words) => {
    expect(roughDuration(ms)).toBe(words);
  });

  it('says whether something is left that nobody has measured', () => {
    expect(describeEstimate({ leftMs: 240_000, atLeast: false })).toBe('about 4 min left');
    expect(describeEstimate({ leftMs: 240_000, atLeast: true })).toBe('at least 4 min left');
  });
});
