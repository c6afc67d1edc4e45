import type { PlanEvent, Reason } from '../ledger/events.ts';
import { MAX_FAULTS, UNKNOWN_WORK, UNKNOWN_WORK_BACKOFF, backoffMs } from '../leasing/backoff.ts';
import { toIso } from '../time.ts';
import { expand } from './expansion.ts';
import { textsNamed, type StepKind } from './definition.ts';
import { noExpressions, type Expressions } from './expressions.ts';
import type { AbortHint, LeaseClaim, PlanInput, PlanReply, ResolvedRepo } from './input.ts';
import { takeOver } from './judging.ts';
import { operate } from './operating.ts';
import { settle } from './settling.ts';
import {
  definitionOf,
  integrationBranch,
  isEnded,
  isSleeping,
  stepOf,
  type PlanState,
  type StepState,
} from './state.ts';
import { CONTINUE, STOP, Turn, abortLeases } from './turn.ts';

export interface Decision {
  /** To be appended in one go; empty when nothing changes. */
  events: PlanEvent[];
  /** To be given once the events are committed. */
  reply: PlanReply;
  aborts: AbortHint[];
}

/**
 * Decides what an input means. The events are already applied to `state`: if they cannot be committed, the caller
 * must throw the state away and reload it.
 */
export function decide(
  state: PlanState,
  input: PlanInput,
  now: number,
  expressions: Expressions = noExpressions,
): Decision {
  const turn = new Turn(state, now, expressions);
  const reply = react(turn, input);
  return { events: turn.events, reply, aborts: turn.aborts };
}

/** Mints the next epoch of a ready step. Which step, the fleet's scheduler says. */
export function admit(state: PlanState, ordinal: number, now: number): PlanEvent[] {
  const turn = new Turn(state, now, noExpressions);
  const step = stepOf(state, ordinal);
  if (step.status !== 'ready')
    throw new Error(`s${ordinal} of plan ${state.planId} is ${step.status}, not ready`);
  turn.emit({ type: 'step.admitted', data: { ordinal, epoch: step.epoch + 1 } });
  return turn.events;
}

function react(turn: Turn, input: PlanInput): PlanReply {
  if (input.kind === 'submit') return submit(turn, input);
  if (!turn.state.submitted) {
    return { status: 'refused', code: 'plan-unknown', reason: `there is no plan ${turn.state.planId}` };
  }
  switch (input.kind) {
    case 'cancel':
    case 'pause':
    case 'resume':
    case 'retry':
    case 'skip':
    case 'kill':
      return operate(turn, input);
    case 'lease-expired':
      return loseLease(turn, input);
    case 'unworkable':
      return giveUp(turn, input);
    case 'time':
      return passTime(turn);
    case 'claim':
      return claim(turn, input.lease);
    case 'attempt':
      return whileLeased(turn, input.lease, 'attempt', (step) => {
        bind(turn, step, input.lease);
        return finishAttempt(turn, step, input);
      });
    case 'passed':
      return whileLeased(turn, input.lease, 'result', (step) => pass(turn, step, input));
    case 'blocked':
      return whileLeased(turn, input.lease, 'result', (step) => {
        bind(turn, step, input.lease);
        block(turn, step, input.reason);
        return STOP;
      });
    case 'release':
      return whileLeased(turn, input.lease, 'release', (step) => {
        bind(turn, step, input.lease);
        return release(turn, step, input);
      });
  }
}

function submit(turn: Turn, { submission }: Extract<PlanInput, { kind: 'submit' }>): PlanReply {
  const existing = turn.state.submitted;
  if (existing) {
    if (existing.digest === submission.digest) return STOP;
    return {
      status: 'refused',
      code: 'idempotency-key-reused',
      reason: `the Idempotency-Key was used before for another plan text (plan ${turn.state.planId}); use a new key`,
    };
  }
  turn.emit({ type: 'plan.submitted', data: submission });
  if (!submission.definition.repo) {
    expandPlan(turn, null);
    settle(turn);
  }
  return CONTINUE;
}

function expandPlan(turn: Turn, resolved: ResolvedRepo | null): void {
  const data = expand(definitionOf(turn.state), resolved);
  turn.emit({ type: 'plan.expanded', data });
  takeOver(
    turn,
    data.steps.filter(({ definition }) => definition !== null),
  );
}

