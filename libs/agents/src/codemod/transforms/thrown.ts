/** The transform's file in messages and stacks; lines are those of the plan's text. */
export const MODULE_NAME = '/transform.js';

/** What was thrown, for a person: hostile code throws anything, and even asking it for a text may throw. */
export function thrownText(thrown: unknown, maxLength: number): string {
  try {
    const text = thrown instanceof Error ? stackOf(thrown) : `thrown: ${String(thrown)}`;
    return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
  } catch {
    return 'something was thrown that has no text';
  }
}

/** Message and the lines of the transform itself: how it was called by us is of no use to its author. */
function stackOf(error: Error): string {
  const headline = `${String(error.name)}: ${String(error.message)}`;
  const frames = String(error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  const own = frames.filter((line) => line.includes(MODULE_NAME));
  // Nothing of the transform: an error that came from an event, or that never had a stack.
  const shown = own.length > 0 ? own : frames.filter((line) => !line.includes(import.meta.dirname));
  return [
    headline,
    ...shown.slice(0, FRAMES_MAX).map((line) => line.replace(/\S*\/node_modules\//, '')),
  ].join('\n');
}

const FRAMES_MAX = 5;
