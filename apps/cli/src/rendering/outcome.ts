import type { PlanView } from '#client';
import { isBad, type WatchedStep } from '../watching/watched-step.ts';
import { escapeLines, escapeText } from './escape.ts';
import { statusStyle } from './states.ts';
import type { Paint } from './terminal.ts';

/** The end of a plan, in full lines: why it ended and what became of its branch. */
export function renderOutcome(plan: PlanView, paint: Paint): string {
  const lines = [
    `plan ${escapeText(plan.planId)} ${paint(statusStyle(plan.status), escapeText(plan.status))}`,
  ];
  // Of a plan that completed, the branch says it all.
  if (plan.reason && !(plan.status === 'completed' && plan.integration))
    lines.push(`  ${wholeReason(plan.reason.message)} (${escapeText(plan.reason.code)})`);
  if (plan.integration) {
    const { branch, sha, state, diffstat } = plan.integration;
    const where = `branch ${escapeText(branch)} at ${escapeText(sha.slice(0, 12))}`;
    lines.push(`  ${where}${state === 'published' ? '' : ' (not pushed yet)'}`);
    if (diffstat) {
      const { files, insertions, deletions } = diffstat;
      lines.push(`  ${files} files changed, ${insertions} insertions(+), ${deletions} deletions(-)`);
    }
  }
  return lines.join('\n');
}

const FAILURES_MAX = 100;

/** What failed, each with its whole reason: the line of a step has room for its beginning only. */
export function renderFailures(steps: readonly WatchedStep[]): string[] {
  const failed = steps.filter((step) => isBad(step) && step.reason !== null);
  const lines = failed.slice(0, FAILURES_MAX).map(({ ordinal, name, state, reason }) => {
    return `  ${escapeText(ordinal)} ${escapeText(name)} is ${state}: ${wholeReason(reason!)}`;
  });
  if (failed.length > lines.length) lines.push(`  … and ${failed.length - lines.length} more`);
  return lines;
}

/** A reason may end with what a program printed: its lines stand behind a bar, so that none passes for one of ours. */
function wholeReason(text: string): string {
  const [first = '', ...more] = escapeLines(text).split('\n');
  return [escapeText(first), ...more.map((line) => `    │ ${line}`)].join('\n');
}
