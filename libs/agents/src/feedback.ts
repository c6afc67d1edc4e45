import { plainText, trimMiddle } from '#sandbox';
import { redactText } from '#telemetry';

export interface Feedback {
  /** Why the attempt was rejected, one sentence. */
  reason: string;
  /** The real output of what failed. */
  output: string;
  /** The diff from the step's start to now. */
  diffSoFar: string;
  /** Reasons of the attempts before this one, oldest first. */
  earlier: string[];
}

/** What the ledger keeps of it. */
export const FEEDBACK_BYTES_MAX = 64 * 1024;

const REASON_BYTES = 4 * 1024;
const EARLIER_BYTES = 8 * 1024;
const EARLIER_REASON_BYTES = 1_024;
/** Of what is left, when both output and diff are long: the output says what to do next. */
const OUTPUT_SHARE = 0.6;

/**
 * What the next attempt is told: at most 64 KB of valid UTF-8 that Postgres can store, no terminal escapes, and
 * nothing that looks like a secret (a step may print its environment; the next agent may talk to a model).
 */
export function composeFeedback(feedback: Feedback): string {
  const head = `${trimMiddle(clean(feedback.reason), REASON_BYTES)}\n`;
  const earlier = earlierSection(feedback.earlier);
  const room = FEEDBACK_BYTES_MAX - Buffer.byteLength(head) - Buffer.byteLength(earlier) - 200;
  const output = clean(feedback.output);
  const diff = clean(feedback.diffSoFar);
  const [outputRoom, diffRoom] = shares(Buffer.byteLength(output), Buffer.byteLength(diff), room);
  return [
    head,
    section('Output', trimMiddle(output, outputRoom)),
    section('Changes so far', trimMiddle(diff, diffRoom)),
    earlier,
  ].join('');
}

/** The newest are kept: they are what was tried last. */
function earlierSection(reasons: string[]): string {
  const lines: string[] = [];
  let bytes = 0;
  for (const [index, reason] of [...reasons.entries()].reverse()) {
    const text = trimMiddle(clean(reason).trim(), EARLIER_REASON_BYTES).replaceAll('\n', '\n  ');
    const line = `- attempt ${index + 1}: ${text}\n`;
    bytes += Buffer.byteLength(line);
    if (bytes > EARLIER_BYTES) {
      lines.push(`- attempts 1 to ${index + 1}: left out\n`);
      break;
    }
    lines.push(line);
  }
  return section('Earlier attempts', lines.reverse().join(''));
}

function section(title: string, text: string): string {
  if (text.trim() === '') return '';
  return `\n## ${title}\n${text.endsWith('\n') ? text : `${text}\n`}`;
}

/** What one does not need, the other gets. */
function shares(output: number, diff: number, room: number): [number, number] {
  if (output + diff <= room) return [output, diff];
  const forOutput = Math.max(Math.floor(room * OUTPUT_SHARE), room - diff);
  return output <= forOutput ? [output, room - output] : [forOutput, room - forOutput];
}

function clean(text: string): string {
  return redactText(plainText(text));
}
