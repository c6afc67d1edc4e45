import { FEEDBACK_BYTES_MAX, renderFeedback } from './feedback.ts';

const reason = { code: 'verify-failed', message: 'The check `npm test` exited with 1.' };

describe('the feedback for the next attempt', () => {
  it('says what was rejected, why, the output and the diff', () => {
    const text = renderFeedback({ attempt: 2, reason, output: 'not ok 1', diff: '+a\n', earlier: null });
    expect(text).toContain('# Attempt 2 was rejected (verify-failed)');
    expect(text).toContain(reason.message);
    expect(text).toContain('not ok 1');
    expect(text).toContain('+a');
  });

  it('keeps the reasons of earlier attempts but not their output', () => {
    const first = renderFeedback({ attempt: 1, reason, output: 'first output', diff: '', earlier: null });
    const second = renderFeedback({ attempt: 2, reason, output: 'second output', diff: '', earlier: first });
    const third = renderFeedback({ attempt: 3, reason, output: 'third output', diff: '', earlier: second });
    expect(third).toContain('Attempt 1 was rejected');
    expect(third).toContain('Attempt 2 was rejected');
    expect(third).not.toContain('first output');
    expect(third).not.toContain('second output');
  });

  it('stays within its bound whatever the parts hold', () => {
    const big = '\u0000ü`'.repeat(50_000);
    const text = renderFeedback({ attempt: 1, reason, output: big, diff: big, earlier: big });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(FEEDBACK_BYTES_MAX);
    expect(text).toContain('# Attempt 1 was rejected');
  });

  it('says so when nothing was kept, and cannot be closed early by the output', () => {
    const text = renderFeedback({ attempt: 1, reason, output: '```\nhi', diff: null, earlier: null });
    expect(text).toContain('Nothing of this attempt was kept');
    expect(text).toContain('````');
  });
});
