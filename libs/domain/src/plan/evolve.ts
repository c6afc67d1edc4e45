import type { PlanEvent, PlanExpanded, PlanSubmitted } from '../ledger/events.ts';
import { fromIso } from '../time.ts';
import type { StepDefinition, StepInstance } from './definition.ts';
import {
  isEnded,
  isMet,
  readyQueue,
  stepOf,
  type GroupState,
  type PlanState,
  type StepState,
  type StepStatus,
} from './state.ts';

/** System steps are light git work; they run beside the plan's own steps. */
export const SYSTEM_POOL = 'default';

/** Applies one event to the state that it owns. Same events, same state: nothing else goes in. */
export function evolve(state: PlanState, event: PlanEvent, at: number): void {
  state.seq += 1;
  switch (event.type) {
    case 'plan.submitted':
      return submitted(state, event.data, at);
    case 'plan.expanded':
      return expanded(state, event.data);
    case 'step.admitted': {
      const step = stepOf(state, event.data.ordinal);
      step.epoch = event.data.epoch;
      step.holder = null;
      step.notBefore = 0;
      return move(state, step, 'admitted');
    }
    case 'lease.granted': {
      const step = stepOf(state, event.data.ordinal);
      step.holder = { worker: event.data.worker, tokenDigest: event.data.tokenDigest };
      return move(state, step, 'leased');
    }
    case 'lease.lost':
    case 'lease.released': {
      const step = stepOf(state, event.data.ordinal);
      if (event.data.counts) step.leasesLost += 1;
      if (event.type === 'lease.released' && event.data.notBefore) step.faults += 1;
      step.holder = null;
      step.notBefore = event.data.notBefore ? fromIso(event.data.notBefore) : 0;
      step.reason = event.data.reason;
      return move(state, step, 'ready');
    }
    case 'attempt.finished': {
      const step = stepOf(state, event.data.ordinal);
      step.attemptsUsed = event.data.attempt;
      step.previous =
        event.data.verdict === 'rejected'
          ? {
              commit: event.data.commit ?? step.previous?.commit ?? null,
              feedback: event.data.feedback ?? '',
            }
          : null;
      step.reason = event.data.reason;
      return;
    }
    case 'result.late':
      stepOf(state, event.data.ordinal).lateEpochs.push(event.data.epoch);
      return;
    case 'step.passed': {
      const step = stepOf(state, event.data.ordinal);
      step.commit = event.data.commit;
      step.outputs = event.data.outputs;
      step.holder = { worker: event.data.worker, tokenDigest: event.data.tokenDigest };
      step.reason = null;
      return end(state, step, 'passed');
    }
    case 'step.blocked':
    case 'step.poisoned':
    case 'step.cancelled':
    case 'step.skipped': {
      const step = stepOf(state, event.data.ordinal);
      step.reason = event.data.reason;
      return end(state, step, event.type.slice('step.'.length) as StepStatus);
    }
    case 'integration.accepted':
      state.integration = { ...event.data, published: false };
      if (state.system.publish !== null) move(state, stepOf(state, state.system.publish), 'ready');
      return;
    case 'integration.published':
      if (state.integration) state.integration.published = true;
      return;
    case 'plan.cancelled':
      state.status = 'cancelled';
      for (const step of state.steps) {
        if (!isEnded(step.status) && step.instance.kind !== 'clean') {
          step.reason = { code: 'plan-cancelled', message: 'the plan was cancelled' };
          end(state, step, 'cancelled');
        }
      }
      return readyToClean(state);
    case 'plan.halted':
      state.status = 'halted';
      return readyToClean(state);
    case 'plan.completed':
      state.status = 'completed';
      return readyToClean(state);
    case 'plan.closed':
      state.closed = true;
      return;
  }
}

function submitted(state: PlanState, data: PlanSubmitted, at: number): void {
  state.submitted = data;
  state.submittedAt = at;
  if (!data.definition.repo) return;
  addStep(
    state,
    { ordinal: 0, name: 'resolve', kind: 'resolve', definition: null, matrix: null },
    SYSTEM_POOL,
  );
  state.system.resolve = 0;
  move(state, stepOf(state, 0), 'ready');
}

