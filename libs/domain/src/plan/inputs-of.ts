import type { JsonValue } from '../json.ts';
import type { CommitRef } from '../ledger/events.ts';
import { stepOf, type GroupState, type PlanState } from './state.ts';

export interface InputCommit {
  ordinal: number;
  stepName: string;
  commit: CommitRef;
}

/**
 * The commits that a step starts from, in ordinal order: the results of its needs. A need that makes no commits
 * itself (a `noop`, a wait, a step that was skipped) stands for its own needs: it passes on what it joined.
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
  for (const index of [...new Set(state.groups[definition]!.needs)].sort((a, b) => a - b)) {
    for (const needed of state.groups[index]!.ordinals) {
      const step = stepOf(state, needed);
      if (step.outputs && Object.keys(step.outputs).length > 0) outputs[step.instance.name] = step.outputs;
    }
  }
  return outputs;
}

/** Costs what it finds, and has no depth: a plan may be a chain of thousands of joins. */
function neededGroups(state: PlanState, definition: number): Set<number> {
  const found = new Set<number>();
  const open = [definition];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    for (const need of state.groups[index]!.needs) {
      if (found.has(need)) continue;
      found.add(need);
      if (passesOn(state, state.groups[need]!)) open.push(need);
    }
  }
  return found;
}

function passesOn(state: PlanState, { definition, ordinals }: GroupState): boolean {
  const { kind } = definition.work;
  return (
    kind === 'noop' ||
    kind === 'wait' ||
    ordinals.some((ordinal) => stepOf(state, ordinal).status === 'skipped')
  );
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
