import type { JsonValue } from '../json.ts';
import type { PlanExpanded, StepsExpanded } from '../ledger/events.ts';
import type {
  MatrixValue,
  PlanDefinition,
  StepDefinition,
  StepInstance,
  SystemStepKind,
} from './definition.ts';
import type { ResolvedRepo } from './input.ts';

/** Steps that one fan-out may make at run time. */
export const EXPANDED_STEPS_MAX = 10_000;

/**
 * Gives every step of the plan its ordinal: `s0` resolves the repository, the plan's own steps follow in the order
 * of its text, then the other system steps. A plan without a repository has only its own. What is decided at run
 * time comes later and takes the ordinals after these.
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
  for (const kind of systemSteps(definition)) add({ name: kind, kind, definition: null, matrix: null });
  return { baseSha: resolved?.baseSha ?? null, steps, texts: resolved?.texts ?? {} };
}

/** In the order of their ordinals, after the plan's own. */
function systemSteps(definition: PlanDefinition): SystemStepKind[] {
  if (!definition.repo) return [];
  const integrates = definition.integrate ? (['integrate', 'publish'] as const) : [];
  const baseline = definition.baseline ? (['baseline'] as const) : [];
  const report = definition.progress ? (['report'] as const) : [];
  return [...integrates, ...baseline, ...report, 'clean'];
}

function instancesOf(
  step: StepDefinition,
  index: number,
  resolved: ResolvedRepo | null,
): { name: string; matrix: MatrixValue | null }[] {
  const matrix = step.matrix;
  if (!matrix) return [{ name: step.name, matrix: null }];
  switch (matrix.kind) {
    case 'from':
      return [];
    case 'list':
      return matrix.values.map((value) => ({ name: `${step.name}[${value}]`, matrix: { value } }));
    case 'glob': {
      const chunks = chunk(resolved?.files[String(index)] ?? [], matrix.chunk);
      return chunks.map((files, position) => ({
        name: `${step.name}[${files.length === 1 ? files[0] : `${position + 1}/${chunks.length}`}]`,
        matrix: { files },
      }));
    }
  }
}

function chunk(files: string[], size: number): string[][] {
  const chunks: string[][] = [];
  for (let from = 0; from < files.length; from += size) chunks.push(files.slice(from, from + size));
  return chunks;
}

/** One step per item, from `firstOrdinal` on. The items come from a program: their names are made safe to show. */
export function expandItems(
  step: StepDefinition,
  definition: number,
  items: JsonValue[],
  firstOrdinal: number,
): StepsExpanded {
  const steps = items.map((item, position): StepInstance => {
    const name = `${step.name}[${labelOf(item) ?? position + 1}]`;
    return { ordinal: firstOrdinal + position, name, kind: step.work.kind, definition, matrix: { item } };
  });
  return { definition, steps };
}

/** The step that stands for a fan-out that could not be made, so that its failure has a name and a place. */
export function expandFailed(step: StepDefinition, definition: number, ordinal: number): StepsExpanded {
  return {
    definition,
    steps: [{ ordinal, name: step.name, kind: step.work.kind, definition, matrix: null }],
  };
}

function labelOf(item: JsonValue): string | null {
  if (typeof item === 'string') return plain(item);
  if (typeof item === 'number' || typeof item === 'boolean') return String(item);
  if (item === null || Array.isArray(item)) return null;
  const named = item['name'];
  return typeof named === 'string' && named !== '' ? plain(named) : null;
}

function plain(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}/gu, '?')
    .slice(0, 200);
}
