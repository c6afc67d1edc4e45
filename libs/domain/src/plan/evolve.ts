import { UNKNOWN_WORK } from '../leasing/backoff.ts';
import type {
  PlanEvent,
  PlanExpanded,
  PlanHalted,
  PlanSubmitted,
  Reason,
  StepReopened,
  StepsExpanded,
} from '../ledger/events.ts';
import { fromIso } from '../time.ts';
import type { PlanDefinition, StepInstance } from './definition.ts';
import type { Lane } from './lanes.ts';
import {
  isEnded,
  isMet,
  stepOf,
  type GroupState,
  type PlanState,
  type StepState,
  type StepStatus,
} from './state.ts';

/** System steps are light git work; they run beside the plan's own steps. */
export const SYSTEM_POOL = 'default';
/** Before the plan's own steps: they are few and short, and much waits for them. */
const SYSTEM_PRIORITY = 10;

/** Applies one event to the state that it owns. Same events, same state: nothing else goes in. */
export function evolve(state: PlanState, event: PlanEvent, at: number): void {
  state.seq += 1;
  state.at = at;
  switch (event.type) {
    case 'plan.submitted':
      return submitted(state, event.data, at);
    case 'plan.expanded':
      return expanded(state, event.data);
    case 'steps.expanded':
      return expandedLater(state, event.data);
    case 'steps.freed':
      return freed(state, event.data.definition);
    case 'wait.started': {
      const step = stepOf(state, event.data.ordinal);
      step.notBefore = fromIso(event.data.until);
      return move(state, step, 'sleeping');
    }
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
      if (event.type === 'lease.released' && event.data.notBefore) {
        if (event.data.reason.code === UNKNOWN_WORK) step.unknownWork += 1;
        else step.faults += 1;
      }
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
      const { worker, tokenDigest } = event.data;
      step.holder = worker === null || tokenDigest === null ? null : { worker, tokenDigest };
      step.reason = null;
      return end(state, step, 'passed');
    }
    case 'step.blocked':
    case 'step.poisoned':
    case 'step.cancelled':
    case 'step.skipped': {
      const step = stepOf(state, event.data.ordinal);
      step.reason = event.data.reason;
      // Not by its own result: who worked on it has lost it.
      if (event.type === 'step.skipped') step.holder = null;
      return end(state, step, event.type.slice('step.'.length) as StepStatus);
    }
    case 'integration.accepted':
      state.integration = { ...event.data, published: false };
      if (state.system.publish !== null) move(state, stepOf(state, state.system.publish), 'ready');
      return;
    case 'integration.published':
      if (state.integration) state.integration.published = true;
      return;
    case 'report.published': {
      const step = stepOf(state, event.data.ordinal);
      state.reportAgain = false;
      step.notBefore = fromIso(event.data.notBefore);
      return move(state, step, 'ready');
    }
    case 'plan.paused':
      state.paused = event.data;
      return;
    case 'plan.resumed':
      state.paused = null;
      return;
    case 'plan.reopened':
      return reopened(state);
    case 'step.reopened':
      return stepReopened(state, event.data);
    case 'plan.cancelled':
      state.status = 'cancelled';
      cancelOpenSteps(state, { code: 'plan-cancelled', message: 'the plan was cancelled' });
      return afterEnd(state);
    case 'plan.halted':
      return halted(state, event.data);
    case 'plan.completed':
      state.status = 'completed';
      return afterEnd(state);
    case 'plan.closed':
      state.closed = true;
      return;
  }
}

function submitted(state: PlanState, data: PlanSubmitted, at: number): void {
  state.submitted = data;
  state.submittedAt = at;
  state.deadlineAt = deadlineOf(data.definition, at);
  if (!data.definition.repo) return;
  addStep(state, { ordinal: 0, name: 'resolve', kind: 'resolve', definition: null, matrix: null });
  state.system.resolve = 0;
  move(state, stepOf(state, 0), 'ready');
}

function deadlineOf({ deadline }: PlanDefinition, submittedAt: number): number | null {
  if (!deadline) return null;
  return 'at' in deadline ? fromIso(deadline.at) : submittedAt + deadline.afterMs;
}

function expanded(state: PlanState, data: PlanExpanded): void {
  state.expanded = true;
  state.baseSha = data.baseSha;
  state.texts = data.texts;
  addGroups(state, state.submitted!.definition);
  for (const instance of data.steps) {
    addStep(state, instance);
    if (instance.definition === null)
      state.system[instance.kind as keyof PlanState['system']] = instance.ordinal;
  }
  state.unmetGroups = state.groups.length;
  const { baseline, report } = state.system;
  if (report !== null) move(state, stepOf(state, report), 'ready');
  if (baseline !== null) move(state, stepOf(state, baseline), 'ready');
  // An empty group (a matrix over nothing) is met at once and may free others.
  readyGroups(
    state,
    state.groups.filter((group) => group.unmetNeeds === 0),
  );
}