function expanded(state: PlanState, data: PlanExpanded): void {
  state.expanded = true;
  state.baseSha = data.baseSha;
  state.texts = data.texts;
  const definitions = state.submitted!.definition.steps;
  addGroups(state, definitions);
  for (const instance of data.steps) {
    const definition = instance.definition === null ? null : definitions[instance.definition]!;
    addStep(state, instance, poolOf(state, instance, definition));
    if (instance.definition !== null) {
      const group = state.groups[instance.definition]!;
      group.ordinals.push(instance.ordinal);
      group.unmetSteps += 1;
    } else if (instance.kind === 'integrate' || instance.kind === 'publish' || instance.kind === 'clean') {
      state.system[instance.kind] = instance.ordinal;
    }
  }
  state.unmetGroups = state.groups.length;
  // Groups without needs first; an empty group (a matrix over nothing) is met at once and may free others.
  readyGroups(
    state,
    state.groups.filter((group) => group.needs.length === 0),
  );
}

function addGroups(state: PlanState, definitions: StepDefinition[]): void {
  const indexOf = new Map(definitions.map((definition, index) => [definition.name, index]));
  state.groups = definitions.map((definition) => ({
    definition,
    ordinals: [],
    unmetSteps: 0,
    unmetNeeds: definition.needs.length,
    needs: definition.needs.map((need) => indexOf.get(need)!),
    dependants: [],
  }));
  state.groups.forEach((group, index) => {
    for (const need of group.needs) state.groups[need]!.dependants.push(index);
  });
}

function poolOf(state: PlanState, instance: StepInstance, definition: StepDefinition | null): string {
  if (definition) return definition.pool;
  return instance.kind === 'integrate'
    ? (state.submitted!.definition.integrate?.pool ?? SYSTEM_POOL)
    : SYSTEM_POOL;
}

function addStep(state: PlanState, instance: StepInstance, pool: string): void {
  state.steps[instance.ordinal] = {
    instance,
    pool,
    status: 'waiting',
    epoch: 0,
    holder: null,
    attemptsUsed: 0,
    leasesLost: 0,
    faults: 0,
    notBefore: 0,
    previous: null,
    commit: null,
    outputs: null,
    reason: null,
    lateEpochs: [],
  };
}

/** The one place where a step's status changes, so that every counter follows. */
function move(state: PlanState, step: StepState, status: StepStatus): void {
  const wasInFlight = step.status === 'admitted' || step.status === 'leased';
  const isInFlight = status === 'admitted' || status === 'leased';
  if (step.status === 'ready') {
    state.readyCount -= 1;
    state.delayed.delete(step.instance.ordinal);
  }
  if (wasInFlight !== isInFlight) {
    const delta = isInFlight ? 1 : -1;
    state.inFlight += delta;
    state.inFlightByPool.set(step.pool, (state.inFlightByPool.get(step.pool) ?? 0) + delta);
  }
  step.status = status;
  if (status === 'ready') {
    state.readyCount += 1;
    if (step.notBefore > 0) state.delayed.add(step.instance.ordinal);
    else readyQueue(state, step.pool).push(step.instance.ordinal);
  }
}

function end(state: PlanState, step: StepState, status: StepStatus): void {
  move(state, step, status);
  step.previous = null;
  if (status === 'blocked' || status === 'poisoned') state.failed.push(step.instance.ordinal);
  const definition = step.instance.definition;
  if (definition === null || !isMet(status)) return;
  const group = state.groups[definition]!;
  group.unmetSteps -= 1;
  if (group.unmetSteps === 0) readyGroups(state, metGroup(state, group));
}

/** A group without steps is met at once and may free others. A loop: thousands of them in a row are one chain. */
function readyGroups(state: PlanState, freed: GroupState[]): void {
  // A list that grows while it is walked.
  for (const group of freed) {
    if (group.unmetSteps === 0) for (const next of metGroup(state, group)) freed.push(next);
    else for (const ordinal of group.ordinals) move(state, stepOf(state, ordinal), 'ready');
  }
}

/** Returns the groups that waited for nothing else. */
function metGroup(state: PlanState, group: GroupState): GroupState[] {
  state.unmetGroups -= 1;
  const freed: GroupState[] = [];
  for (const index of group.dependants) {
    const dependant = state.groups[index]!;
    dependant.unmetNeeds -= 1;
    if (dependant.unmetNeeds === 0) freed.push(dependant);
  }
  if (state.unmetGroups === 0 && state.system.integrate !== null && state.status === 'running') {
    move(state, stepOf(state, state.system.integrate), 'ready');
  }
  return freed;
}

function readyToClean(state: PlanState): void {
  if (state.system.clean !== null) move(state, stepOf(state, state.system.clean), 'ready');
}
