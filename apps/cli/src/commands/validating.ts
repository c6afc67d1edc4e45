import { parsePlan, type ParsedPlan } from '#contracts';
import { exitCodes } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import { renderTextProblem } from '../rendering/problems.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { jsonLine, type CommandResult } from './context.ts';
import { type PlanInputOptions, readPlanInput } from './plan-input.ts';

/** All that can be said of a plan without its repository. No server is asked. */
export async function validatePlan(
  terminal: Terminal,
  file: string,
  o: { json: boolean } & Pick<PlanInputOptions, 'param'>,
): CommandResult {
  const { plan, params, files } = await readPlanInput(file, o);
  const parsed = parsePlan(plan.text, { params, files });
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
    (sum, { matrix }) =>
      sum + (matrix?.kind === 'list' ? matrix.values.length : matrix?.kind === 'from' ? 0 : 1),
    0,
  );
  const kinds = new Set(definition.steps.map((step) => step.matrix?.kind));
  const unknown = [
    ...(kinds.has('glob') ? ['the files of its globs are known'] : []),
    ...(kinds.has('from') ? ['its fan-outs are decided'] : []),
  ];
  const more = unknown.length > 0 ? `, and more once ${unknown.join(' and ')}` : '';
  return `${escapeText(definition.name)} is valid: ${steps} step${steps === 1 ? '' : 's'}${more}\n  digest ${digest}`;
}
