import type { Reason } from '#domain';
import { printable, trimMiddle } from './printable.ts';

/** The wire takes 65,536 characters; in bytes of UTF-8 with room for the JSON around it. */
export const FEEDBACK_BYTES_MAX = 60_000;

export interface Rejection {
  attempt: number;
  reason: Reason;
  /** Output of the program that failed, as it came; null when no program failed. */
  output: string | null;
  /** What the attempt changed so far, as a patch; null when nothing is kept of it. */
  diff: string | null;
  /** What earlier attempts were told. */
  earlier: string | null;
}

/**
 * What the next attempt is told. Headings come first and are short, so that trimming never loses the reason; output,
 * diff and history are each trimmed in the middle to their share.
 */
export function renderFeedback(rejection: Rejection): string {
  const parts = [
    `# Attempt ${rejection.attempt} was rejected (${rejection.reason.code})\n\n${rejection.reason.message}`,
  ];
  if (rejection.output !== null) parts.push(section('Output', fence(rejection.output, 24_000)));
  parts.push(
    section(
      'Changes so far',
      rejection.diff === null
        ? 'Nothing of this attempt was kept: the worktree is back at the state before it.'
        : rejection.diff === ''
          ? 'None.'
          : fence(rejection.diff, 20_000),
    ),
  );
  if (rejection.earlier !== null)
    parts.push(section('Earlier', trimMiddle(headings(rejection.earlier), 10_000)));
  return trimMiddle(`${parts.join('\n\n')}\n`, FEEDBACK_BYTES_MAX);
}

function section(title: string, body: string): string {
  return `## ${title}\n\n${body}`;
}

function fence(text: string, maxBytes: number): string {
  const body = trimMiddle(printable(text), maxBytes);
  const longest = Math.max(2, ...[...body.matchAll(/`+/g)].map((run) => run[0].length));
  const marks = '`'.repeat(longest + 1);
  return `${marks}\n${body.endsWith('\n') ? body : `${body}\n`}${marks}`;
}

/** Of an earlier feedback only what was rejected and why: its output and diff speak of a tree that is gone. */
function headings(feedback: string): string {
  const own = feedback.split('\n## ', 1)[0] ?? '';
  const at = feedback.lastIndexOf('\n## Earlier\n');
  const before = at === -1 ? '' : feedback.slice(at + '\n## Earlier\n'.length);
  return [own.replace(/^# /, '').trim(), before.trim()].filter((text) => text !== '').join('\n\n');
}
