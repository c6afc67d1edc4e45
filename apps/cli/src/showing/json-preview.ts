import { formatOrdinal } from '#domain';
import type { PlanPreview } from './preview.ts';

/** A preview for programs, complete: every step that is known, and what will be decided at run time. */
export function jsonPreview({ definition, baseSha, steps, system, count }: PlanPreview): object {
  const { name, labels, params, repo, priority, deadline, maxParallel, locks } = definition;
  return {
    ...{ name, labels, params, priority, deadline, maxParallel, locks, count },
    repository: repo && { ...repo, baseSha },
    integrate: definition.integrate && { branch: definition.integrate.branch },
    steps: steps.flatMap(({ definition: step, instances }) =>
      (instances ?? []).map(({ ordinal, name: instance, kind, matrix }) => ({
        ...{
          ordinal: formatOrdinal(ordinal),
          name: instance,
          kind,
          step: step.name,
          needs: step.needs,
          matrix,
        },
        ...{ when: step.when, locks: step.locks, priority: step.priority, pool: step.pool },
      })),
    ),
    system: system.map(({ ordinal, kind }) => ({ ordinal: formatOrdinal(ordinal), kind })),
    decidedAtRunTime: steps.flatMap(({ definition: step, instances }) =>
      instances === null && step.matrix?.kind === 'from'
        ? [{ step: step.name, needs: step.needs, from: step.matrix.expression }]
        : [],
    ),
  };
}
