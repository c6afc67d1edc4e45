import type { BaselineCheck, BaselineReport } from '#contracts';
import { trimMiddle } from '#sandbox';
import type { Reason } from '#domain';
import { printable } from '../fixing/printable.ts';
import { quoteCommand } from '../fixing/program-end.ts';
import type { JudgedCheck } from './check-passes.ts';

/** As any step's outputs; a little less, so that the message around them does not matter. */
const REPORT_BYTES_MAX = 60 * 1024;
/** Characters of a command and of a reason, from what is pleasant to what fits for certain. */
const TEXT_LENGTHS = [300, 150, 60, 20];

/** Commands and reasons as long as all of them together fit. Nothing in it moves a terminal. */
export function baselineReport(checks: BaselineCheck[], cached: boolean): BaselineReport {
  let report: BaselineReport = { checks: [], cached };
  for (const length of TEXT_LENGTHS) {
    report = { checks: checks.map((check) => shortened(check, length)), cached };
    if (Buffer.byteLength(JSON.stringify(report)) <= REPORT_BYTES_MAX) break;
  }
  return report;
}

function shortened({ command, verdict, durationMs, reason }: BaselineCheck, length: number): BaselineCheck {
  const cut = (text: string): string => {
    const line = printable(text.trim()).replace(/\s+/g, ' ');
    return line.length > length ? `${line.slice(0, length - 1)}…`.toWellFormed() : line;
  };
  return { command: cut(command), verdict, durationMs, reason: reason === null ? null : cut(reason) };
}

/** The wire takes reasons of 8 KB. */
const OUTPUT_BYTES = 4_500;
const NAMED_MAX = 10;

/** Why the plan does not begin; null when no check is red. A flaky one is named in the report and stops nothing. */
export function redReason(baseSha: string, checks: JudgedCheck[]): Reason | null {
  const red = checks.filter((check) => check.verdict === 'red');
  const [first] = red;
  if (first === undefined) return null;
  const named = red.slice(0, NAMED_MAX).map((check) => quoteCommand(check.command));
  const more = red.length > named.length ? ` and ${red.length - named.length} more` : '';
  const shown = red.find((check) => check.output.trim() !== '') ?? first;
  const output = trimMiddle(printable(shown.output), OUTPUT_BYTES).trim();
  const what = `On the untouched base ${baseSha.slice(0, 12)} ${red.length} of the plan's checks fail: ${named.join(', ')}${more}. No attempt was made: it could not have passed. Mend the base, or set baseline.onRed to report.`;
  return { code: 'baseline-red', message: [what, shown.reason ?? '', output].join('\n').trim() };
}