/** The first claim or result for an epoch binds its worker and token; anyone else is told `lost`. */
function claim(turn: Turn, lease: LeaseClaim): PlanReply {
  const step = turn.state.steps[lease.ordinal];
  if (!step || !holds(step, lease)) return lost(step, lease);
  if (!isInFlight(step)) return STOP;
  bind(turn, step, lease);
  return CONTINUE;
}

function whileLeased(
  turn: Turn,
  lease: LeaseClaim,
  message: 'attempt' | 'result' | 'release',
  apply: (step: StepState) => PlanReply,
): PlanReply {
  const step = turn.state.steps[lease.ordinal];
  if (step && holds(step, lease)) {
    // Its epoch was ended by this very lease: the message is a repetition of one that was applied.
    if (!isInFlight(step)) return STOP;
    return apply(step);
  }
  recordLate(turn, step, lease, message);
  return lost(step, lease);
}

/** Whether the lease is the step's current one, or may become it. */
function holds(step: StepState, lease: LeaseClaim): boolean {
  if (step.epoch !== lease.epoch || step.status === 'cancelled') return false;
  if (step.holder)
    return step.holder.worker === lease.worker && step.holder.tokenDigest === lease.tokenDigest;
  return step.status === 'admitted';
}

function isInFlight({ status }: StepState): boolean {
  return status === 'admitted' || status === 'leased';
}

function bind(turn: Turn, step: StepState, lease: LeaseClaim): void {
  if (step.holder) return;
  turn.emit({
    type: 'lease.granted',
    data: {
      ordinal: lease.ordinal,
      epoch: lease.epoch,
      worker: lease.worker,
      tokenDigest: lease.tokenDigest,
    },
  });
}

function lost(step: StepState | undefined, lease: LeaseClaim): PlanReply {
  if (!step) return { status: 'lost', reason: `the plan has no step s${lease.ordinal}` };
  if (isEnded(step.status)) return { status: 'lost', reason: `the step has ended: ${step.status}` };
  if (step.epoch !== lease.epoch) {
    return { status: 'lost', reason: `epoch ${lease.epoch} is over; the current one is ${step.epoch}` };
  }
  if (step.holder) return { status: 'lost', reason: `the lease is held by ${step.holder.worker}` };
  return { status: 'lost', reason: 'the lease is over' };
}

/** A late message is recorded once for each epoch, never applied. */
function recordLate(
  turn: Turn,
  step: StepState | undefined,
  lease: LeaseClaim,
  message: 'attempt' | 'result' | 'release',
): void {
  if (!step || turn.state.closed || lease.epoch > step.epoch || lease.epoch < 1) return;
  if (step.lateEpochs.includes(lease.epoch)) return;
  turn.emit({
    type: 'result.late',
    data: { ordinal: lease.ordinal, epoch: lease.epoch, worker: lease.worker, message },
  });
}

function finishAttempt(
  turn: Turn,
  step: StepState,
  { lease, attempt, outputs }: Extract<PlanInput, { kind: 'attempt' }>,
): PlanReply {
  const definition = step.instance.definition;
  if (definition === null) {
    return { status: 'refused', code: 'no-attempts', reason: `a ${step.instance.kind} step has no attempts` };
  }
  if (attempt.attempt <= step.attemptsUsed) return CONTINUE;
  if (attempt.attempt !== step.attemptsUsed + 1) {
    return {
      status: 'refused',
      code: 'attempt-out-of-order',
      reason: `attempt ${attempt.attempt} was reported after attempt ${step.attemptsUsed}`,
    };
  }
  turn.emit({
    type: 'attempt.finished',
    data: { ordinal: lease.ordinal, epoch: lease.epoch, worker: lease.worker, ...attempt },
  });
  if (attempt.verdict === 'accepted') {
    turn.emit({
      type: 'step.passed',
      data: {
        ordinal: lease.ordinal,
        epoch: lease.epoch,
        worker: lease.worker,
        tokenDigest: lease.tokenDigest,
        commit: attempt.commit,
        outputs,
      },
    });
    settle(turn);
    return STOP;
  }
  const attempts = step.attemptsAllowed;
  if (step.attemptsUsed < attempts) return CONTINUE;
  block(turn, step, {
    code: 'attempts-used-up',
    message: `${attempts === 1 ? 'its only attempt was' : `all ${attempts} attempts were`} rejected; the last one: ${attempt.reason.message}`,
  });
  return STOP;
}

