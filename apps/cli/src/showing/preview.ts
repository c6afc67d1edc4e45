import {
  expand,
  textsNamed,
  type PlanDefinition,
  type StepDefinition,
  type StepInstance,
  type SystemStepKind,
} from '#domain';
import type { Resolution, ResolutionRequest } from '#workspace';

/** A plan as it would begin: all that can be said of it before anything runs. */
export interface PlanPreview {
  definition: PlanDefinition;
  /** null for a plan without a repository. */
  baseSha: string | null;
  /** In the order of the plan's text. */
  steps: StepPreview[];
  /** Steps that Skein adds, in the order in which they run. */
  system: StepInstance[];
  /** Steps that are known now, system steps included. */
  count: number;
  /** Steps whose fan-out is decided at run time. */
  fanOuts: number;
}

export interface StepPreview {
  definition: StepDefinition;
  /** null: decided at run time. */
  instances: StepInstance[] | null;
}

/** In the order in which they run; their ordinals are another matter. */
const SYSTEM_ORDER: SystemStepKind[] = ['resolve', 'baseline', 'integrate', 'publish', 'report', 'clean'];

export function previewPlan(definition: PlanDefinition, resolved: Resolution | null): PlanPreview {
  const expanded = expand(definition, resolved).steps;
  const own = definition.steps.map((): StepInstance[] => []);
  for (const step of expanded) if (step.definition !== null) own[step.definition]!.push(step);
  const steps = definition.steps.map((step, index) => ({
    definition: step,
    instances: step.matrix?.kind === 'from' ? null : own[index]!,
  }));
  const system = systemSteps(definition, expanded);
  return {
    definition,
    baseSha: resolved?.baseSha ?? null,
    steps,
    system,
    count: system.length + own.reduce((sum, { length }) => sum + length, 0),
    fanOuts: steps.filter(({ instances }) => instances === null).length,
  };
}

function systemSteps(definition: PlanDefinition, expanded: StepInstance[]): StepInstance[] {
  const resolve = { ordinal: 0, name: 'resolve', kind: 'resolve', definition: null, matrix: null } as const;
  const all = [...(definition.repo ? [resolve] : []), ...expanded.filter((step) => step.definition === null)];
  const rank = (step: StepInstance) => SYSTEM_ORDER.indexOf(step.kind as SystemStepKind);
  return all.sort((a, b) => rank(a) - rank(b));
}

/** What the plan's `resolve` step will be asked; `maxFiles` as the server's largest plan. */
export function resolutionRequest(definition: PlanDefinition, maxFiles: number): ResolutionRequest {
  const globs = definition.steps.flatMap(({ matrix }, index) =>
    matrix?.kind === 'glob' ? [{ definition: index, include: matrix.include, exclude: matrix.exclude }] : [],
  );
  return { globs, texts: textsNamed(definition.steps), maxFiles };
}
