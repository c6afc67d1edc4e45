import { randomUUID } from 'node:crypto';
import type { RedrivenDeadLetters } from '#client';
import { exitCodes, UsageError } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import type { DeadLetterQuery, PlanVerb, RedriveRequest, StepVerb } from '../client/operator-client.ts';
import { jsonLine, type CommandContext, type CommandResult } from './context.ts';
import { readPlanInput, submissionOf, type PlanInputOptions } from './plan-input.ts';

export interface CommandOptions {
  why?: string;
  json: boolean;
}

const PLAN_DONE: Record<PlanVerb, string> = { pause: 'paused', resume: 'resumed' };
const STEP_DONE: Record<StepVerb, string> = {
  retry: 'is tried again',
  skip: 'is skipped',
  kill: 'is tried again by another lease',
  redrive: 'is tried again',
};

export async function operatePlan(
  { client, terminal }: CommandContext,
  planId: string,
  verb: PlanVerb,
  o: CommandOptions,
): CommandResult {
  const plan = await client.operator.onPlan(planId, verb, o.why);
  terminal.out(o.json ? jsonLine(plan) : `${PLAN_DONE[verb]} ${escapeText(planId)}`);
  return exitCodes.ok;
}

export interface StepOptions extends CommandOptions {
  attempts?: number;
  note?: string;
}

export async function operateStep(
  { client, terminal }: CommandContext,
  at: { planId: string; step: string; verb: StepVerb },
  { why, attempts, note, json }: StepOptions,
): CommandResult {
  const plan = await client.operator.onStep(at, { why, attempts, note });
  const said = `${escapeText(at.step)} of ${escapeText(at.planId)} ${STEP_DONE[at.verb]}`;
  terminal.out(json ? jsonLine(plan) : said);
  return exitCodes.ok;
}

export interface RedriveOptions extends CommandOptions {
  all: boolean;
  reason?: string;
  name?: string;
  /** So many a minute; absent: all at once. */
  rate?: number;
}

/** One dead letter, or all of a kind: the coordinator keeps to the rate, also when we are gone. */
export async function redrive(
  context: CommandContext,
  plan: string | null,
  step: string | null,
  o: RedriveOptions,
): CommandResult {
  if (plan !== null && step !== null) {
    if (o.all) throw new UsageError('give a step, or --all, not both');
    return operateStep(context, { planId: plan, step, verb: 'redrive' }, o);
  }
  if (!o.all) throw new UsageError('which? give a plan and a step, or --all');
  const { client, terminal } = context;
  const request = redriveRequest(plan, o);
  let seen = 0;
  let left = 0;
  let cursor: string | null = null;
  for (;;) {
    // From where the last page ended: what is poisoned again meanwhile is not redriven again.
    const page: RedrivenDeadLetters = await client.operator.redriveAll({
      ...request,
      ...(cursor !== null && { cursor }),
    });
    for (const line of toldOf(page, o.json)) terminal.out(line);
    seen += page.redriven.length + page.passedOver.length + page.refused.length;
    left += page.refused.length;
    cursor = page.nextCursor;
    if (page.stopped) {
      terminal.err(`stopped: ${escapeText(page.stopped.message)}`);
      return exitCodes.endedOtherwise;
    }
    if (!page.more || cursor === null) break;
  }
  if (seen === 0) terminal.err('no such dead letter');
  return left === 0 ? exitCodes.ok : exitCodes.endedOtherwise;
}

function redriveRequest(plan: string | null, { reason, name, rate, why }: RedriveOptions): RedriveRequest {
  const filter = { ...(plan !== null && { plan }), ...(reason && { reason }), ...(name && { name }) };
  return {
    ...(Object.keys(filter).length > 0 ? { filter } : { all: true as const }),
    ...(rate !== undefined && { ratePerMinute: rate }),
    ...(why !== undefined && { why }),
  };
}

