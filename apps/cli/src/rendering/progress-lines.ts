import type { PlanSummary, StepView } from '../client/wire.ts';
import { escapeText } from './escape.ts';
import { formatDuration, stateStyle } from './plan-view.ts';
import type { Paint } from './terminal.ts';

/** For pipes and log files: one line per change between two looks at a plan. */
export class ProgressLines {
  private readonly seen = new Map<string, { state: string; attempts: number }>();

  constructor(private readonly paint: Paint) {}

  changes(plan: PlanSummary, steps: StepView[]): string[] {
    const lines: string[] = [];
    for (const step of steps) {
      const before = this.seen.get(step.ordinal);
      if (before?.state === step.state && before.attempts === step.attempts) continue;
      this.seen.set(step.ordinal, { state: step.state, attempts: step.attempts });
      // A step that waits from the start is no news.
      if (!before && step.state === 'waiting') continue;
      lines.push(this.line(plan, step, before?.state ?? null));
    }
    return lines;
  }

  private line(plan: PlanSummary, step: StepView, before: string | null): string {
    const done = `${plan.counts.passed + plan.counts.skipped}/${Object.values(plan.counts).reduce((a, b) => a + b, 0)}`;
    const notes: string[] = [];
    if (step.state === before) notes.push(`attempt ${step.attempts} was recorded`);
    else if (step.attempts > 1) notes.push(`${step.attempts} attempts`);
    if (step.startedAt && step.endedAt) {
      notes.push(formatDuration(Date.parse(step.endedAt) - Date.parse(step.startedAt)));
    }
    if (step.reason && this.explains(step, before)) notes.push(escapeText(step.reason.message));
    const state = this.paint(stateStyle(step.state), step.state.padEnd(9));
    const note = notes.length > 0 ? this.paint('dim', `  (${notes.join(', ')})`) : '';
    return `[${done.padStart(5)}] ${state} ${escapeText(step.name)}${note}`;
  }

  /** A step's last reason stays with it; it is news when the step stopped because of it, or tries again. */
  private explains(step: StepView, before: string | null): boolean {
    return step.state === before || !['passed', 'running', 'admitted'].includes(step.state);
  }
}
