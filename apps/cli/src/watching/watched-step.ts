import type { PlanEvent, StepInstance } from '#domain';

/** A step as somebody who watches its plan sees it. Times are milliseconds since the epoch. */
export interface WatchedStep {
  /** `s3` */
  ordinal: string;
  name: string;
  /** The step as the plan defines it, before its matrix. */
  group: string;
  kind: string;
  /** A newer server may know states that are not known here. */
  state: string;
  /** 0: never admitted. */
  epoch: number;
  /** Attempts that are recorded; the one that runs is one more. */
  attempts: number;
  /** null: not known, or the step has no fix loop. */
  attemptsMax: number | null;
  /** Groups that it needs. */
  needs: readonly string[];
  startedMs: number | null;
  endedMs: number | null;
  /** A sleeping step passes then; a waiting one is not tried before. */
  untilMs: number | null;
  /** What was said of it last: why it ended, or why its last attempt or lease did. */
  reason: string | null;
  /** What it waits for, in the decider's words. */
  wait: string | null;
}

const ENDED = new Set(['passed', 'skipped', 'blocked', 'poisoned', 'cancelled']);
const BAD = new Set(['blocked', 'poisoned']);

export function hasEndedStep({ state }: WatchedStep): boolean {
  return ENDED.has(state);
}

/** It needs no more work. */
export function isDone(state: string): boolean {
  return state === 'passed' || state === 'skipped';
}

/** It went wrong, and somebody should look at it. */
export function isBad({ state }: WatchedStep): boolean {
  return BAD.has(state);
}

/** Names of steps have no `[`: what follows it is the value of the matrix. */
export function groupName(name: string): string {
  const bracket = name.indexOf('[');
  return bracket < 0 ? name : name.slice(0, bracket);
}

export function newStep(
  instance: Pick<StepInstance, 'name' | 'kind'> & { ordinal: string },
  defined: { needs: readonly string[]; attempts: number } | null,
): WatchedStep {
  return {
    ordinal: instance.ordinal,
    name: instance.name,
    group: groupName(instance.name),
    kind: instance.kind,
    state: 'waiting',
    epoch: 0,
    attempts: 0,
    attemptsMax: defined?.attempts ?? null,
    needs: defined?.needs ?? [],
    startedMs: null,
    endedMs: null,
    untilMs: null,
    reason: null,
    wait: null,
  };
}

type StepEvent = Extract<PlanEvent, { data: { ordinal: number } }>;

/**
 * What an event makes of a step; false when it changes nothing. The picture that it is applied to may be newer than the
 * event (they are read one after the other), so an event never takes a step back: epochs only grow, what has ended in
 * an epoch has ended, and an attempt is counted once.
 */
export function changeStep(step: WatchedStep, event: StepEvent, atMs: number): boolean {
  switch (event.type) {
    case 'step.admitted':
      if (event.data.epoch <= step.epoch) return false;
      step.epoch = event.data.epoch;
      step.endedMs = null;
      return move(step, 'admitted');
    case 'lease.granted':
      if (!isNews(step, event.data.epoch, ['admitted'])) return false;
      step.epoch = event.data.epoch;
      step.startedMs ??= atMs;
      return move(step, 'running');
    case 'lease.lost':
    case 'lease.released':
      if (!isNews(step, event.data.epoch, ['admitted', 'running'])) return false;
      step.reason = event.data.reason.message;
      move(step, 'waiting');
      step.untilMs = time(event.data.notBefore);
      return true;
    case 'attempt.finished':
      if (event.data.attempt <= step.attempts) return false;
      step.attempts = event.data.attempt;
      step.reason = event.data.reason.message;
      return true;
    case 'wait.started':
      if (step.state !== 'waiting') return false;
      step.startedMs ??= atMs;
      move(step, 'sleeping');
      step.untilMs = time(event.data.until);
      return true;
    case 'report.published':
      if (!isNews(step, event.data.epoch, ['admitted', 'running'])) return false;
      move(step, 'waiting');
      step.untilMs = time(event.data.notBefore);
      return true;
    case 'step.passed':
      return end(step, 'passed', {
        epoch: event.data.epoch,
        atMs,
        reason: step.kind === 'baseline' ? describeBase(event.data.outputs) : null,
      });
    case 'step.blocked':
    case 'step.poisoned':
    case 'step.cancelled':
    case 'step.skipped': {
      const { epoch, reason } = event.data;
      return end(step, event.type.slice('step.'.length), { epoch, atMs, reason: reason.message });
    }
    default:
      return false;
  }
}

/** A later epoch is always news; the current one only in the states that the event can end. */
function isNews(step: WatchedStep, epoch: number, before: string[]): boolean {
  return epoch > step.epoch || (epoch === step.epoch && before.includes(step.state));
}

/** Also for the end of a plan, which ends its open steps without an event of their own. */
export function end(
  step: WatchedStep,
  state: string,
  o: { epoch: number; atMs: number; reason: string | null },
): boolean {
  if (o.epoch < step.epoch || hasEndedStep(step)) return false;
  // A result may come without a claim: what took no time was never seen running.
  if (state === 'passed') step.startedMs ??= o.atMs;
  step.endedMs = o.atMs;
  step.reason = o.reason;
  return move(step, state);
}

/** A step that ended badly has its turn again. */
export function reopen(step: WatchedStep): boolean {
  if (step.state !== 'blocked' && step.state !== 'poisoned') return false;
  step.endedMs = null;
  step.reason = null;
  return move(step, 'waiting');
}

function move(step: WatchedStep, state: string): true {
  step.state = state;
  step.untilMs = null;
  step.wait = null;
  return true;
}

/** null for what is no time. */
export function time(text: string | null | undefined): number | null {
  const ms = text ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** Checks that are not green before any change of the plan; null: all are. The outputs come over the wire. */
function describeBase(outputs: unknown): string | null {
  const { checks } = (outputs ?? {}) as { checks?: unknown };
  if (!Array.isArray(checks)) return null;
  const named = (verdict: string): string[] =>
    (checks as { command?: unknown; verdict?: unknown }[])
      .filter((check) => check.verdict === verdict)
      .map(({ command }) => String(command));
  const [red, flaky] = [named('red'), named('flaky')];
  const parts = [
    ...(red.length > 0 ? [`red on the base: ${red.join(', ')}`] : []),
    ...(flaky.length > 0 ? [`flaky on the base: ${flaky.join(', ')}`] : []),
  ];
  return parts.length === 0 ? null : parts.join('; ');
}
