import type { JsonValue } from '../json.ts';
import type { CommitRef, ForkedFrom } from '../ledger/events.ts';
import type { PlanDefinition, StepDefinition } from './definition.ts';
import { definitionOf, stepOf, type GroupState, type PlanState } from './state.ts';

/**
 * What a new plan can take over of an earlier one, as that stood at `origin.seq`: the results of steps that would do
 * the same again. A step is the same when what makes its result is (its work, checks, paths, inputs), and its needs are
 * the same, all the way up; pool, time and attempts do not matter. Nothing is taken over to another base.
 */
export function forkedFrom(origin: PlanState, definition: PlanDefinition): ForkedFrom {
  const before = definitionOf(origin);
  const sameParams = JSON.stringify(before.params) === JSON.stringify(definition.params);
  const sameRepo = before.repo?.url === definition.repo?.url;
  const results: ForkedFrom['results'] = {};
  for (const group of sameGroups(origin, definition, sameParams)) {
    for (const ordinal of group.ordinals) {
      const { instance, status, commit, outputs } = stepOf(origin, ordinal);
      if (status === 'passed' && (sameRepo || !commit))
        results[instance.name] = { commit, outputs: outputs ?? {} };
    }
  }
  return { planId: origin.planId, seq: origin.seq, results };
}

/** The result that the plan takes over for a step; null: the step has to do its work. */
export function takenOver(
  state: PlanState,
  name: string,
): { commit: CommitRef | null; outputs: Record<string, JsonValue> } | null {
  const results = state.submitted?.forkedFrom?.results;
  return (results && Object.hasOwn(results, name) && results[name]) || null;
}

function sameGroups(origin: PlanState, definition: PlanDefinition, sameParams: boolean): GroupState[] {
  const groups = new Map(origin.groups.map((group) => [group.definition.name, group]));
  const steps = new Map(definition.steps.map((step) => [step.name, step]));
  const dependants = dependantsOf(definition.steps);
  const different = new Set(
    definition.steps
      .filter((step) => {
        const group = groups.get(step.name);
        return (
          !group || essenceOf(step) !== essenceOf(group.definition) || (!sameParams && hasExpressions(step))
        );
      })
      .map(({ name }) => name),
  );
  // What builds on something else is something else: a set that grows while it is walked.
  for (const name of different) for (const dependant of dependants.get(name) ?? []) different.add(dependant);
  return [...steps.keys()].filter((name) => !different.has(name)).map((name) => groups.get(name)!);
}

function dependantsOf(steps: readonly StepDefinition[]): Map<string, string[]> {
  const dependants = new Map<string, string[]>();
  for (const { name, needs } of steps) {
    for (const need of needs) {
      const list = dependants.get(need);
      if (list) list.push(name);
      else dependants.set(need, [name]);
    }
  }
  return dependants;
}

/** What makes a step's result what it is. */
function essenceOf(step: StepDefinition): string {
  const { needs, when, with: given, paths, setup, verify, env, network, outputs, matrix, work } = step;
  return JSON.stringify([needs, when, given, paths, setup, verify, env, network, outputs, matrix, work]);
}

function hasExpressions(step: StepDefinition): boolean {
  return step.when !== null || step.matrix?.kind === 'from' || essenceOf(step).includes('${{');
}
