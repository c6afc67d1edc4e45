import type { PlanQuery } from '../client/coordinator-client.ts';
import type { StepView } from '#client';
import { exitCodeOfStatus, exitCodes, UsageError } from '../exit-code.ts';
import { escapeLines, escapeText } from '../rendering/escape.ts';
import { renderFailures, renderOutcome } from '../rendering/outcome.ts';
import { renderPlan } from '../rendering/plan-view.ts';
import { renderPlanHead, renderPlanRow } from '../rendering/plan-list.ts';
import { jsonLine, type CommandContext, type CommandResult } from './context.ts';
import { takePicture } from '../watching/follow-plan.ts';

const PIPE_COLUMNS = 400;
/** The most that the server puts onto a page. */
const PAGE_PLANS = 500;

export async function showStatus(
  { client, terminal }: CommandContext,
  planId: string,
  o: { json: boolean },
): CommandResult {
  const { summary, steps, plan } = await takePicture(client, planId);
  if (o.json) {
    terminal.out(jsonLine({ ...summary, steps }));
    return exitCodeOfStatus(summary.status);
  }
  const { paint } = terminal;
  // A pipe has no width: nothing needs to be cut for it.
  const columns = terminal.isTty ? terminal.columns() : PIPE_COLUMNS;
  // Every step: who asks once may pipe it through a pager.
  terminal.out(renderPlan(plan, { columns, rows: Infinity, nowMs: Date.now(), paint }));
  const failures = renderFailures(plan.steps());
  // The plan's own reason names the first few of them.
  const isTold = failures.length > 0 && summary.reason?.code === 'steps-failed';
  if (summary.status !== 'running')
    terminal.out(renderOutcome(isTold ? { ...summary, reason: null } : summary, paint));
  for (const line of failures) terminal.out(line);
  return exitCodeOfStatus(summary.status);
}

export interface ListOptions extends Omit<PlanQuery, 'cursor'> {
  json: boolean;
  /** Every plan that fits, not only the newest `limit`. */
  all: boolean;
}

export async function listPlans({ client, terminal }: CommandContext, o: ListOptions): CommandResult {
  const { json, all, limit, age, ...filter } = o;
  const query = { ...filter, age: age === undefined ? undefined : /^[<>]/.test(age) ? age : `<${age}` };
  const columns = terminal.isTty ? terminal.columns() : PIPE_COLUMNS;
  const frame = { columns, nowMs: Date.now(), paint: terminal.paint };
  let shown = 0;
  let cursor: string | undefined;
  do {
    const left = all ? PAGE_PLANS : Math.min(limit - shown, PAGE_PLANS);
    const page = await client.plans({ ...query, limit: left, cursor });
    for (const plan of page.plans) {
      if (shown === 0 && !json && terminal.isTty) terminal.out(renderPlanHead(frame));
      terminal.out(json ? jsonLine(plan) : renderPlanRow(plan, frame));
      shown += 1;
    }
    cursor = page.plans.length > 0 ? (page.nextCursor ?? undefined) : undefined;
  } while (cursor !== undefined && (all || shown < limit));
  // Not among the results: those may go to another program.
  if (cursor !== undefined) terminal.err(`there are more: --limit, or --all`);
  else if (shown === 0) terminal.err('no such plan');
  return exitCodes.ok;
}

export async function showLog(
  { client, terminal }: CommandContext,
  planId: string,
  step: string,
  attempt: number | null,
): CommandResult {
  const number = attempt ?? (await lastAttempt(await client.steps(planId), step));
  terminal.out(escapeLines(await client.attemptText(planId, step, number, 'log')));
  return exitCodes.ok;
}

export async function showProgress({ client, terminal }: CommandContext, planId: string): CommandResult {
  terminal.out(escapeLines(await client.progress(planId)));
  return exitCodes.ok;
}

export async function cancelPlan(
  { client, terminal }: CommandContext,
  planId: string,
  why: string | null,
): CommandResult {
  await client.cancel(planId, why);
  terminal.out(`cancelling ${escapeText(planId)}`);
  return exitCodes.ok;
}

async function lastAttempt(steps: StepView[], wanted: string): Promise<number> {
  const step = steps.find(({ ordinal, name }) => ordinal === wanted || name === wanted);
  if (!step) throw new UsageError(`the plan has no step ${escapeText(wanted)}`);
  // Their logs are kept as of a first attempt.
  if ((step.kind === 'integrate' || step.kind === 'baseline') && step.epoch > 0) return 1;
  if (step.attempts === 0) throw new UsageError(`${escapeText(step.name)} has no recorded attempt yet`);
  return step.attempts;
}
