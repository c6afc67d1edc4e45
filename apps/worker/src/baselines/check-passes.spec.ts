import {
  doubtfulChecks,
  judgePasses,
  needsSecondPass,
  type CheckPass,
  type CheckRun,
} from './check-passes.ts';

const green = (command: string): CheckRun => ({ command, durationMs: 5, reason: null, output: '' });
const red = (command: string): CheckRun => ({
  command,
  durationMs: 7,
  reason: { code: 'verify-failed', message: `${command} exited with 1` },
  output: 'oh',
});
const pass = (...checks: (CheckRun | null)[]): CheckPass => ({ setup: null, checks });
const noSetup = (command = 'install'): CheckPass => ({ setup: red(command), checks: [null, null] });

function verdicts(first: CheckPass, second: CheckPass | null): string[] {
  return judgePasses(['a', 'b'], first, second).map((check) => `${check.command} ${check.verdict}`);
}

describe('what two passes over the base say of a check', () => {
  it.each([
    ['green at once', pass(green('a'), green('b')), null, ['a green', 'b green']],
    ['red twice', pass(red('a'), green('b')), pass(red('a')), ['a red', 'b green']],
    ['red, then green', pass(green('a'), red('b')), pass(green('a'), green('b')), ['a green', 'b flaky']],
    ['green, then red', pass(green('a'), red('b')), pass(red('a'), red('b')), ['a flaky', 'b red']],
    ['reached once', pass(red('a'), null), pass(red('a'), green('b')), ['a red', 'b green']],
    ['never reached', pass(red('a'), null), pass(red('a'), null), ['a red', 'b red']],
    ['no set-up, twice', noSetup(), noSetup(), ['install red', 'a red', 'b red']],
    ['no set-up at first', noSetup(), pass(green('a'), red('b')), ['install flaky', 'a green', 'b red']],
    ['no set-up at last', pass(red('a'), green('b')), noSetup(), ['install flaky', 'a red', 'b green']],
  ])('%s', (_what, first, second, expected) => {
    expect(verdicts(first, second)).toEqual(expected);
  });

  it('names the run that was red, and takes the time of the first', () => {
    const [flaky] = judgePasses(['a'], pass({ ...green('a'), durationMs: 9 }), pass(red('a')));
    expect(flaky).toEqual({
      command: 'a',
      verdict: 'flaky',
      durationMs: 9,
      reason: 'a exited with 1',
      output: 'oh',
    });
    expect(judgePasses(['a', 'b'], noSetup(), noSetup())[1]!.reason).toBe('not run: the set-up failed');
  });

  it('a second pass is made for what is red, and goes no further than that', () => {
    expect(needsSecondPass(pass(green('a'), green('b')))).toBe(false);
    expect(needsSecondPass(noSetup())).toBe(true);
    expect(doubtfulChecks(pass(red('a'), green('b')))).toBe(1);
    expect(doubtfulChecks(pass(green('a'), null))).toBe(2);
    expect(doubtfulChecks(noSetup())).toBe(2);
  });
});
