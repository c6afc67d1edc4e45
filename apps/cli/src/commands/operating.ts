import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ProblemError, type DeadLetter } from '#client';
import { exitCodes, UsageError } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import type { DeadLetterQuery, PlanVerb, StepVerb } from '../client/operator-client.ts';
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
  /** Milliseconds between two; absent: one after the other. */
  rate?: number;
}

/** One dead letter, or all of a kind, one at a time, so that what poisoned them once is not let loose at once. */
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
  const wanted = await wantedLetters(context, plan, o);
  let refused = 0;
  for (const [index, letter] of wanted.entries()) {
    if (index > 0 && o.rate !== undefined) await pause(o.rate);
    if (!(await redriveOne(context, letter, o))) refused += 1;
  }
  if (wanted.length === 0) context.terminal.err('no such dead letter');
  return refused === 0 ? exitCodes.ok : exitCodes.endedOtherwise;
}

/** Looked for before the first is redriven: what is poisoned again meanwhile is not redriven again. */
async function wantedLetters(
  { client }: CommandContext,
  plan: string | null,
  { reason, name }: RedriveOptions,
): Promise<DeadLetter[]> {
  const query = { ...(plan !== null && { plan }), ...(reason && { reason }), ...(name && { name }) };
  const letters: DeadLetter[] = [];
  for await (const letter of client.operator.deadLetters(query)) letters.push(letter);
  return letters;
}

/** A step that cannot be redriven is told of, and the next one has its turn. */
async function redriveOne(
  { client, terminal }: CommandContext,
  { planId, ordinal, name }: DeadLetter,
  { why, json }: RedriveOptions,
): Promise<boolean> {
  const told = (status: string, reason: string | null): void =>
    terminal.out(
      json
        ? jsonLine({ planId, ordinal, name, status, reason })
        : `${status} ${planId} ${ordinal} ${escapeText(name)}${reason === null ? '' : `: ${escapeText(reason)}`}`,
    );
  try {
    await client.operator.onStep({ planId, step: ordinal, verb: 'redrive' }, { why });
  } catch (error) {
    if (!(error instanceof ProblemError) || ![404, 409].includes(error.status)) throw error;
    told('refused', error.message);
    return false;
  }
  told('redriven', null);
  return true;
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
