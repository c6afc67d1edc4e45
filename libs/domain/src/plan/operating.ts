import type { Actor, StepReopened } from '../ledger/events.ts';
import { fromIso } from '../time.ts';
import { REDRIVEN_LATER, type PlanCommandInput, type PlanReply } from './input.ts';
import { settle } from './settling.ts';
import { isEnded, stepOf, type PlanState, type StepState } from './state.ts';
import { STOP, abortLeases, type Turn } from './turn.ts';

/**
 * What an operator does to a plan: recorded with who and why, refused with a reason when it makes no sense, and
 * harmless when it is said twice.
 */
export function operate(turn: Turn, input: PlanCommandInput): PlanReply {
  const stale = staleness(turn.state, input.expectedSeq);
  if (stale) return stale;
  switch (input.kind) {
    case 'cancel':
      return cancel(turn, input);
    case 'pause':
      return pause(turn, input);
    case 'resume':
      return resume(turn, input);
    case 'retry':
      return onStep(turn, input.ordinal, (step) => retry(turn, step, input));
    case 'skip':
      return onStep(turn, input.ordinal, (step) => skip(turn, step, input));
    case 'kill':
      return onStep(turn, input.ordinal, (step) => kill(turn, step, input));
  }
}

type Command<K extends PlanCommandInput['kind']> = Extract<PlanCommandInput, { kind: K }>;

/** A command that was given to a plan as somebody saw it, and the plan has moved since. */
function staleness(state: PlanState, expectedSeq: number | null | undefined): PlanReply | null {
  if (expectedSeq === null || expectedSeq === undefined || expectedSeq === state.seq) return null;
  return {
    status: 'refused',
    code: 'seq-stale',
    reason: `the plan is at seq ${state.seq}, not at ${expectedSeq}: look again, then decide`,
    actualSeq: state.seq,
  };
}

function refused(code: string, reason: string): PlanReply {
  return { status: 'refused', code, reason };
}

function ended({ planId, status }: PlanState, what: string): PlanReply {
  return refused('plan-ended', `plan ${planId} is ${status}: there is nothing left to ${what}`);
}

function cancel(turn: Turn, { by, why }: Command<'cancel'>): PlanReply {
  const { state } = turn;
  if (state.status === 'cancelled') return STOP;
  if (state.status !== 'running') return ended(state, 'cancel');
  if (state.integration) {
    return refused(
      'integration-accepted',
      `the integration into ${state.integration.branch} is accepted and may be published already; delete the branch to undo it`,
    );
  }
  abortLeases(turn, 'the plan was cancelled');
  turn.emit({ type: 'plan.cancelled', data: { by, why } });
  settle(turn);
  return STOP;
}

function pause(turn: Turn, { by, why }: Command<'pause'>): PlanReply {
  if (turn.state.status !== 'running') return ended(turn.state, 'pause');
  if (!turn.state.paused) turn.emit({ type: 'plan.paused', data: { by, why } });
  return STOP;
}

function resume(turn: Turn, { by, why }: Command<'resume'>): PlanReply {
  if (turn.state.status !== 'running') return ended(turn.state, 'resume');
  if (turn.state.paused) turn.emit({ type: 'plan.resumed', data: { by, why } });
  return STOP;
}

function onStep(turn: Turn, ordinal: number, act: (step: StepState) => PlanReply): PlanReply {
  const step = turn.state.steps[ordinal];
  return step ? act(step) : refused('step-unknown', `the plan has no step s${ordinal}`);
}

/** A step that ended badly goes on from its last attempt, with more of them, and perhaps with a word to the agent. */
function retry(turn: Turn, step: StepState, input: Command<'retry'>): PlanReply {
  const { name, ordinal, kind } = step.instance;
  const called = `${name} (s${ordinal})`;
  if (!isEnded(step.status))
    return refused('step-open', `${called} is ${step.status}: there is nothing to retry`);
  if (step.status !== 'blocked' && step.status !== 'poisoned')
    return refused(
      'step-not-failed',
      `${called} is ${step.status}: only what is blocked or poisoned can be retried`,
    );
  if (input.onlyPoisoned && step.status !== 'poisoned')
    return refused('step-not-poisoned', `${called} is blocked, not a dead letter: retry it instead`);
  if (step.epoch === 0) {
    return refused(
      'step-never-ran',
      `${called} could not be judged (${step.reason?.message ?? 'no reason recorded'}): it would end the same way; fork the plan with another text`,
    );
  }
  if (kind === 'report' || kind === 'clean')
    return refused(
      'step-not-retried',
      `a ${kind} step is not retried by hand: the plan has ended without it`,
    );
  const closing = reopen(turn, input.by, input.why);
  if (closing) return closing;
  const attempts = attemptsAfter(turn.state, step, input.attempts);
  const { by, why, note } = input;
  turn.emit({ type: 'step.reopened', data: { ordinal, by, why, attempts, note, ...putOff(turn, input) } });
  return STOP;
}

