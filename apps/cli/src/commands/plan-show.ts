import { exitCodes } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import { renderTextProblem } from '../rendering/problems.ts';
import type { Terminal } from '../rendering/terminal.ts';
import type { FolderWarning } from '../showing/folder-warnings.ts';
import { jsonPreview } from '../showing/json-preview.ts';
import { renderMermaid } from '../showing/mermaid.ts';
import { resolvePlan } from '../showing/resolve-plan.ts';
import { renderTree } from '../showing/text-tree.ts';
import { jsonLine, type CommandResult } from './context.ts';
import { readPlanInput, warningsFor, type PlanInputOptions } from './plan-input.ts';

export interface PlanShowOptions extends PlanInputOptions {
  mermaid: boolean;
  json: boolean;
  strict: boolean;
}

/** What would run, against the repository's base. No server is asked and nothing is changed. */
export async function showPlan(terminal: Terminal, file: string, o: PlanShowOptions): CommandResult {
  const input = await readPlanInput(file, o);
  const { parsed } = input;
  if (!parsed.ok) {
    if (o.json) terminal.out(jsonLine({ ok: false, problems: parsed.problems, warnings: [] }));
    else for (const problem of parsed.problems) terminal.err(renderTextProblem(input.plan.label, problem));
    return exitCodes.usage;
  }
  const warnings = await warningsFor(input);
  const resolution = await resolvePlan(parsed.definition);
  if (o.json) {
    const what = resolution.ok ? jsonPreview(resolution.preview) : { reason: resolution.reason };
    terminal.out(jsonLine({ ok: resolution.ok, ...what, digest: parsed.digest, warnings }));
  } else if (resolution.ok) {
    const { preview } = resolution;
    terminal.out(o.mermaid ? renderMermaid(preview) : renderTree(preview, terminal.paint));
  } else {
    const { message, code } = resolution.reason;
    terminal.err(`the plan would be blocked at its start: ${escapeText(message)} (${escapeText(code)})`);
  }
  if (!o.json) tellWarnings(terminal, warnings, o.strict);
  return resolution.ok && !(o.strict && warnings.length > 0) ? exitCodes.ok : exitCodes.usage;
}

/** On standard error: a warning is no result. */
export function tellWarnings(terminal: Terminal, warnings: readonly FolderWarning[], strict: boolean): void {
  const { paint } = terminal;
  for (const { message } of warnings)
    terminal.err(
      strict ? paint('red', `error: ${message} (--strict)`) : paint('yellow', `warning: ${message}`),
    );
}
