import { formatDuration, formatTime } from './duration.ts';

describe('times', () => {
  it('are written as people say them', () => {
    expect([5, 1_500, 65_000, 7_380_000].map(formatDuration)).toEqual([
      '5 ms',
      '1.5 s',
      '1 min 05 s',
      '2 h 03 min',
    ]);
    expect(formatTime(Date.parse('2026-11-20T12:00:05.678Z'))).toBe('2026-11-20T12:00:05Z');
  });
});
