import { escapeText } from '../rendering/escape.ts';
import type { Paint } from '../rendering/terminal.ts';
import type { LogWatcher } from './plan-watcher.ts';

/**
 * The log of a followed step for people: a line before each attempt, then its lines behind a bar, so that nothing that a
 * program prints can be taken for a word of ours.
 */
export function logLines(paint: Paint, print: (text: string) => void): LogWatcher {
  return {
    attempt: (step, attempt, again) => {
      const of = step.attemptsMax === null || step.attemptsMax === 1 ? '' : ` of ${step.attemptsMax}`;
      const why = again ? ' (again: its lease was lost)' : '';
      print(paint('bold', `${escapeText(step.name)}, attempt ${attempt}${of}${why}`));
    },
    lines: (_step, _attempt, lines) =>
      print(
        lines.map((line) => `${paint('dim', '  │')} ${escapeText(line).replaceAll('\\t', '  ')}`).join('\n'),
      ),
    note: (text) => print(paint('yellow', escapeText(text))),
  };
}
