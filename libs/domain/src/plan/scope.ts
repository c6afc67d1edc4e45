import type { StepInstance } from './definition.ts';
import type { ExpressionScope, NeededStep, NeedScope } from './expressions.ts';
import { definitionOf, stepOf, type GroupState, type PlanState } from './state.ts';

/** What the expressions of one step may look at. `needs` is the same for all steps of a group: make it once. */
export function scopeOf(
  state: PlanState,
  group: GroupState,
  step: Pick<StepInstance, 'name' | 'ordinal' | 'matrix'>,
  needs: ExpressionScope['needs'],
): ExpressionScope {
  const { name, params } = definitionOf(state);
  return {
    params,
    with: group.definition.with,
    plan: { id: state.planId, name },
    step: { name: step.name, ordinal: step.ordinal },
    matrix: step.matrix,
    needs,
  };
}

/** The results of a group's direct needs, by name. They are all met when this is asked. */
export function needsScope(state: PlanState, group: GroupState): ExpressionScope['needs'] {
  return Object.fromEntries(
    group.needs.map((index) => {
      const needed = state.groups[index]!;
      return [needed.definition.name, needScope(state, needed)];
    }),
  );
}

function needScope(state: PlanState, needed: GroupState): NeedScope {
  const steps = needed.ordinals.map((ordinal): NeededStep => {
    const { instance, status, outputs } = stepOf(state, ordinal);
    const outcome = status === 'skipped' ? 'skipped' : 'passed';
    return { name: instance.name, outcome, outputs: outputs ?? {}, matrix: instance.matrix };
  });
  return needed.definition.matrix === null ? steps[0]! : { all: steps };
}
