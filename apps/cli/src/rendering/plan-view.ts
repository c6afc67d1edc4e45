import type { Counts, PlanSummary, StepView } from '../client/wire.ts';
import { cut, escapeText } from './escape.ts';
import type { Paint, Style } from './terminal.ts';

export interface ViewFrame {
  columns: number;
  /** Most lines that the view may take; steps that do not fit are counted instead of shown. */
  rows: number;
  nowMs: number;
  paint: Paint;
}

/** The live view: one line about the plan, one of counts, then the steps that matter most now. */
export function renderPlan(plan: PlanSummary, steps: StepView[], frame: ViewFrame): string {
  const lines = [renderHead(plan, frame), `  ${renderCounts(plan.counts, frame.paint)}`];
  const room = Math.max(1, frame.rows - lines.length - 2);
  const shown = chooseSteps(steps, room);
  for (const step of shown) lines.push(renderStep(step, frame));
  const hidden = steps.length - shown.length;
  if (hidden > 0) lines.push(frame.paint('dim', `  … and ${hidden} more steps`));
  return lines.join('\n');
}

export function renderHead(plan: PlanSummary, frame: Pick<ViewFrame, 'nowMs' | 'paint'>): string {
  const status = frame.paint(statusStyle(plan.status), plan.status);
  const took = plan.submittedAt ? elapsed(plan.submittedAt, plan.endedAt ?? null, frame.nowMs) : '';
  return `${frame.paint('bold', escapeText(plan.name))} ${escapeText(plan.planId)}  ${status}  ${frame.paint('dim', took)}`;
}

export function renderCounts(counts: Counts, paint: Paint): string {
  const parts = STATES.filter((state) => counts[state] > 0).map((state) =>
    paint(stateStyle(state), `${counts[state]} ${state}`),
  );
  return parts.length > 0 ? parts.join(paint('dim', ' · ')) : paint('dim', 'no steps yet');
}

/** The end of a plan, in full lines: why it ended and what became of its branch. */
export function renderOutcome(plan: PlanSummary, paint: Paint): string {
  const lines = [`plan ${escapeText(plan.planId)} ${paint(statusStyle(plan.status), plan.status)}`];
  if (plan.reason) lines.push(`  ${escapeText(plan.reason.message)} (${escapeText(plan.reason.code)})`);
  if (plan.integration) {
    const { branch, sha, state, diffstat } = plan.integration;
    lines.push(
      `  branch ${escapeText(branch)} at ${escapeText(sha.slice(0, 12))}${state === 'published' ? '' : ' (not pushed yet)'}`,
    );
    if (diffstat) {
      lines.push(
        `  ${diffstat.files} files changed, ${diffstat.insertions} insertions(+), ${diffstat.deletions} deletions(-)`,
      );
    }
  }
  return lines.join('\n');
}

const FAILURES_MAX = 100;

/** What failed, each with its whole reason: the line of a step has room for its beginning only. */
export function renderFailures(steps: StepView[]): string[] {
  const failed = steps.filter(({ state, reason }) => FAILED.has(state) && reason);
  const lines = failed.slice(0, FAILURES_MAX).map(({ ordinal, name, state, reason }) => {
    const which = `${escapeText(ordinal)} ${escapeText(name)} is ${state}`;
    return `  ${which}: ${escapeText(reason!.message)} (${escapeText(reason!.code)})`;
  });
  if (failed.length > lines.length) lines.push(`  … and ${failed.length - lines.length} more`);
  return lines;
}

export function renderStep(step: StepView, frame: Pick<ViewFrame, 'columns' | 'nowMs' | 'paint'>): string {
  const state = frame.paint(stateStyle(step.state), step.state.padEnd(9));
  const took = step.startedAt ? elapsed(step.startedAt, step.endedAt ?? null, frame.nowMs) : '';
  const attempts = describeAttempts(step);
  const why = describeWhy(step);
  const note = [attempts, why].filter((text) => text !== '').join(', ');
  const name = cut(escapeText(step.name), 40).padEnd(Math.min(40, Math.max(16, frame.columns - 60)));
  // What is styled has invisible characters: the plain width is counted by hand.
  const used = 2 + 6 + 10 + [...name].length + 1 + 8;
  const room = Math.max(0, frame.columns - used - 1);
  return `  ${escapeText(step.ordinal).padEnd(5)} ${state} ${name} ${took.padEnd(7)} ${frame.paint('dim', cut(escapeText(note), room))}`.trimEnd();
}

function describeAttempts(step: StepView): string {
  if (step.state === 'running' && step.attempts > 0) return `attempt ${step.attempts + 1}`;
  return step.attempts > 1 ? `${step.attempts} attempts` : '';
}

/** Why a step is where it is, in its last known words. */
function describeWhy(step: StepView): string {
  if (step.state === 'waiting') return step.wait ?? '';
  if (BAD.has(step.state) || (step.state === 'running' && step.attempts > 0))
    return step.reason?.message ?? '';
  return '';
}

/** 950 ms, 12.3 s, 4 min 05 s, 2 h 03 min. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(seconds / 3_600)} h ${String(Math.floor((seconds % 3_600) / 60)).padStart(2, '0')} min`;
}

function elapsed(from: string, to: string | null, nowMs: number): string {
  const start = Date.parse(from);
  const end = to === null ? nowMs : Date.parse(to);
  return Number.isNaN(start) || Number.isNaN(end) ? '' : formatDuration(end - start);
}

/** In the plan's order, but when not all fit: what went wrong and what runs first, then what ended last. */
function chooseSteps(steps: StepView[], room: number): StepView[] {
  if (steps.length <= room) return steps;
  const rank = (step: StepView) =>
    BAD.has(step.state)
      ? 0
      : step.state === 'running'
        ? 1
        : step.state === 'admitted'
          ? 2
          : step.state === 'waiting'
            ? 4
            : 3;
  const chosen = steps
    .map((step, index) => ({ step, index }))
    .sort(
      (a, b) =>
        rank(a.step) - rank(b.step) ||
        (b.step.endedAt ?? '').localeCompare(a.step.endedAt ?? '') ||
        a.index - b.index,
    )
    .slice(0, room);
  return chosen.sort((a, b) => a.index - b.index).map(({ step }) => step);
}

const STATES = [
  'running',
  'admitted',
  'waiting',
  'passed',
  'skipped',
  'blocked',
  'poisoned',
  'cancelled',
] as const;
const FAILED = new Set(['blocked', 'poisoned']);
const BAD = new Set(['blocked', 'poisoned', 'cancelled']);

export function statusStyle(status: string): Style {
  if (status === 'completed') return 'green';
  return status === 'running' ? 'cyan' : 'red';
}

export function stateStyle(state: string): Style {
  if (state === 'passed') return 'green';
  if (state === 'running') return 'cyan';
  if (state === 'blocked' || state === 'poisoned') return 'red';
  return state === 'cancelled' ? 'yellow' : 'dim';
}
