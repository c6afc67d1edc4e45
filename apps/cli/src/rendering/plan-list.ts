import type { PlanView } from '#client';
import { time } from '../watching/watched-step.ts';
import { formatDuration, formatTime } from './duration.ts';
import { escapeText } from './escape.ts';
import { fitLine, type Piece } from './line.ts';
import { statusStyle } from './states.ts';
import type { Paint } from './terminal.ts';
import { displayWidth, pad, padStart } from './width.ts';

export interface ListFrame {
  columns: number;
  nowMs: number;
  paint: Paint;
}

const ID_COLUMNS = 20;
const STATUS_COLUMNS = 9;
const DONE_COLUMNS = 11;
const TIME_COLUMNS = 20;
const TOOK_COLUMNS = 11;

/** What the columns of `renderPlanRow` are, for people. */
export function renderPlanHead({ columns, paint }: ListFrame): string {
  const head = [
    pad('plan', ID_COLUMNS),
    pad('status', STATUS_COLUMNS),
    padStart('done', DONE_COLUMNS),
    pad('submitted', TIME_COLUMNS),
    padStart('took', TOOK_COLUMNS),
    'name',
  ];
  return fitLine([['dim', head.join('  ')]], columns, paint);
}

/** `3b6f0a2c9d1e4f5a6b7c  running     412/600  2026-11-20T12:00:05Z  2 h 03 min  move-to-esm  team=web` */
export function renderPlanRow(plan: PlanView, { columns, nowMs, paint }: ListFrame): string {
  const submittedMs = time(plan.submittedAt);
  const took = submittedMs === null ? '' : formatDuration((time(plan.endedAt) ?? nowMs) - submittedMs);
  const pieces: Piece[] = [
    `${pad(escapeText(plan.planId), ID_COLUMNS)}  `,
    [statusStyle(plan.status), pad(escapeText(plan.status), STATUS_COLUMNS)],
    `  ${padStart(doneOf(plan), DONE_COLUMNS)}  `,
    ['dim', pad(submittedMs === null ? '' : formatTime(submittedMs), TIME_COLUMNS)],
    ['dim', `  ${padStart(took, TOOK_COLUMNS)}  `],
    escapeText(plan.name),
    ['dim', labelsOf(plan)],
  ];
  return fitLine(pieces, columns, paint);
}

function doneOf({ counts }: PlanView): string {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return `${(counts['passed'] ?? 0) + (counts['skipped'] ?? 0)}/${all}`;
}

function labelsOf({ labels }: PlanView): string {
  const told = Object.entries(labels ?? {}).map(([key, value]) => (value === '' ? key : `${key}=${value}`));
  const text = escapeText(told.join(' '));
  return displayWidth(text) === 0 ? '' : `  ${text}`;
}
