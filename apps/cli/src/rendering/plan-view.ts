import { describeEstimate, estimateLeft, type StepTime } from '#domain';
import type { WatchedPlan } from '../watching/watched-plan.ts';
import { hasEndedStep, type WatchedStep } from '../watching/watched-step.ts';
import { formatDuration } from './duration.ts';
import { escapeText } from './escape.ts';
import { fitLine, widthOf, type Piece } from './line.ts';
import { chooseLines, type StepLine } from './plan-lines.ts';
import { countStates, stateStyle, statusStyle } from './states.ts';
import { nameColumns, renderGroupLine, renderStepLine } from './step-line.ts';
import type { Paint } from './terminal.ts';

export interface ViewFrame {
  /** No line is wider. */
  columns: number;
  /** No view has more lines; steps that do not fit are counted instead of shown. */
  rows: number;
  nowMs: number;
  paint: Paint;
}

/** Less is no news: it is over before it is read. */
const ESTIMATE_MS_MIN = 5_000;

/** The live view: the plan, how far it is, then the steps that matter most now. */
export function renderPlan(plan: WatchedPlan, frame: ViewFrame, notice: string | null = null): string {
  const head = renderTop(plan, frame, notice);
  const room = Math.max(0, frame.rows - head.length);
  return fitRows([...head, ...renderSteps(plan, plan.steps(), room, frame)], frame);
}

/** The small view below a log that is followed: the plan, and the step whose log it is. null: not there yet. */
export function renderFollowed(
  plan: WatchedPlan,
  step: WatchedStep | null,
  frame: ViewFrame,
  notice: string | null = null,
): string {
  return fitRows(
    [...renderTop(plan, frame, notice), ...renderSteps(plan, step ? [step] : [], 1, frame)],
    frame,
  );
}

function renderTop(plan: WatchedPlan, frame: ViewFrame, notice: string | null): string[] {
  const head = [renderHead(plan, frame), renderProgressLine(plan, plan.steps(), frame)];
  if (notice !== null) head.push(fitLine([['yellow', escapeText(notice)]], frame.columns, frame.paint));
  return head;
}

function fitRows(lines: string[], { rows }: ViewFrame): string {
  return lines.slice(0, Math.max(1, rows)).join('\n');
}

/** `move-to-esm  8d847d295a73  running  4 min 05 s` */
export function renderHead(
  plan: WatchedPlan,
  { columns, nowMs, paint }: Pick<ViewFrame, 'columns' | 'nowMs' | 'paint'>,
): string {
  const took = plan.submittedMs === null ? '' : formatDuration((plan.endedMs ?? nowMs) - plan.submittedMs);
  const pieces: Piece[] = [
    ['bold', escapeText(plan.name)],
    `  ${escapeText(plan.planId)}  `,
    plan.paused === null
      ? [statusStyle(plan.status), escapeText(plan.status)]
      : ['yellow', escapeText(plan.paused)],
    ['dim', `  ${took}`],
  ];
  return fitLine(pieces, columns, paint);
}

/** `█████░░░░░ 8 of 14 done · 2 running · 4 waiting · about 4 min left` */
export function renderProgressLine(
  plan: WatchedPlan,
  steps: readonly WatchedStep[],
  { columns, nowMs, paint }: Pick<ViewFrame, 'columns' | 'nowMs' | 'paint'>,
): string {
  if (steps.length === 0) return fitLine([['dim', '  no steps yet']], columns, paint);
  const done = steps.filter(({ state }) => state === 'passed' || state === 'skipped').length;
  const parts: Piece[] = [`${done} of ${steps.length} done`];
  for (const [state, count] of countStates(steps)) {
    if (state === 'passed') continue;
    parts.push(['dim', ' · '], [stateStyle(state), `${count} ${escapeText(state)}`]);
  }
  const estimate = plan.endedMs === null ? estimateLeft(steps.map(stepTime), nowMs) : null;
  if (estimate && estimate.leftMs >= ESTIMATE_MS_MIN) parts.push(['dim', ' · '], describeEstimate(estimate));
  const barWidth = Math.min(24, columns - widthOf(parts) - 4);
  const bar = barWidth < 8 ? [] : [...renderBar(done, steps.length, barWidth), ' '];
  return fitLine(['  ', ...bar, ...parts], columns, paint);
}

/** Never full before everything is done, never empty after the first. */
function renderBar(done: number, all: number, width: number): Piece[] {
  const some = Math.round((done / all) * width);
  const full = done === all ? width : Math.min(width - 1, Math.max(done > 0 ? 1 : 0, some));
  return [
    ['green', '█'.repeat(full)],
    ['dim', '░'.repeat(width - full)],
  ];
}

export function stepTime(step: WatchedStep): StepTime {
  const phase = hasEndedStep(step)
    ? 'ended'
    : step.state === 'running' || step.state === 'sleeping'
      ? step.state
      : 'open';
  const { group, kind, needs, startedMs, endedMs, untilMs } = step;
  return { group, kind, needs, phase, startedMs, endedMs, untilMs };
}

function renderSteps(
  plan: WatchedPlan,
  steps: readonly WatchedStep[],
  room: number,
  frame: ViewFrame,
): string[] {
  const { lines, hidden } = chooseLines(steps, room);
  const names = lines.map((line) => (line.kind === 'group' ? line.name : nameOf(line)));
  const waitOf = (step: WatchedStep) => plan.openNeeds(step) ?? step.wait;
  const o = { ...frame, nameColumns: nameColumns(names, frame.columns), waitOf };
  const shown = lines.map((line) =>
    line.kind === 'group'
      ? renderGroupLine(line, o)
      : renderStepLine(line.step, { ...o, indented: line.indented }),
  );
  if (hidden > 0)
    shown.push(
      fitLine([['dim', `  … and ${hidden} more step${hidden === 1 ? '' : 's'}`]], frame.columns, frame.paint),
    );
  return shown;
}

function nameOf({ step, indented }: StepLine): string {
  return indented ? `  ${step.name}` : step.name;
}