/** Until when it waits, if it does, and what is said of it meanwhile. */
function putOff(
  turn: Turn,
  { notBefore, by, why }: Command<'retry'>,
): Pick<StepReopened, 'notBefore' | 'reason'> {
  if (!notBefore || fromIso(notBefore) <= turn.now) return {};
  return { notBefore, reason: { code: REDRIVEN_LATER, message: sayWho('redriven', by, why) } };
}

/** What it may use in all: what it had, but at least so many more as were asked for. */
function attemptsAfter(state: PlanState, step: StepState, more: number | null): number {
  const { definition } = step.instance;
  if (definition === null) return 0;
  const given = more ?? state.groups[definition]!.definition.attempts;
  return Math.max(step.attemptsAllowed, step.attemptsUsed + given);
}

function skip(turn: Turn, step: StepState, { by, why }: Command<'skip'>): PlanReply {
  const { state } = turn;
  const { ordinal, name, kind, definition } = step.instance;
  if (step.status === 'skipped') return STOP;
  if (step.status === 'passed' || step.status === 'cancelled')
    return refused('step-ended', `${name} (s${ordinal}) is ${step.status}: there is nothing to skip`);
  const isOwn = definition !== null || kind === 'baseline' || kind === 'integrate';
  if (!isOwn) return refused('step-not-skipped', `a plan cannot go on without its ${kind} step`);
  const closing = reopen(turn, by, why);
  if (closing) return closing;
  const reason = { code: 'skipped-by-operator', message: sayWho('skipped', by, why) };
  abort(turn, step, reason.message);
  turn.emit({ type: 'step.skipped', data: { ordinal, epoch: step.epoch, reason, by, why } });
  const { publish } = state.system;
  if (kind === 'integrate' && publish !== null && !isEnded(stepOf(state, publish).status)) {
    const data = { ordinal: publish, epoch: stepOf(state, publish).epoch, reason, by, why };
    turn.emit({ type: 'step.skipped', data });
  }
  settle(turn);
  return STOP;
}

/** Ends the lease, not the step: it is tried again at once, and the loss does not count. */
function kill(turn: Turn, step: StepState, { by, why }: Command<'kill'>): PlanReply {
  const { ordinal, name } = step.instance;
  if (step.status !== 'leased' || !step.holder)
    return refused('step-not-running', `${name} (s${ordinal}) is ${step.status}: nobody works on it`);
  const reason = { code: 'killed-by-operator', message: sayWho('killed', by, why) };
  abort(turn, step, reason.message);
  const { epoch, holder } = step;
  const data = { ordinal, epoch, worker: holder.worker, reason, counts: false, notBefore: null, by, why };
  turn.emit({ type: 'lease.lost', data });
  return STOP;
}

/** A plan that halted goes on; returns why it cannot. */
function reopen(turn: Turn, by: Actor, why: string | null): PlanReply | null {
  const { state } = turn;
  if (state.status === 'running') return null;
  if (state.status !== 'halted') return ended(state, 'go on with');
  if (state.openCancelled) {
    return refused(
      'plan-ended',
      `plan ${state.planId} was halted for good, its open steps are cancelled: fork it`,
    );
  }
  const clean = state.system.clean === null ? null : stepOf(state, state.system.clean);
  if (clean?.status === 'admitted' || clean?.status === 'leased')
    return refused('plan-closing', `plan ${state.planId} is being cleaned up; try again in a few seconds`);
  turn.emit({ type: 'plan.reopened', data: { by, why } });
  return null;
}

function abort(turn: Turn, { holder, status, instance, epoch }: StepState, reason: string): void {
  if (status === 'leased' && holder)
    turn.aborts.push({ worker: holder.worker, ordinal: instance.ordinal, epoch, reason });
}

function sayWho(done: string, by: Actor, why: string | null): string {
  return `${done} by ${by.name}${why ? `: ${why}` : ''}`;
}