function pass(turn: Turn, step: StepState, input: Extract<PlanInput, { kind: 'passed' }>): PlanReply {
  const { ordinal } = step.instance;
  const kind = step.instance.kind;
  const problem = problemOf(turn.state, kind, input);
  if (problem) return { status: 'refused', code: 'result-incomplete', reason: problem };
  if (kind === 'report' && writesAgain(turn, step, input)) return STOP;
  turn.emit({
    type: 'step.passed',
    data: {
      ordinal,
      epoch: step.epoch,
      worker: input.lease.worker,
      tokenDigest: input.lease.tokenDigest,
      commit: input.commit,
      outputs: input.outputs,
    },
  });
  if (kind === 'resolve') {
    expandPlan(turn, input.resolved);
  } else if (kind === 'integrate') {
    if (input.candidate) turn.emit({ type: 'integration.accepted', data: { ordinal, ...input.candidate } });
    else skipPublish(turn);
  } else if (kind === 'publish' && turn.state.integration) {
    const { branch, commit } = turn.state.integration;
    turn.emit({ type: 'integration.published', data: { branch, sha: commit.sha } });
  }
  settle(turn);
  return STOP;
}

/** The page is written again and again while the plan runs, and once after its end. */
function writesAgain(
  turn: Turn,
  step: StepState,
  { lease, commit }: Extract<PlanInput, { kind: 'passed' }>,
): boolean {
  const { status, reportAgain } = turn.state;
  if (status !== 'running' && !reportAgain) return false;
  bind(turn, step, lease);
  const waitMs = status === 'running' ? (definitionOf(turn.state).progress?.everyMs ?? 0) : 0;
  const { ordinal } = step.instance;
  const notBefore = toIso(turn.now + Math.max(1, waitMs));
  turn.emit({
    type: 'report.published',
    data: { ordinal, epoch: step.epoch, sha: commit?.sha ?? '', notBefore },
  });
  return true;
}

/** A system step's result that the plan cannot go on with: recorded, it could never be taken back. */
function problemOf(
  state: PlanState,
  kind: StepKind,
  { resolved, candidate }: Extract<PlanInput, { kind: 'passed' }>,
): string | null {
  if (kind === 'resolve') {
    if (!resolved) return 'a resolve step must say what it resolved';
    const { steps } = definitionOf(state);
    const glob = steps.find((step, index) => step.matrix?.kind === 'glob' && !resolved.files[String(index)]);
    if (glob) return `it does not say which files the matrix of ${glob.name} matches`;
    const text = textsNamed(steps).find((path) => resolved.texts[path] === undefined);
    if (text !== undefined) return `the text of ${text} is missing`;
  }
  if (kind === 'integrate' && candidate && candidate.branch !== integrationBranch(state)) {
    return `the plan integrates into ${integrationBranch(state)}, not into ${candidate.branch}`;
  }
  return null;
}

function skipPublish(turn: Turn): void {
  const publish = turn.state.system.publish;
  if (publish === null) return;
  turn.emit({
    type: 'step.skipped',
    data: {
      ordinal: publish,
      epoch: 0,
      reason: {
        code: 'nothing-to-integrate',
        message: 'no step changed anything: there is nothing to publish',
      },
    },
  });
}

function block(turn: Turn, step: StepState, reason: Reason): void {
  turn.emit({ type: 'step.blocked', data: { ordinal: step.instance.ordinal, epoch: step.epoch, reason } });
  settle(turn);
}

