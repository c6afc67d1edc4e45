import type { PlanExpanded } from '../ledger/events.ts';
import type { MatrixValue, PlanDefinition, StepDefinition, StepInstance } from './definition.ts';
import type { ResolvedRepo } from './input.ts';

/**
 * Gives every step of the plan its ordinal: `s0` resolves the repository, the plan's own steps follow in the
 * order of its text, then `integrate`, `publish` and `clean`. A plan without a repository has only its own.
 */
export function expand(definition: PlanDefinition, resolved: ResolvedRepo | null): PlanExpanded {
  const steps: StepInstance[] = [];
  let ordinal = definition.repo ? 1 : 0;
  const add = (step: Omit<StepInstance, 'ordinal'>): void => {
    steps.push({ ordinal, ...step });
    ordinal += 1;
  };
  definition.steps.forEach((step, index) => {
    for (const { name, matrix } of instancesOf(step, index, resolved)) {
      add({ name, kind: step.work.kind, definition: index, matrix });
    }
  });
  if (definition.repo) {
    if (definition.integrate) {
      add({ name: 'integrate', kind: 'integrate', definition: null, matrix: null });
      add({ name: 'publish', kind: 'publish', definition: null, matrix: null });
    }
    add({ name: 'clean', kind: 'clean', definition: null, matrix: null });
  }
  return { baseSha: resolved?.baseSha ?? null, steps, texts: resolved?.texts ?? {} };
}

function instancesOf(
  step: StepDefinition,
  index: number,
  resolved: ResolvedRepo | null,
): { name: string; matrix: MatrixValue | null }[] {
  const matrix = step.matrix;
  if (!matrix) return [{ name: step.name, matrix: null }];
  if (matrix.kind === 'list') {
    return matrix.values.map((value) => ({ name: `${step.name}[${value}]`, matrix: { value } }));
  }
  const chunks = chunk(resolved?.files[String(index)] ?? [], matrix.chunk);
  return chunks.map((files, position) => ({
    name: `${step.name}[${files.length === 1 ? files[0] : `${position + 1}/${chunks.length}`}]`,
    matrix: { files },
  }));
}

function chunk(files: string[], size: number): string[][] {
  const chunks: string[][] = [];
  for (let from = 0; from < files.length; from += size) chunks.push(files.slice(from, from + size));
  return chunks;
}
