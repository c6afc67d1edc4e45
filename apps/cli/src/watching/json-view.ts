import { jsonLine } from '../commands/context.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { escapeText } from '../rendering/escape.ts';
import { describeLoss } from './lost-server.ts';
import type { LogWatcher, PlanWatcher } from './plan-watcher.ts';
import type { ToldEvent } from './watched-plan.ts';
import type { WatchedStep } from './watched-step.ts';

/**
 * For programs: each event of the plan from its first one, as the server's stream tells it, one to a line:
 * `{"planId","seq","at","type","data"}`. Lines of a followed log come between: `{"type":"log","ordinal","name",
 * "attempt","line"}`. What is said about the connection goes to stderr.
 */
export class JsonView implements PlanWatcher {
  private planId = '';
  private isLost = false;

  constructor(private readonly terminal: Terminal) {}

  readonly log: LogWatcher = {
    attempt: () => undefined,
    lines: ({ ordinal, name }: WatchedStep, attempt, lines) => {
      for (const line of lines) this.terminal.out(jsonLine({ type: 'log', ordinal, name, attempt, line }));
    },
    note: (text) => this.terminal.err(escapeText(text)),
  };

  begin(plan: { planId: string }): void {
    this.planId = plan.planId;
  }

  event({ seq, at, type, data }: ToldEvent): void {
    this.terminal.out(jsonLine({ planId: this.planId, seq, at, type, data }));
  }

  lost(error: Error): void {
    if (!this.isLost) this.terminal.err(escapeText(describeLoss(error)));
    this.isLost = true;
  }

  back(): void {
    if (this.isLost) this.terminal.err('the server is back');
    this.isLost = false;
  }

  done(): void {
    // Each line is already written.
  }
}
