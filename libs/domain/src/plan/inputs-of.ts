import type { CommitRef, JsonValue } from '../ledger/events.ts';
import { stepOf, type PlanState } from './state.ts';

export interface InputCommit {
  ordinal: number;
  stepName: string;
  commit: CommitRef;
}

/**
 * The commits that a step starts from, in ordinal order: the results of its needs. A need that makes no commits
 * itself (`noop`) stands for its own needs, so that a join passes on what it joined.
 */
export function inputCommits(state: PlanState, ordinal: number): InputCommit[] {
  const definition = stepOf(state, ordinal).instance.definition;
  if (definition === null) return [];
  return commitsOf(state, neededGroups(state, definition));
}

/** What the integration merges: every accepted result, in ordinal order. */
export function acceptedCommits(state: PlanState): InputCommit[] {
  return commitsOf(state, new Set(state.groups.keys()));
}

/** Outputs of the needs by step name. */
export function inputOutputs(state: PlanState, ordinal: number): Record<string, Record<string, JsonValue>> {
  const definition = stepOf(state, ordinal).instance.definition;
  const outputs: Record<string, Record<string, JsonValue>> = {};
  if (definition === null) return outputs;
  for (const index of directNeeds(state, definition)) {
    for (const needed of state.groups[index]!.ordinals) {
      const step = stepOf(state, needed);
      if (step.outputs && Object.keys(step.outputs).length > 0) outputs[step.instance.name] = step.outputs;
    }
  }
  return outputs;
}

function directNeeds(state: PlanState, definition: number): number[] {
  const needs = new Set(state.groups[definition]!.definition.needs);
  return [...state.groups.keys()].filter((index) => needs.has(state.groups[index]!.definition.name));
}

function neededGroups(state: PlanState, definition: number): Set<number> {
  const found = new Set<number>();
  const visit = (index: number): void => {
    for (const need of directNeeds(state, index)) {
      if (found.has(need)) continue;
      found.add(need);
      if (state.groups[need]!.definition.work.kind === 'noop') visit(need);
    }
  };
  visit(definition);
  return found;
}

function commitsOf(state: PlanState, groups: Set<number>): InputCommit[] {
  const inputs: InputCommit[] = [];
  for (const index of groups) {
    for (const ordinal of state.groups[index]!.ordinals) {
      const step = stepOf(state, ordinal);
      if (step.commit) inputs.push({ ordinal, stepName: step.instance.name, commit: step.commit });
    }
  }
  return inputs.sort((a, b) => a.ordinal - b.ordinal);
}
