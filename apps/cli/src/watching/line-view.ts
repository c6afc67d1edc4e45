import { formatTime } from '../rendering/duration.ts';
import { escapeText } from '../rendering/escape.ts';
import { renderEvent } from '../rendering/event-line.ts';
import { describeCounts } from '../rendering/states.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { logLines } from './log-lines.ts';
import { describeLoss } from './lost-server.ts';
import { outsideWaits } from './outside-waits.ts';
import type { LogWatcher, PlanWatcher } from './plan-watcher.ts';
import type { Change, ToldEvent, WatchedPlan } from './watched-plan.ts';

/** Reasons of waits that are told at once; a person reads no more of them. */
const WAITS_TOLD_MAX = 5;

/** For pipes and log files: one line per change, and why nothing changes. */
export class LineView implements PlanWatcher {
  private plan: WatchedPlan | null = null;
  private isLost = false;
  private readonly toldWaits = new Set<string>();
  readonly log: LogWatcher;

  constructor(private readonly terminal: Terminal) {
    this.log = logLines(terminal.paint, (text) => terminal.out(text));
  }

  begin(plan: WatchedPlan): void {
    this.plan = plan;
    const steps = plan.steps();
    const counts = steps.length === 0 ? 'no steps yet' : describeCounts(steps);
    this.say(`${escapeText(plan.status).padEnd(9)} ${escapeText(plan.name)}  (${counts})`);
  }

  event(event: ToldEvent, change: Change | null): void {
    if (!this.plan || !change) return;
    const line = renderEvent(this.plan, event, change, this.terminal.paint);
    if (line !== null) this.terminal.out(line);
  }

  /** Only when nothing goes on, and only what comes from outside: the needs within a plan are plain from the plan. */
  waits(): void {
    const steps = this.plan?.steps() ?? [];
    if (steps.some(({ state }) => state === 'running')) return;
    for (const { wait, count, name } of outsideWaits(steps)) {
      if (this.toldWaits.size >= WAITS_TOLD_MAX || this.toldWaits.has(wait)) continue;
      this.toldWaits.add(wait);
      this.say(`waiting   ${escapeText(count === 1 ? name : `${count} steps`)}  (${escapeText(wait)})`);
    }
  }

  lost(error: Error): void {
    if (!this.isLost) this.terminal.err(`${formatTime(Date.now())} ${escapeText(describeLoss(error))}`);
    this.isLost = true;
  }

  back(): void {
    if (this.isLost) this.terminal.err(`${formatTime(Date.now())} the server is back`);
    this.isLost = false;
  }

  done(): void {
    // Each line is already written.
  }

  private say(text: string): void {
    const { done, all } = this.plan?.progress() ?? { done: 0, all: 0 };
    const time = this.terminal.paint('dim', formatTime(Date.now()));
    this.terminal.out(`${time} ${`${done}/${all}`.padStart(7)} ${text}`);
  }
}
