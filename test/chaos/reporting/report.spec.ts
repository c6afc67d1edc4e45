import { longestToProgress } from './report.ts';

describe('the longest time from the end of faults to progress', () => {
  it('is that of the worst round', () => {
    expect(longestToProgress([100, 500], [50, 130, 140, 590])).toBe(90);
  });

  it('is nothing when something moves at that very moment', () => {
    expect(longestToProgress([100], [100])).toBe(0);
  });

  it('says nothing of a round that nothing followed', () => {
    expect(longestToProgress([100, 900], [150])).toBe(50);
    expect(longestToProgress([900], [150])).toBeNull();
  });
});
