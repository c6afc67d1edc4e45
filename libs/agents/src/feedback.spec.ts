import fc from 'fast-check';
import { FEEDBACK_BYTES_MAX, composeFeedback } from './feedback.ts';

describe('what the next attempt is told', () => {
  it('holds the reason, the real output, the diff and what failed before', () => {
    const text = composeFeedback({
      reason: 'the check `npm test` ended with exit code 1',
      output: 'not ok 3 adds\n',
      diffSoFar: 'diff --git a/x b/x\n+1\n',
      earlier: ['no change was made', 'changed a protected file:\nx.lock'],
    });
    expect(text).toBe(`the check \`npm test\` ended with exit code 1

## Output
not ok 3 adds

## Changes so far
diff --git a/x b/x
+1

## Earlier attempts
- attempt 1: no change was made
- attempt 2: changed a protected file:
  x.lock
`);
  });

  it('leaves out what there is not', () => {
    expect(composeFeedback({ reason: 'r', output: ' \n', diffSoFar: '', earlier: [] })).toBe('r\n');
  });

  it('keeps beginning and end of a long output, and gives it what a short diff does not need', () => {
    const output = `first\n${'x'.repeat(200_000)}\nlast\n`;
    const text = composeFeedback({ reason: 'r', output, diffSoFar: 'small diff', earlier: [] });
    expect(text).toMatch(/first\nx+\n\[\.\.\. \d+ bytes left out \.\.\.\]\nx+\nlast\n/);
    expect(text).toContain('small diff');
    expect(Buffer.byteLength(text)).toBeGreaterThan(FEEDBACK_BYTES_MAX - 1_000);
    const diff = composeFeedback({ reason: 'r', output: 'short', diffSoFar: output, earlier: [] });
    expect(diff).toContain('short');
    expect(Buffer.byteLength(diff)).toBeGreaterThan(FEEDBACK_BYTES_MAX - 1_000);
  });

  it('keeps the newest of many earlier attempts', () => {
    const earlier = Array.from({ length: 50 }, (_, i) => `reason ${i + 1} ${'é'.repeat(3_000)}`);
    const text = composeFeedback({ reason: 'r', output: '', diffSoFar: '', earlier });
    expect(text).toContain('attempt 50: reason 50 ');
    expect(text).toMatch(/- attempts 1 to \d\d: left out\n- attempt/);
    expect(Buffer.byteLength(text)).toBeLessThan(10_000);
  });

  it('has no escapes, no NUL and no secrets', () => {
    const text = composeFeedback({
      reason: 'failed\0',
      output: '\x1b[31mred\x1b[0m https://me:hunter2@example.com/x ghp_0123456789abcdefghij0123456789\n',
      diffSoFar: '+Authorization: Bearer abcdefghijklmnop',
      earlier: [],
    });
    expect(text).toMatch(/^failed\n/);
    expect(text).toContain('red https://[redacted]@example.com/x [redacted]\n');
    for (const gone of ['hunter2', 'ghp_', 'abcdefghijklmnop', '\0', '\x1b'])
      expect(text).not.toContain(gone);
  });

  it('is never longer than 64 KB of well-formed text, whatever comes', () => {
    const long = fc.tuple(fc.string({ unit: 'binary', maxLength: 20 }), fc.integer({ min: 0, max: 20_000 }));
    const text = long.map(([part, times]) => part.repeat(times));
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.array(text, { maxLength: 5 }),
        (reason, output, diffSoFar, earlier) => {
          const composed = composeFeedback({ reason, output, diffSoFar, earlier });
          expect(Buffer.byteLength(composed)).toBeLessThanOrEqual(FEEDBACK_BYTES_MAX);
          expect(composed.isWellFormed()).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });
});