function release(turn: Turn, step: StepState, input: Extract<PlanInput, { kind: 'release' }>): PlanReply {
  const fault = input.cause === 'fault';
  const unknown = input.reason.code === UNKNOWN_WORK;
  const spaced = unknown
    ? backoffMs(step.unknownWork + 1, input.jitter, UNKNOWN_WORK_BACKOFF)
    : backoffMs(step.faults + 1, input.jitter);
  const wait = fault ? Math.max(1, spaced) : 0;
  turn.emit({
    type: 'lease.released',
    data: {
      ordinal: step.instance.ordinal,
      epoch: step.epoch,
      worker: input.lease.worker,
      reason: input.reason,
      counts: false,
      notBefore: fault ? toIso(turn.now + wait) : null,
    },
  });
  // A worker that is older than its coordinator says nothing of the step: it waits for a newer one.
  if (fault && !unknown && step.faults >= MAX_FAULTS) {
    block(turn, step, {
      code: 'fault-persists',
      message: `given back ${step.faults} times for the same kind of fault; the last one: ${input.reason.message}`,
    });
  }
  return STOP;
}

function loseLease(turn: Turn, input: Extract<PlanInput, { kind: 'lease-expired' }>): PlanReply {
  const step = turn.state.steps[input.ordinal];
  const inFlight = step && (step.status === 'leased' || step.status === 'admitted');
  if (!step || !inFlight || step.epoch !== input.epoch) return STOP;
  if (input.unclaimedOnly && step.holder) return STOP;
  const losses = step.leasesLost + (input.counts ? 1 : 0);
  const { maxLeases } = definitionOf(turn.state);
  const poisoned = input.counts && losses >= maxLeases;
  const wait = input.counts && !poisoned ? Math.max(1, backoffMs(losses, input.jitter)) : 0;
  if (step.holder) {
    turn.aborts.push({
      worker: step.holder.worker,
      ordinal: input.ordinal,
      epoch: input.epoch,
      reason: input.reason.message,
    });
  }
  turn.emit({
    type: 'lease.lost',
    data: {
      ordinal: input.ordinal,
      epoch: input.epoch,
      worker: step.holder?.worker ?? null,
      reason: input.reason,
      counts: input.counts,
      notBefore: wait > 0 ? toIso(turn.now + wait) : null,
    },
  });
  if (poisoned) {
    turn.emit({
      type: 'step.poisoned',
      data: {
        ordinal: input.ordinal,
        epoch: input.epoch,
        reason: {
          code: 'leases-used-up',
          message: `its worker was lost ${losses} times (maxLeases ${maxLeases}); the last time: ${input.reason.message}`,
        },
      },
    });
  }
  settle(turn);
  return STOP;
}

function giveUp(
  turn: Turn,
  { ordinal, epoch, reason }: Extract<PlanInput, { kind: 'unworkable' }>,
): PlanReply {
  const step = turn.state.steps[ordinal];
  if (step?.status === 'admitted' && step.epoch === epoch && !step.holder) block(turn, step, reason);
  return STOP;
}

/** Waits that are over at one time; the rest follows with the next look at the clock. */
const WAITS_OVER_MAX = 2_000;

function passTime(turn: Turn): PlanReply {
  const { state, now } = turn;
  if (isOverdue(state, now)) {
    haltAtDeadline(turn);
    return STOP;
  }
  for (let passed = 0; passed < WAITS_OVER_MAX; passed += 1) {
    const alarm = state.sleepers.peek((ordinal) => isSleeping(state, ordinal));
    if (!alarm || alarm.at > now) break;
    state.sleepers.pop();
    const { epoch } = stepOf(state, alarm.key);
    turn.emit({
      type: 'step.passed',
      data: { ordinal: alarm.key, epoch, worker: null, tokenDigest: null, commit: null, outputs: {} },
    });
  }
  settle(turn);
  return STOP;
}

/** What is accepted for publishing is published, however late. */
export function isOverdue(state: PlanState, now: number): boolean {
  const { status, deadlineAt, integration } = state;
  return status === 'running' && deadlineAt !== null && now >= deadlineAt && integration === null;
}

function haltAtDeadline(turn: Turn): void {
  const { state } = turn;
  abortLeases(turn, "the plan's deadline has passed");
  const open = state.steps.filter(
    ({ status, instance }) => !isEnded(status) && instance.kind !== 'clean',
  ).length;
  turn.emit({
    type: 'plan.halted',
    data: {
      reason: {
        code: 'deadline-passed',
        message: `the plan's deadline (${toIso(state.deadlineAt!)}) has passed with ${open} ${open === 1 ? 'step' : 'steps'} open`,
      },
      steps: [...state.failed],
      cancelsOpen: true,
    },
  });
  settle(turn);
}