/** Every group needs the baseline, also one whose other needs were skipped meanwhile. */
function baselineMet(state: PlanState): void {
  for (const group of state.groups) group.unmetNeeds -= 1;
  readyGroups(
    state,
    state.groups.filter((group) => group.unmetNeeds === 0),
  );
}

function addGroups(state: PlanState, { steps: definitions, repo, baseline }: PlanDefinition): void {
  const indexOf = new Map(definitions.map((definition, index) => [definition.name, index]));
  state.groups = definitions.map((definition, index) => ({
    index,
    definition,
    expanded: definition.matrix?.kind !== 'from',
    met: false,
    ordinals: [],
    unmetSteps: 0,
    unmetNeeds: definition.needs.length + (repo && baseline ? 1 : 0),
    needs: definition.needs.map((need) => indexOf.get(need)!),
    dependants: [],
  }));
  state.groups.forEach((group, index) => {
    for (const need of group.needs) state.groups[need]!.dependants.push(index);
  });
}

function expandedLater(state: PlanState, data: StepsExpanded): void {
  const group = state.groups[data.definition]!;
  group.expanded = true;
  for (const instance of data.steps) addStep(state, instance);
  if (group.unmetSteps === 0) readyGroups(state, metGroup(state, group));
}

/** What was judged and neither skipped, put to sleep nor failed is ready. */
function freed(state: PlanState, definition: number): void {
  state.due.delete(definition);
  readyWaiting(state, state.groups[definition]!);
}

function readyWaiting(state: PlanState, { ordinals }: GroupState): void {
  for (const ordinal of ordinals) {
    const step = stepOf(state, ordinal);
    if (step.status === 'waiting') move(state, step, 'ready');
  }
}

function addStep(state: PlanState, instance: StepInstance): void {
  state.steps[instance.ordinal] = {
    instance,
    lane: laneOf(state, instance),
    status: 'waiting',
    epoch: 0,
    holder: null,
    attemptsUsed: 0,
    attemptsAllowed: attemptsOf(state, instance),
    leasesLost: 0,
    faults: 0,
    unknownWork: 0,
    notBefore: 0,
    readyAt: 0,
    admittedAt: 0,
    previous: null,
    commit: null,
    outputs: null,
    reason: null,
    lateEpochs: [],
  };
  recount(state, 'waiting', 1);
  if (instance.definition === null) return;
  const group = state.groups[instance.definition]!;
  group.ordinals.push(instance.ordinal);
  group.unmetSteps += 1;
}

function attemptsOf(state: PlanState, { definition }: StepInstance): number {
  return definition === null ? 0 : state.groups[definition]!.definition.attempts;
}

function laneOf(state: PlanState, { definition, kind }: StepInstance): Lane {
  if (definition !== null) {
    const { pool, priority, locks } = state.groups[definition]!.definition;
    return state.lanes.of({ pool, priority, locks, integrates: false });
  }
  const plan = state.submitted!.definition;
  const pool =
    (kind === 'integrate' && plan.integrate?.pool) ||
    (kind === 'baseline' && plan.baseline?.pool) ||
    SYSTEM_POOL;
  return state.lanes.of({ pool, priority: SYSTEM_PRIORITY, locks: [], integrates: kind === 'integrate' });
}

/** The one place where a step's status changes, so that every counter follows. */
function move(state: PlanState, step: StepState, status: StepStatus): void {
  const before = step.status;
  const wasInFlight = before === 'admitted' || before === 'leased';
  const isInFlight = status === 'admitted' || status === 'leased';
  if (wasInFlight !== isInFlight) countInFlight(state, step, isInFlight ? 1 : -1);
  if (before === 'ready') state.readyCount -= 1;
  if (before === 'sleeping') state.sleepingCount -= 1;
  recount(state, before, -1);
  recount(state, status, 1);
  step.status = status;
  if (status === 'admitted') step.admittedAt = state.at;
  if (status === 'ready') {
    state.readyCount += 1;
    step.readyAt = Math.max(state.at, step.notBefore);
    if (step.notBefore > 0) state.delayed.push(step.notBefore, step.instance.ordinal);
    else step.lane.ready.push(step.instance.ordinal);
  } else if (status === 'sleeping') {
    state.sleepingCount += 1;
    state.sleepers.push(step.notBefore, step.instance.ordinal);
  }
  if (step.instance.kind === 'report') state.reporting = isInFlight || status === 'ready' ? 1 : 0;
}

function recount({ counts }: PlanState, status: StepStatus, delta: 1 | -1): void {
  counts[status] = (counts[status] ?? 0) + delta;
}

function countInFlight(state: PlanState, { lane }: StepState, delta: 1 | -1): void {
  state.inFlight += delta;
  state.inFlightByPool.set(lane.pool, (state.inFlightByPool.get(lane.pool) ?? 0) + delta);
  for (const lock of lane.locks)
    state.inFlightByLock.set(lock, (state.inFlightByLock.get(lock) ?? 0) + delta);
}

function isFailure(status: StepStatus): boolean {
  return status === 'blocked' || status === 'poisoned';
}

