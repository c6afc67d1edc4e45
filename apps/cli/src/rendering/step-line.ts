import { roughDuration } from '#domain';
import { hasEndedStep, isBad, type WatchedStep } from '../watching/watched-step.ts';
import { formatDuration, formatTime } from './duration.ts';
import { escapeText } from './escape.ts';
import { fitLine, type Piece } from './line.ts';
import type { GroupLine } from './plan-lines.ts';
import { countStates, stateStyle } from './states.ts';
import type { Paint } from './terminal.ts';
import { cut, displayWidth, pad, padStart } from './width.ts';

/** Where the columns of a list of steps are. */
export interface StepColumns {
  columns: number;
  nameColumns: number;
  nowMs: number;
  paint: Paint;
  /** What a step waits for; null: nobody knows, or it does not wait. */
  waitOf: (step: WatchedStep) => string | null;
}

/** Ordinal, state and time, with what is between them. */
const OTHER_COLUMNS = 2 + 6 + 10 + 11;
const NAME_COLUMNS_MAX = 44;
const NOTE_COLUMNS_MIN = 16;

/** As wide as the widest name, as long as notes have a place beside it. */
export function nameColumns(names: readonly string[], columns: number): number {
  const widest = names.reduce((width, name) => Math.max(width, displayWidth(escapeText(name))), 0);
  const room = Math.max(8, columns - OTHER_COLUMNS - NOTE_COLUMNS_MIN);
  return Math.min(widest, NAME_COLUMNS_MAX, room);
}

/** `  s3    running   convert[src/a.js]      12.3 s  attempt 2 of 3: a check failed` */
export function renderStepLine(step: WatchedStep, o: StepColumns & { indented: boolean }): string {
  const indent = o.indented ? '  ' : '';
  return rowOf(
    {
      first: escapeText(step.ordinal),
      state: [stateStyle(step.state), escapeText(step.state)],
      name: indent + escapeText(step.name),
      took: step.startedMs === null ? '' : formatDuration((step.endedMs ?? o.nowMs) - step.startedMs),
      note: escapeText(describeStep(step, o)),
    },
    o,
  );
}

/** `        412/600   convert                       12 running · 3 blocked · 173 waiting` */
export function renderGroupLine({ name, steps }: GroupLine, o: StepColumns): string {
  const done = steps.filter(({ state }) => state === 'passed' || state === 'skipped').length;
  const counts = countStates(steps).filter(([state]) => state !== 'passed');
  const style = steps.some(isBad) ? 'red' : done === steps.length ? 'green' : done > 0 ? 'cyan' : 'dim';
  const waiting = steps.some(({ state }) => state === 'running')
    ? null
    : steps.filter(({ state }) => state === 'waiting' || state === 'admitted').find((step) => o.waitOf(step));
  const told = counts.map(([state, count]) => `${count} ${state}`).join(' · ');
  return rowOf(
    {
      first: '',
      state: [style, `${done}/${steps.length}`],
      name: escapeText(name),
      took: '',
      note: escapeText(waiting ? `${told}: ${o.waitOf(waiting)}` : told),
    },
    o,
  );
}

/** What there is to say of a step beside its state: which attempt, and why it is where it is. */
function describeStep(step: WatchedStep, o: StepColumns): string {
  const why = whyOf(step, o);
  return [describeAttempts(step), why].filter((text) => text !== '').join(': ');
}

/** `attempt 2 of 3` while it runs, `2 attempts` later; nothing when there is only one. */
export function describeAttempts({ state, attempts, attemptsMax }: WatchedStep): string {
  if (state === 'running') {
    if (attemptsMax === null) return attempts > 0 ? `attempt ${attempts + 1}` : '';
    return attemptsMax > 1 ? `attempt ${Math.min(attempts + 1, attemptsMax)} of ${attemptsMax}` : '';
  }
  return attempts > 1 ? `${attempts} attempts` : '';
}

function whyOf(step: WatchedStep, { nowMs, waitOf }: StepColumns): string {
  if (step.state === 'sleeping') return describeWake(step.untilMs, nowMs);
  if (hasEndedStep(step)) return step.reason ?? '';
  if (step.state === 'running') return step.attempts > 0 ? (step.reason ?? '') : '';
  return waitOf(step) ?? step.reason ?? '';
}

function describeWake(untilMs: number | null, nowMs: number): string {
  if (untilMs === null) return '';
  const left = untilMs > nowMs ? `in ${roughDuration(untilMs - nowMs)}, ` : '';
  return `wakes ${left}at ${formatTime(untilMs)}`;
}

function rowOf(
  row: { first: string; state: Piece; name: string; took: string; note: string },
  o: StepColumns,
): string {
  const [style, state] = row.state as readonly [Parameters<Paint>[0], string];
  const pieces: Piece[] = [
    `  ${pad(row.first, 5)} `,
    [style, pad(state, 9)],
    ` ${pad(cut(row.name, o.nameColumns), o.nameColumns)} `,
    padStart(row.took, 10),
    '  ',
    ['dim', row.note],
  ];
  return fitLine(pieces, o.columns, o.paint);
}
