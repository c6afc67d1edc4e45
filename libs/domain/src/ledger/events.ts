import type { JsonValue } from '../json.ts';
import type { PlanDefinition, StepInstance } from '../plan/definition.ts';

/**
 * Everything that can be recorded about a plan. An event is a fact: past tense, never edited.
 * `data` must be JSON: no undefined, no Date, no bigint. Times are ISO 8601 in UTC, durations milliseconds.
 */
export type PlanEvent =
  | { type: 'plan.submitted'; data: PlanSubmitted }
  | { type: 'plan.expanded'; data: PlanExpanded }
  | { type: 'steps.expanded'; data: StepsExpanded }
  | { type: 'steps.freed'; data: StepsFreed }
  | { type: 'wait.started'; data: WaitStarted }
  | { type: 'step.admitted'; data: StepAdmitted }
  | { type: 'lease.granted'; data: LeaseGranted }
  | { type: 'lease.lost'; data: LeaseEnded }
  | { type: 'lease.released'; data: LeaseEnded }
  | { type: 'attempt.finished'; data: AttemptFinished }
  | { type: 'result.late'; data: ResultLate }
  | { type: 'step.passed'; data: StepPassed }
  | { type: 'step.blocked'; data: StepEnded }
  | { type: 'step.poisoned'; data: StepEnded }
  | { type: 'step.cancelled'; data: StepEnded }
  | { type: 'step.skipped'; data: StepEnded }
  | { type: 'integration.accepted'; data: IntegrationAccepted }
  | { type: 'integration.published'; data: IntegrationPublished }
  | { type: 'report.published'; data: ReportPublished }
  | { type: 'plan.paused'; data: Commanded }
  | { type: 'plan.resumed'; data: Commanded }
  | { type: 'plan.reopened'; data: Commanded }
  | { type: 'step.reopened'; data: StepReopened }
  | { type: 'plan.cancelled'; data: PlanCancelled }
  | { type: 'plan.halted'; data: PlanHalted }
  | { type: 'plan.completed'; data: PlanCompleted }
  | { type: 'plan.closed'; data: Record<string, never> };

export type PlanEventType = PlanEvent['type'];

/** A condition that a person can read: `code` is for programs and stays stable, `message` is for people. */
export interface Reason {
  code: string;
  message: string;
}

/** Who asked: a name for people and how they came (`cli`, `rest`, `webhook`). */
export interface Actor {
  name: string;
  via: string;
}

export interface PlanSubmitted {
  tenant: string;
  definition: PlanDefinition;
  /** SHA-256 (hex) of the submitted text: what the plan is pinned to. */
  digest: string;
  idempotencyKey: string;
  by: Actor;
  /** W3C traceparent of the submission, if it came with one. */
  traceparent: string | null;
  /** The plan goes on from what another one had come to. Absent: it begins at its beginning. */
  forkedFrom?: ForkedFrom;
}

export interface ForkedFrom {
  planId: string;
  /** The last event of that plan that was looked at. */
  seq: number;
  /** What is taken over, by the name of the step. */
  results: Record<string, { commit: CommitRef | null; outputs: Record<string, JsonValue> }>;
}

/** Which steps the plan has. Appended together with what decided it, and only once for each step. */
export interface PlanExpanded {
  /** The base that every step starts from; null for plans without a repository. */
  baseSha: string | null;
  steps: StepInstance[];
  /** Files that the plan names (prompts, rules), as they are at the base. Key: path. */
  texts: Record<string, string>;
}

/** A fan-out that was decided at run time: appended together with the `passed` that decided it. May be empty. */
export interface StepsExpanded {
  /** Index into PlanDefinition.steps. */
  definition: number;
  steps: StepInstance[];
}

/** The conditions of a definition's steps are judged: those that neither skip, wait nor fail may be admitted. */
export interface StepsFreed {
  definition: number;
}

/** The step passes at `until` and holds nothing meanwhile. */
export interface WaitStarted {
  ordinal: number;
  until: string;
}

export interface StepAdmitted {
  ordinal: number;
  /** Minted here and nowhere else; only grows. */
  epoch: number;
}

