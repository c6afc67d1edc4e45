import type { BaselineCheck } from '#contracts';
import type { Reason } from '#domain';

/** One command of a pass; null: it was not reached. */
export interface CheckRun {
  command: string;
  durationMs: number;
  /** null: it ended well. */
  reason: Reason | null;
  output: string;
}

/** One go over the base, on a fresh worktree. */
export interface CheckPass {
  /** The set-up command that failed: then no check was run. */
  setup: CheckRun | null;
  /** In the order of the plan's checks. */
  checks: (CheckRun | null)[];
}

export interface JudgedCheck extends BaselineCheck {
  /** Of the run that was red. */
  output: string;
}

/** Whether anything is red, so that a second pass has to tell red from flaky. */
export function needsSecondPass(first: CheckPass): boolean {
  return first.setup !== null || first.checks.some((run) => run === null || run.reason !== null);
}

/** How far the second pass has to go: the checks behind the last doubtful one are judged. */
export function doubtfulChecks(first: CheckPass): number {
  if (first.setup !== null) return first.checks.length;
  return first.checks.findLastIndex((run) => run === null || run.reason !== null) + 1;
}

/**
 * A check is flaky when two passes over the same base disagree about it, whichever was red. One that only one pass
 * reached is what that pass says; one that no pass reached is red, because an attempt would not reach it either.
 */
export function judgePasses(commands: string[], first: CheckPass, second: CheckPass | null): JudgedCheck[] {
  const setup = judgeSetup(first, second);
  const unreached = `not run: ${setup === null ? 'no time was left for it, or no disk' : 'the set-up failed'}`;
  const checks = commands.map((command, index): JudgedCheck => {
    const runs = [first.checks[index], second?.checks[index]].filter(
      (run) => run !== null && run !== undefined,
    );
    const red = runs.find((run) => run.reason !== null);
    const durationMs = runs[0]?.durationMs ?? 0;
    if (runs.length === 0) return { command, verdict: 'red', durationMs, reason: unreached, output: '' };
    if (red === undefined) return { command, verdict: 'green', durationMs, reason: null, output: '' };
    const verdict = runs.some((run) => run.reason === null) ? 'flaky' : 'red';
    return { command, verdict, durationMs, reason: red.reason!.message, output: red.output };
  });
  return setup === null ? checks : [setup, ...checks];
}

/** A set-up command that failed is told like a check: nothing else says why all of them are red. */
function judgeSetup(first: CheckPass, second: CheckPass | null): JudgedCheck | null {
  const failed = first.setup ?? second?.setup ?? null;
  if (failed === null) return null;
  const both = first.setup !== null && (second?.setup ?? null) !== null;
  const { command, durationMs, reason, output } = failed;
  return { command, verdict: both ? 'red' : 'flaky', durationMs, reason: reason?.message ?? null, output };
}
