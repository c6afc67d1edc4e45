import { FEEDBACK_BYTES_MAX } from '#agents';
import { renderFeedback } from './feedback.ts';

const reason = { code: 'verify-failed', message: 'The check `npm test` exited with 1.' };

describe('the feedback for the next attempt', () => {
  it('says what was rejected, why, the output and the diff', () => {
    const text = renderFeedback({ reason, output: 'not ok 1', diff: '+a\n', earlier: null });
    expect(text).toContain(`Rejected (verify-failed): ${reason.message}`);
    expect(text).toContain('not ok 1');
    expect(text).toContain('+a');
  });

  it('keeps the reasons of all earlier attempts, in order, but not their output', () => {
    let feedback: string | null = null;
    for (const word of ['first', 'second', 'third', 'fourth']) {
      const why = { code: 'verify-failed', message: `The ${word} check\nfailed.` };
      feedback = renderFeedback({
        reason: why,
        output: `output of the ${word}`,
        diff: '',
        earlier: feedback,
      });
    }
    const places = [
      '- attempt 1: ',
      'The first',
      '- attempt 2: ',
      'The second',
      '- attempt 3: ',
      'The third',
    ];
    const found = places.map((place) => feedback!.indexOf(place));
    expect(found.every((at) => at >= 0)).toBe(true);
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(feedback!.indexOf('The fourth')).toBeLessThan(found[0]!);
    expect(feedback).not.toContain('output of the third');
    expect(feedback).not.toContain('- attempt 4');
  });

  it('stays within its bound whatever the parts hold', () => {
    const big = '\u0000ü`\n## Earlier attempts\n'.repeat(50_000);
    const text = renderFeedback({ reason, output: big, diff: big, earlier: big });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(FEEDBACK_BYTES_MAX);
    expect(text).toContain(reason.message);
  });

  it('says so when nothing was kept', () => {
    expect(renderFeedback({ reason, output: null, diff: null, earlier: null })).toContain(
      'Nothing of this attempt is kept',
    );
  });
});
