import { composeFeedback } from '#agents';
import type { Reason } from '#domain';

export interface Rejection {
  reason: Reason;
  /** Output of the program that failed, as it came; null when no program failed. */
  output: string | null;
  /** What the attempt changed so far, as a patch; null when nothing is kept of it. */
  diff: string | null;
  /** What the attempt itself was told; null for a first one. */
  earlier: string | null;
}

/** What the next attempt is told. The feedback carries its own history: a new lease has nothing else of it. */
export function renderFeedback({ reason, output, diff, earlier }: Rejection): string {
  const kept = diff === null ? ' Nothing of this attempt is kept: the worktree is as it was before.' : '';
  return composeFeedback({
    reason: `Rejected (${reason.code}): ${reason.message}${kept}`,
    output: output ?? '',
    diffSoFar: diff ?? '',
    earlier: earlier === null ? [] : reasonsOf(earlier),
  });
}

const HISTORY = '\n## Earlier attempts\n';

/** The reasons in a feedback, oldest first: those of its history, then its own. */
function reasonsOf(feedback: string): string[] {
  const at = feedback.lastIndexOf(HISTORY);
  const history = at === -1 ? '' : feedback.slice(at + HISTORY.length);
  const before = history
    .split(/^- attempts? [\d to]+: /m)
    .slice(1)
    .map((reason) => reason.trim());
  return [...before, (feedback.split('\n## ', 1)[0] ?? '').trim()];
}
