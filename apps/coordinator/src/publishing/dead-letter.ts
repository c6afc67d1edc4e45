import type { Job } from '#contracts';
import {
  definitionOf,
  formatOrdinal,
  stepOf,
  type PlanState,
  type Reason,
  type StepInstance,
  type StepState,
} from '#domain';
import type { StepPast } from './dead-letter-past.ts';
import { buildJob, type JobFacts } from './job-builder.ts';

/**
 * A letter stays below what NATS takes of its own accord (1 MB with headers), whatever the server was set to. In bytes of
 * JSON: a control character takes six. What is left out is named in `leftOut`; the plan's text and the ledger have it.
 */
const DEFINITION_BYTES_MAX = 150_000;
const JOB_BYTES_MAX = 250_000;
const OUTPUT_BYTES_MAX = 100_000;
const MATRIX_BYTES_MAX = 30_000;
const REASON_CHARS_MAX = 2_000;
const OUTPUT_CHARS_MAX = 64_000;

/** What a step was when it was poisoned. It may have been redriven when its letter is written. */
export interface PoisonedStep {
  instance: StepInstance;
  epoch: number;
  reason: Reason | null;
  attemptsUsed: number;
  leasesLost: number;
  previous: StepState['previous'];
}

export function poisonedStep(plan: PlanState, ordinal: number, epoch: number, reason: Reason | null) {
  const { instance, attemptsUsed, leasesLost, previous } = stepOf(plan, ordinal);
  return { instance, epoch, reason, attemptsUsed, leasesLost, previous };
}

/**
 * The copy of a dead letter for people and tools that watch the stream: what the step is, the job that its workers were
 * given, what happened to it, what it said last, where its logs are, and why it is dead.
 */
export function deadLetter(plan: PlanState, step: PoisonedStep, past: StepPast, facts: JobFacts) {
  const { instance, epoch, reason, attemptsUsed, leasesLost, previous } = step;
  const leftOut: string[] = [];
  const within = <T>(what: string, value: T, bytesMax: number): T | null => {
    if (value === undefined || value === null) return null;
    if (bytesOf(value) <= bytesMax) return value;
    leftOut.push(what);
    return null;
  };
  const definition = instance.definition === null ? null : definitionOf(plan).steps[instance.definition]!;
  return {
    planId: plan.planId,
    planName: definitionOf(plan).name,
    step: formatOrdinal(instance.ordinal),
    instance: { ...instance, matrix: within('matrix', instance.matrix, MATRIX_BYTES_MAX) },
    /** What the plan's text says of it; null for a step of the system's own, and when it is too long for a copy. */
    definition: within('definition', definition, DEFINITION_BYTES_MAX),
    /** As workers got it: inputs, start commit, rendered values. No secret is ever part of a job. */
    job: within('job', jobOf(plan, step, facts), JOB_BYTES_MAX),
    epoch,
    reason: reason && { code: reason.code, message: reason.message.slice(0, REASON_CHARS_MAX) },
    attemptsUsed,
    leasesLost,
    /** Of the last recorded attempt, its end; null when none was rejected: see `lastLease` for the log. */
    lastOutput: previous && endOf(previous.feedback),
    lastAttempt: past.lastAttempt,
    /** null: nobody has claimed it, as far as its history goes back. */
    lastLease: past.lastLease && { ...past.lastLease, logKey: logKeyOf(plan.planId, step, past) },
    history: past.history,
    leftOut,
  };
}

/** null: it cannot be made of the plan's texts, and the reason says so. */
function jobOf(plan: PlanState, { instance, epoch }: PoisonedStep, facts: JobFacts): Job | null {
  try {
    return { ...buildJob(plan, instance.ordinal, facts), epoch };
  } catch {
    return null;
  }
}

/** Where the worker of the last lease put its log, if it still could. */
function logKeyOf(planId: string, { instance, attemptsUsed }: PoisonedStep, past: StepPast): string | null {
  const { kind, ordinal } = instance;
  const isLoop = kind === 'run' || kind === 'codemod' || kind === 'agent';
  if (!isLoop && kind !== 'integrate' && kind !== 'baseline') return null;
  return `${planId}/${formatOrdinal(ordinal)}/${isLoop ? attemptsUsed + 1 : 1}-${past.lastLease!.epoch}.log`;
}

function endOf(text: string): string {
  let end = text.slice(-OUTPUT_CHARS_MAX);
  while (bytesOf(end) > OUTPUT_BYTES_MAX) end = end.slice(Math.ceil(end.length / 4));
  return end;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
