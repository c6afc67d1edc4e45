import { renderCommands, renderEnv } from '#contracts';
import {
  definitionOf,
  needsScope,
  scopeOf,
  type ExpressionScope,
  type PlanState,
  type StepDefinition,
  type StepState,
} from '#domain';

/** Commands and environment of a step or of the integration, as the plan gives them. */
export interface ProgramTexts {
  setup: string[];
  verify: string[];
  env: Record<string, string>;
}

/** With their expressions evaluated: commands refer to `values`, which travel in the environment. */
export interface RenderedTexts extends ProgramTexts {
  values: Record<string, string>;
}

/** Throws ExpressionError. */
export function renderPrograms({ setup, verify, env }: ProgramTexts, scope: ExpressionScope): RenderedTexts {
  const before = renderCommands(setup, scope);
  const after = renderCommands(verify, scope, before.values);
  return { setup: before.commands, verify: after.commands, env: renderEnv(env, scope), values: after.values };
}

/** What the expressions of a plan's own step may look at. */
export function stepScope(plan: PlanState, { instance }: StepState): ExpressionScope {
  const group = plan.groups[instance.definition!]!;
  return scopeOf(plan, group, instance, holdsExpressions(group.definition) ? needsScope(plan, group) : {});
}

/** What the expressions of a system step may look at: it has no needs of its own and no matrix. */
export function planScope(plan: PlanState, { instance }: StepState): ExpressionScope {
  const { name, params } = definitionOf(plan);
  return {
    params,
    with: {},
    plan: { id: plan.planId, name },
    step: { name: instance.name, ordinal: instance.ordinal },
    matrix: null,
    needs: {},
  };
}

/** The results of ten thousand needs are put together only for who asks: most steps have no expression. */
const holding = new WeakMap<StepDefinition, boolean>();

function holdsExpressions(definition: StepDefinition): boolean {
  let holds = holding.get(definition);
  if (holds === undefined) {
    holds = JSON.stringify(definition).includes('${{');
    holding.set(definition, holds);
  }
  return holds;
}
