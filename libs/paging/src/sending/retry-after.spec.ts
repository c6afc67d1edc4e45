import { RETRY_AFTER_MAX_MS, retryAfterMs } from './retry-after.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 7 ', 7_000],
    ['0', 0],
    ['Fri, 20 Nov 2026 12:00:30 GMT', 30_000],
    ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
    ['999999999', RETRY_AFTER_MAX_MS],
    ['Fri, 20 Nov 2099 12:00:00 GMT', RETRY_AFTER_MAX_MS],
  ])('%s', (text, expected) => {
    expect(retryAfterMs(text, NOW)).toBe(expected);
  });

  it.each([
    null,
    '',
    'soon',
    '-5',
    '1.5',
    '1e3',
    '99999999999999999999',
    'Fri, 20 Nov 2026',
    'Foo, 99 Bar 2026 99:99:99 GMT',
  ])('says nothing: %j', (text) => {
    expect(retryAfterMs(text, NOW)).toBeNull();
  });
});
