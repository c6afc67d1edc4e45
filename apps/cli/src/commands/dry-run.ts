import type { ParsedPlan } from '#contracts';
import { ConnectionError, ProblemError } from '#client';
import type { DryRun } from '#client';
import { exitCodes } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import { renderFailure, renderTextProblem } from '../rendering/problems.ts';
import type { FolderWarning } from '../showing/folder-warnings.ts';
import { resolvePlan, type PlanResolution } from '../showing/resolve-plan.ts';
import { jsonLine, type CommandContext, type CommandResult } from './context.ts';
import { submissionOf, type PlanInput } from './plan-input.ts';
import { tellWarnings } from './plan-show.ts';

interface Subject {
  input: PlanInput;
  warnings: FolderWarning[];
}

type ServerWord =
  | { kind: 'taken'; answer: DryRun }
  | { kind: 'refused'; error: ProblemError }
  /** Nobody to ask: what can be said is said from here. */
  | { kind: 'absent'; why: string };

/** Everything that a submission checks, by the server where there is one, and the base besides. Nothing is written. */
export async function dryRun(
  context: CommandContext,
  { input, warnings }: Subject,
  o: { json: boolean; strict: boolean; key?: string; tenant?: string },
): CommandResult {
  const { terminal } = context;
  const { parsed } = input;
  const word = await askServer(context, input, o);
  const resolution = parsed.ok ? await resolvePlan(parsed.definition) : null;
  const accepted = word.kind === 'taken' || (word.kind === 'absent' && parsed.ok);
  const ok = accepted && resolution?.ok !== false && !(o.strict && warnings.length > 0);
  if (o.json) terminal.out(jsonLine({ type: 'dry-run', ok, ...jsonOf(word, parsed, resolution), warnings }));
  else {
    tellServer(context, word, input);
    tellBase(context, resolution);
    tellWarnings(terminal, warnings, o.strict);
    terminal.out(
      ok ? 'nothing was submitted: without --dry-run this plan would begin' : 'nothing was submitted',
    );
  }
  return ok ? exitCodes.ok : exitCodes.usage;
}

async function askServer(
  { client }: CommandContext,
  input: PlanInput,
  { key = null, tenant }: { key?: string | null; tenant?: string },
): Promise<ServerWord> {
  try {
    return { kind: 'taken', answer: await client.dryRun(submissionOf(input, tenant), key) };
  } catch (error) {
    if (error instanceof ConnectionError) return { kind: 'absent', why: error.why };
    if (error instanceof ProblemError && error.retry === 'never') return { kind: 'refused', error };
    throw error;
  }
}

function tellServer({ client, terminal }: CommandContext, word: ServerWord, input: PlanInput): void {
  switch (word.kind) {
    case 'taken': {
      const { name, steps, exists, planId } = word.answer;
      const again = exists
        ? `; with this key it is the plan ${escapeText(planId ?? '')}, which is there already`
        : '';
      return terminal.out(
        `${client.baseUrl} would take ${escapeText(name)}: ${steps} steps in its text${again}`,
      );
    }
    case 'refused':
      for (const line of renderFailure(word.error, input.plan.label)) terminal.err(line);
      return;
    case 'absent':
      terminal.err(
        terminal.paint(
          'dim',
          `no server at ${client.baseUrl} (${escapeText(word.why)}): checked from here alone`,
        ),
      );
      if (!input.parsed.ok)
        for (const problem of input.parsed.problems)
          terminal.err(renderTextProblem(input.plan.label, problem));
  }
}

function tellBase({ terminal }: CommandContext, resolution: PlanResolution | null): void {
  if (resolution === null) return;
  if (!resolution.ok) {
    const { message, code } = resolution.reason;
    return terminal.err(
      `the plan would be blocked at its start: ${escapeText(message)} (${escapeText(code)})`,
    );
  }
  const { definition, baseSha, count, fanOuts } = resolution.preview;
  const later = fanOuts > 0 ? ', and those that are decided at run time' : '';
  const where = definition.repo
    ? `at ${escapeText(definition.repo.base)} (${baseSha?.slice(0, 12)}) of ${escapeText(definition.repo.url)} `
    : '';
  terminal.out(`${where}it would have ${count} steps${later}`);
}

function jsonOf(word: ServerWord, parsed: ParsedPlan, resolution: PlanResolution | null): object {
  const server =
    word.kind === 'taken'
      ? { server: 'would-take', ...word.answer }
      : word.kind === 'refused'
        ? { server: 'refused', ...word.error.problem }
        : { server: null, ...(parsed.ok ? { name: parsed.definition.name } : { problems: parsed.problems }) };
  if (resolution === null) return server;
  const base = resolution.ok
    ? {
        baseSha: resolution.preview.baseSha,
        expandedSteps: resolution.preview.count,
        fanOuts: resolution.preview.fanOuts,
      }
    : { reason: resolution.reason };
  return { ...server, ...base };
}