function end(state: PlanState, step: StepState, status: StepStatus): void {
  const { definition, kind, ordinal } = step.instance;
  if (isFailure(step.status)) state.failed = state.failed.filter((failed) => failed !== ordinal);
  move(state, step, status);
  // What failed may be retried, from where it stood.
  if (!isFailure(status)) step.previous = null;
  if (isFailure(status) && !isForPeopleOnly(kind)) state.failed.push(ordinal);
  if (!isMet(status)) {
    // What comes after the plan's end does not wait for a page that cannot be written.
    if (kind === 'report' && state.status !== 'running') readyToClean(state);
    return;
  }
  if (kind === 'baseline') return baselineMet(state);
  if (kind === 'report') return readyToClean(state);
  if (definition === null) return;
  const group = state.groups[definition]!;
  group.unmetSteps -= 1;
  if (group.unmetSteps === 0) readyGroups(state, metGroup(state, group));
}

/** A group without steps is met at once and may free others. A loop: thousands of them in a row are one chain. */
function readyGroups(state: PlanState, freedGroups: GroupState[]): void {
  // A list that grows while it is walked.
  for (const group of freedGroups) {
    // Skipped by hand, or taken over, before its needs were met.
    if (group.met) continue;
    if (isConditional(group)) state.due.add(group.index);
    else if (group.unmetSteps === 0) for (const next of metGroup(state, group)) freedGroups.push(next);
    else readyWaiting(state, group);
  }
}

/** Whether its steps are judged when its needs are met, rather than being ready at once. */
function isConditional({ definition, expanded: known, ordinals }: GroupState): boolean {
  if (!known) return true;
  return ordinals.length > 0 && (definition.when !== null || definition.work.kind === 'wait');
}

/** Returns the groups that waited for nothing else. */
function metGroup(state: PlanState, group: GroupState): GroupState[] {
  group.met = true;
  state.unmetGroups -= 1;
  const next: GroupState[] = [];
  for (const index of group.dependants) {
    const dependant = state.groups[index]!;
    dependant.unmetNeeds -= 1;
    if (dependant.unmetNeeds === 0) next.push(dependant);
  }
  if (state.unmetGroups === 0 && state.system.integrate !== null && state.status === 'running') {
    const integrate = stepOf(state, state.system.integrate);
    // Somebody may have skipped it before its time: then nothing is published.
    if (!isEnded(integrate.status)) move(state, integrate, 'ready');
  }
  return next;
}

function halted(state: PlanState, { reason, cancelsOpen }: PlanHalted): void {
  state.status = 'halted';
  state.openCancelled = cancelsOpen ?? false;
  if (cancelsOpen) cancelOpenSteps(state, reason);
  afterEnd(state);
}

function cancelOpenSteps(state: PlanState, reason: Reason): void {
  state.due.clear();
  for (const step of state.steps) {
    if (isEnded(step.status) || isForPeopleOnly(step.instance.kind)) continue;
    step.reason = reason;
    end(state, step, 'cancelled');
  }
}

/** System steps that come after the plan's end, or do not hinder it. */
function isForPeopleOnly(kind: StepInstance['kind']): boolean {
  return kind === 'clean' || kind === 'report';
}

/** What came after the plan's end is put back, and comes after its next end. */
function reopened(state: PlanState): void {
  state.status = 'running';
  state.closed = false;
  state.reportAgain = false;
  const { clean, report } = state.system;
  if (clean !== null) move(state, stepOf(state, clean), 'waiting');
  if (report !== null && isMet(stepOf(state, report).status)) move(state, stepOf(state, report), 'ready');
}

function stepReopened(state: PlanState, data: StepReopened): void {
  const { ordinal, attempts, note, notBefore, reason } = data;
  const step = stepOf(state, ordinal);
  state.failed = state.failed.filter((failed) => failed !== ordinal);
  step.attemptsAllowed = attempts;
  step.leasesLost = 0;
  step.faults = 0;
  step.unknownWork = 0;
  step.holder = null;
  step.notBefore = notBefore ? fromIso(notBefore) : 0;
  if (reason) step.reason = reason;
  if (note !== null) {
    const feedback = [step.previous?.feedback, note].filter(Boolean).join('\n\n');
    step.previous = { commit: step.previous?.commit ?? null, feedback };
  }
  move(state, step, 'ready');
}

/** The last page is written before the private refs go: it says how the plan ended. */
function afterEnd(state: PlanState): void {
  // What is left to do is to clean up: a pause was meant for the plan's own steps.
  state.paused = null;
  const report = state.system.report === null ? null : stepOf(state, state.system.report);
  if (!report || isEnded(report.status)) return readyToClean(state);
  if (report.status === 'ready') report.lane.ready.push(report.instance.ordinal);
  else state.reportAgain = true;
  report.notBefore = 0;
}

function readyToClean(state: PlanState): void {
  if (state.system.clean !== null) move(state, stepOf(state, state.system.clean), 'ready');
}
