import { exitCodeOfSignal, exitCodeOfStatus } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import { renderOutcome } from '../rendering/outcome.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { InterruptedError, Interrupts } from '../up/interrupts.ts';
import { followPlan } from '../watching/follow-plan.ts';
import { JsonView } from '../watching/json-view.ts';
import { LineView } from '../watching/line-view.ts';
import { LiveView } from '../watching/live-view.ts';
import type { PlanWatcher } from '../watching/plan-watcher.ts';
import type { CommandContext, CommandResult } from './context.ts';

export interface WatchOptions {
  json: boolean;
  /** Ordinal or name of a step whose log is shown, too. */
  follow?: string;
}

/** Shows a plan until it ends. Ctrl-C stops the watching, not the plan. */
export async function watchPlan(
  { client, terminal }: CommandContext,
  planId: string,
  o: WatchOptions,
): CommandResult {
  using interrupts = new Interrupts();
  const watcher = watcherFor(terminal, o);
  try {
    const plan = await followPlan({
      source: client,
      planId,
      watcher,
      signal: interrupts.stop,
      fromStart: o.json,
      follow: o.follow ?? null,
    });
    if (!o.json) terminal.out(renderOutcome(plan, terminal.paint));
    return exitCodeOfStatus(plan.status);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    terminal.err(`stopped watching; the plan goes on. Come back with: skein watch ${escapeText(planId)}`);
    return exitCodeOfSignal(error.signal);
  }
}

export function watcherFor(terminal: Terminal, o: WatchOptions): PlanWatcher {
  if (o.json) return new JsonView(terminal);
  return terminal.isTty ? new LiveView(terminal, o.follow ?? null) : new LineView(terminal);
}
