import { randomUUID } from 'node:crypto';
import { ProblemError } from '#client';
import type { SubmittedPlan } from '#client';
import { exitCodes } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import { renderFailure } from '../rendering/problems.ts';
import type { FolderWarning } from '../showing/folder-warnings.ts';
import { jsonLine, type CommandContext, type CommandResult } from './context.ts';
import { dryRun } from './dry-run.ts';
import { readPlanInput, submissionOf, warningsFor, type PlanInputOptions } from './plan-input.ts';
import { tellWarnings } from './plan-show.ts';
import { watchPlan, type WatchOptions } from './watching.ts';

export interface SubmitOptions extends WatchOptions, PlanInputOptions {
  watch: boolean;
  dryRun: boolean;
  strict: boolean;
  key?: string;
  tenant?: string;
}

export async function submitPlan(context: CommandContext, file: string, o: SubmitOptions): CommandResult {
  const { client, terminal } = context;
  const input = await readPlanInput(file, o);
  const warnings = await warningsFor(input);
  if (o.dryRun) return dryRun(context, { input, warnings }, o);
  if (!o.json || o.strict) tellWarnings(terminal, warnings, o.strict);
  if (o.strict && warnings.length > 0) {
    if (o.json) terminal.out(jsonLine({ type: 'refused', warnings }));
    return exitCodes.usage;
  }
  // A text with problems is sent, too: a newer server may know more than this program.
  let submitted: SubmittedPlan;
  try {
    submitted = await client.submit(submissionOf(input, o.tenant), o.key ?? randomUUID());
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    // With the file's name before each place, as compilers write it.
    for (const line of renderFailure(error, input.plan.label)) terminal.err(line);
    return exitCodes.usage;
  }
  tellSubmitted(context, submitted, warnings, o);
  return o.watch ? watchPlan(context, submitted.planId, o) : exitCodes.ok;
}

function tellSubmitted(
  { terminal }: CommandContext,
  submitted: SubmittedPlan,
  warnings: FolderWarning[],
  o: SubmitOptions,
): void {
  const [planId, name] = [escapeText(submitted.planId), escapeText(submitted.name)];
  if (o.json) terminal.out(jsonLine({ type: 'submitted', ...submitted, warnings }));
  else if (o.watch) terminal.out(`submitted ${name} as ${planId}`);
  else terminal.out(`${planId}  ${name}\n  skein watch ${planId}`);
}
