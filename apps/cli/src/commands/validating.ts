import { parsePlan, type ParsedPlan } from '#contracts';
import { exitCodes } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import { renderTextProblem } from '../rendering/problems.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { jsonLine, type CommandResult } from './context.ts';
import { readPlanText } from './plan-text.ts';

/** All that can be said of a plan without its repository. No server is asked. */
export async function validatePlan(terminal: Terminal, file: string, o: { json: boolean }): CommandResult {
  const plan = await readPlanText(file);
  const parsed = parsePlan(plan.text);
  if (o.json) {
    terminal.out(
      jsonLine(parsed.ok ? { ok: true, digest: parsed.digest, definition: parsed.definition } : parsed),
    );
  } else if (parsed.ok) {
    terminal.out(describe(parsed));
  } else {
    for (const problem of parsed.problems) terminal.out(renderTextProblem(plan.label, problem));
  }
  return parsed.ok ? exitCodes.ok : exitCodes.usage;
}

function describe({ definition, digest }: ParsedPlan & { ok: true }): string {
  const steps = definition.steps.reduce(
    (sum, step) => sum + (step.matrix?.kind === 'list' ? step.matrix.values.length : 1),
    0,
  );
  const globs = definition.steps.filter((step) => step.matrix?.kind === 'glob').length;
  const more =
    globs > 0
      ? `, and more once the files of ${globs === 1 ? 'a glob are' : `${globs} globs are`} known`
      : '';
  return `${escapeText(definition.name)} is valid: ${steps} step${steps === 1 ? '' : 's'}${more}\n  digest ${digest}`;
}
