import { setTimeout as sleep } from 'node:timers/promises';
import { createLogUpdate } from 'log-update';
import type { CoordinatorClient } from '../client/coordinator-client.ts';
import { ConnectionError } from '../client/errors.ts';
import type { PlanSummary, StepView } from '../client/wire.ts';
import { exitCodeOfStatus, hasEnded } from '../exit-code.ts';
import { renderOutcome, renderPlan } from '../rendering/plan-view.ts';
import { ProgressLines } from '../rendering/progress-lines.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { jsonLine, type CommandContext, type CommandResult } from './context.ts';

const POLL_MS = 300;
/** A server that restarts comes back within this; after it `watch` gives up. */
const SILENCE_MS_MAX = 60_000;

/** Shows a plan until it ends. Ctrl-C stops the watching, not the plan. */
export async function watchPlan(
  context: CommandContext,
  planId: string,
  o: { json: boolean },
): CommandResult {
  const plan = await followPlan(context.client, planId, viewFor(context.terminal, o.json));
  if (!o.json) context.terminal.out(renderOutcome(plan, context.terminal.paint));
  return exitCodeOfStatus(plan.status);
}

/** Where looks at a plan go to. */
export interface PlanWatcher {
  show(plan: PlanSummary, steps: StepView[]): void;
  lost(error: ConnectionError): void;
  done(): void;
}

export function viewFor(terminal: Terminal, json: boolean): PlanWatcher {
  if (json) return jsonView(terminal);
  return terminal.isTty ? liveView(terminal) : lineView(terminal);
}

/** Polls until the plan has ended. A slow server (a plan of ten thousand steps) is asked less often. */
export async function followPlan(
  client: CoordinatorClient,
  planId: string,
  view: PlanWatcher,
  signal?: AbortSignal,
): Promise<PlanSummary> {
  let lastAnswerMs = performance.now();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const askedMs = performance.now();
      try {
        // The plan first: when it says that it ended, the steps that follow are final.
        const plan = await client.plan(planId);
        view.show(plan, await client.steps(planId));
        lastAnswerMs = performance.now();
        if (hasEnded(plan.status)) return plan;
      } catch (error) {
        if (!(error instanceof ConnectionError) || performance.now() - lastAnswerMs > SILENCE_MS_MAX)
          throw error;
        view.lost(error);
      }
      await pause(Math.max(POLL_MS, 3 * (performance.now() - askedMs)), signal);
    }
  } finally {
    view.done();
  }
}

/** Ends early, without an error of its own, when the signal is given: the caller looks at it next. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {}).catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
}

function liveView(terminal: Terminal): PlanWatcher {
  const update = createLogUpdate(terminal.stdout);
  return {
    show: (plan, steps) =>
      update(
        renderPlan(plan, steps, {
          columns: terminal.columns(),
          rows: terminal.rows(),
          nowMs: Date.now(),
          paint: terminal.paint,
        }),
      ),
    lost: (error) => update(terminal.paint('yellow', `${error.message}; trying again`)),
    done: () => update.done(),
  };
}

function lineView(terminal: Terminal): PlanWatcher {
  const lines = new ProgressLines(terminal.paint);
  let connected = true;
  return {
    show: (plan, steps) => {
      connected = true;
      for (const line of lines.changes(plan, steps)) terminal.out(line);
    },
    lost: (error) => {
      if (connected) terminal.err(`${error.message}; trying again`);
      connected = false;
    },
    done: () => undefined,
  };
}

/** `{"type":"plan",...}` and `{"type":"step",...}`, whenever one changed. */
function jsonView(terminal: Terminal): PlanWatcher {
  const seen = new Map<string, string>();
  const print = (key: string, value: unknown) => {
    const line = jsonLine(value);
    if (seen.get(key) === line) return;
    seen.set(key, line);
    terminal.out(line);
  };
  return {
    show: (plan, steps) => {
      for (const step of steps) print(step.ordinal, { type: 'step', ...step });
      print('', { type: 'plan', ...plan });
    },
    lost: () => undefined,
    done: () => undefined,
  };
}
