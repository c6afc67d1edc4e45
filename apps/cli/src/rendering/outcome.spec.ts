import { aPictured, aSummary, aWatchedPlan, because } from '../testing/watched.ts';
import { renderFailures, renderOutcome } from './outcome.ts';
import { plainPaint } from './terminal.ts';

describe('the end of a plan', () => {
  it('tells what became of its branch', () => {
    const integration = {
      branch: 'skein/x',
      sha: 'a'.repeat(40),
      expectedOld: null,
      baseSha: 'b'.repeat(40),
      state: 'published' as const,
      diffstat: { files: 2, insertions: 3, deletions: 1 },
    };
    expect(renderOutcome(aSummary({ status: 'completed', integration }), plainPaint)).toBe(
      [
        'plan plan1 completed',
        '  branch skein/x at aaaaaaaaaaaa',
        '  2 files changed, 3 insertions(+), 1 deletions(-)',
      ].join('\n'),
    );
    const accepted = aSummary({ integration: { ...integration, state: 'accepted' } });
    expect(renderOutcome(accepted, plainPaint)).toContain('(not pushed yet)');
  });

  it('tells why it ended otherwise', () => {
    const halted = aSummary({
      status: 'halted',
      reason: { code: 'steps-failed', message: 'a\u001b[2J is blocked' },
    });
    expect(renderOutcome(halted, plainPaint)).toBe(
      'plan plan1 halted\n  a\\x1b[2J is blocked (steps-failed)',
    );
  });

  it('shows what a program printed on lines of their own, behind a bar: none passes for one of ours', () => {
    const message = 'The check failed\nnpm error\u001b[2J\nplan plan1 completed';
    const halted = aSummary({ status: 'halted', reason: { code: 'steps-failed', message } });
    const shown = 'The check failed\n    │ npm error\\x1b[2J\n    │ plan plan1 completed';
    expect(renderOutcome(halted, plainPaint)).toBe(`plan plan1 halted\n  ${shown} (steps-failed)`);
    const plan = aWatchedPlan([aPictured(1, { state: 'blocked', reason: because(message) })]);
    expect(renderFailures(plan.steps())).toEqual([`  s1 step-1 is blocked: ${shown}`]);
  });

  it('tells all of what failed, with nothing in it that steers a terminal', () => {
    const plan = aWatchedPlan([
      aPictured(1, { state: 'blocked', name: 'a\nb', reason: because(`${'why '.repeat(100)}\u001b[2J`) }),
      aPictured(2, { state: 'waiting', reason: because('not that') }),
      aPictured(3, { state: 'poisoned', reason: because('its workers died') }),
    ]);
    expect(renderFailures(plan.steps())).toEqual([
      `  s1 a\\nb is blocked: ${'why '.repeat(100)}\\x1b[2J`,
      '  s3 step-3 is poisoned: its workers died',
    ]);
    const many = Array.from({ length: 300 }, (_, i) =>
      aPictured(i, { state: 'blocked', reason: because('x') }),
    );
    const lines = renderFailures(aWatchedPlan(many).steps());
    expect([lines.length, lines.at(-1)]).toEqual([101, '  … and 200 more']);
  });
});