function toldOf({ redriven, passedOver, refused }: RedrivenDeadLetters, json: boolean): string[] {
  const told = (status: string, { planId, ordinal, name, ...rest }: Told): string => {
    const { reason = null, notBefore = null } = rest;
    if (json) return jsonLine({ planId, ordinal, name, status, reason: reason?.message ?? null, notBefore });
    const more = reason ? `: ${escapeText(reason.message)}` : notBefore ? `: at ${notBefore}` : '';
    return `${status} ${planId} ${ordinal} ${escapeText(name)}${more}`;
  };
  return [
    ...redriven.map((one) => told('redriven', one)),
    ...passedOver.map((one) => told('passed over', one)),
    ...refused.map((one) => told('refused', one)),
  ];
}

interface Told {
  planId: string;
  ordinal: string;
  name: string;
  reason?: { message: string };
  notBefore?: string | null;
}

export async function listDeadLetters(
  { client, terminal }: CommandContext,
  query: DeadLetterQuery,
  json: boolean,
): CommandResult {
  let count = 0;
  for await (const letter of client.operator.deadLetters(query)) {
    count += 1;
    const { planId, ordinal, name, planName, planStatus, reason } = letter;
    const why = escapeText(reason?.message ?? 'no reason is recorded');
    terminal.out(
      json
        ? jsonLine(letter)
        : `${planId} ${ordinal}  ${escapeText(name)} of ${escapeText(planName)} (${planStatus})\n  ${why}`,
    );
  }
  if (count === 0) terminal.err('no dead letters');
  return exitCodes.ok;
}

export interface ForkOptions extends PlanInputOptions {
  at?: number;
  name?: string;
  key?: string;
  json: boolean;
}

/** With a file: its text in place of the plan's own. */
export async function forkPlan(
  { client, terminal }: CommandContext,
  planId: string,
  file: string | null,
  o: ForkOptions,
): CommandResult {
  const given = file === null ? {} : submissionOf(await readPlanInput(file, o));
  if (file === null && (o.param !== undefined || o.base !== undefined))
    throw new UsageError('--param and --base belong to a plan text: give its file, too');
  const body = {
    ...given,
    ...(o.at !== undefined && { atSeq: o.at }),
    ...(o.name !== undefined && { name: o.name }),
  };
  const fork = await client.operator.fork(planId, body, o.key ?? randomUUID());
  if (o.json) terminal.out(jsonLine({ type: 'forked', ...fork }));
  else {
    const taken = `takes over ${fork.takenOver.length} step${fork.takenOver.length === 1 ? '' : 's'}`;
    terminal.out(
      `${fork.planId}  ${escapeText(fork.name)}\n  ${taken} of ${planId}, as of event ${fork.atSeq}\n  skein watch ${fork.planId}`,
    );
  }
  return exitCodes.ok;
}

/** What a step waits for; without one, what each step of the plan waits for that does not run. */
export async function explain(
  { client, terminal }: CommandContext,
  planId: string,
  step: string | null,
  json: boolean,
): CommandResult {
  if (step === null) {
    for (const { ordinal, name, state, wait } of await client.steps(planId)) {
      if (wait === null) continue;
      terminal.out(
        json
          ? jsonLine({ ordinal, name, state, wait })
          : `${ordinal}  ${escapeText(name)}: ${escapeText(wait)}`,
      );
    }
    return exitCodes.ok;
  }
  const found = await client.operator.explain(planId, step);
  if (json) terminal.out(jsonLine(found));
  else for (const line of explained(found)) terminal.out(line);
  return exitCodes.ok;
}

function explained(found: Awaited<ReturnType<CommandContext['client']['operator']['explain']>>): string[] {
  const { ordinal, name, state, wait, reason, planReason, needs } = found;
  const why = wait ?? reason?.message;
  return [
    `${escapeText(name)} (${ordinal}) is ${state}${why ? `: ${escapeText(why)}` : ''}`,
    ...needs.map(({ name: need, steps, met, failed }) => {
      const bad = failed.length === 0 ? '' : `, ended badly: ${failed.join(', ')}`;
      return `  needs ${escapeText(need)}: ${met} of ${steps} done${bad}`;
    }),
    ...(planReason === null ? [] : [`  the plan: ${escapeText(planReason.message)}`]),
  ];
}