export interface LeaseGranted {
  ordinal: number;
  epoch: number;
  worker: string;
  /** SHA-256 (hex) of the token that the worker drew. The token itself is never stored. */
  tokenDigest: string;
}

export interface LeaseEnded {
  ordinal: number;
  epoch: number;
  worker: string | null;
  reason: Reason;
  /** Whether it counts towards `maxLeases`. */
  counts: boolean;
  /** The step is not admitted again before this time; null: at once. */
  notBefore: string | null;
  /** Who ended it by hand, and why. Absent: nobody did. */
  by?: Actor;
  why?: string | null;
}

export interface AttemptFinished {
  ordinal: number;
  epoch: number;
  worker: string;
  /** 1-based, counted across leases. */
  attempt: number;
  startedAt: string;
  durationMs: number;
  verdict: 'accepted' | 'rejected';
  /** Why it was rejected; for an accepted attempt, what it did in a few words. */
  reason: Reason;
  /** The attempt's commit and the private ref that holds it; null when nothing was committed. */
  commit: CommitRef | null;
  /** What the next attempt is told, at most 64 KB. Null when accepted. */
  feedback: string | null;
  /** Files changed, lines added and removed, against the commit that the step started from. */
  diffstat: Diffstat | null;
  /** Keys in the artifact store. A lost artifact is shown as lost. */
  logKey: string | null;
  diffKey: string | null;
  /** traceparent of the lease's live trace. */
  traceparent: string | null;
}

export interface CommitRef {
  sha: string;
  ref: string;
}

export interface Diffstat {
  files: number;
  insertions: number;
  deletions: number;
}

/** A message that came after its lease had ended: recorded, never applied. */
export interface ResultLate {
  ordinal: number;
  epoch: number;
  worker: string;
  message: 'attempt' | 'result' | 'release';
}

export interface StepPassed {
  ordinal: number;
  epoch: number;
  /**
   * Whose result it was. A result that is the first message of its lease needs no `lease.granted` before it.
   * null: the decider's clock passed it (a wait).
   */
  worker: string | null;
  tokenDigest: string | null;
  /** What dependants build on; null when the step left the tree as it found it. */
  commit: CommitRef | null;
  outputs: Record<string, JsonValue>;
  /** The plan that did the work, when this one took it over. */
  takenFrom?: string;
}

export interface StepEnded {
  ordinal: number;
  /** The epoch that was current; 0 when the step was never admitted. */
  epoch: number;
  reason: Reason;
  /** Who ended it by hand, and why. Absent: nobody did. */
  by?: Actor;
  why?: string | null;
}

/** The decision to publish: from here on anyone may carry out exactly this, any number of times. */
export interface IntegrationAccepted {
  ordinal: number;
  branch: string;
  commit: CommitRef;
  /** What the branch must point to before; null: it must not exist. */
  expectedOld: string | null;
  /** The newest base that the commit contains. */
  baseSha: string;
  diffstat: Diffstat | null;
}

export interface IntegrationPublished {
  branch: string;
  sha: string;
}

/** progress.md, as of some moment of the plan, is the head of the branch that the plan asked for. */
export interface ReportPublished {
  ordinal: number;
  epoch: number;
  sha: string;
  /** The step is not admitted again before this time. */
  notBefore: string;
}

/** Who wanted it, and why if they said so. */
export interface Commanded {
  by: Actor;
  why: string | null;
}

/** A step that had ended badly is tried again, from its last attempt. */
export interface StepReopened {
  ordinal: number;
  by: Actor;
  why: string | null;
  /** What it may use from now on, those included that it has used. */
  attempts: number;
  /** Told to the next attempt along with the feedback. */
  note: string | null;
  /** It is not admitted before this time. Absent: it may be at once. */
  notBefore?: string;
  /** What it waits for until then. */
  reason?: Reason;
}

export interface PlanCancelled {
  by: Actor;
  why: string | null;
}

export interface PlanHalted {
  reason: Reason;
  /** Ordinals of the steps that ended badly. */
  steps: number[];
  /** Every open step is cancelled with the plan's reason (its deadline). Absent: none is in flight. */
  cancelsOpen?: boolean;
}

export interface PlanCompleted {
  reason: Reason;
}
