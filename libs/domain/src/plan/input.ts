import type { JsonValue } from '../json.ts';
import type { Actor, AttemptFinished, CommitRef, Diffstat, PlanSubmitted, Reason } from '../ledger/events.ts';

/** A lease as the decider checks it: the token is compared by its digest. */
export interface LeaseClaim {
  ordinal: number;
  epoch: number;
  worker: string;
  tokenDigest: string;
}

/** What the repository said, from the `resolve` step. */
export interface ResolvedRepo {
  baseSha: string;
  /** Matching files of each glob matrix, sorted. Key: index of the definition. */
  files: Record<string, string[]>;
  texts: Record<string, string>;
}

export interface IntegrationCandidate {
  branch: string;
  commit: CommitRef;
  expectedOld: string | null;
  baseSha: string;
  diffstat: Diffstat | null;
}

/** Everything that can make a plan move. */
export type PlanInput =
  | { kind: 'submit'; submission: PlanSubmitted }
  | { kind: 'claim'; lease: LeaseClaim }
  | {
      kind: 'attempt';
      lease: LeaseClaim;
      attempt: Omit<AttemptFinished, 'ordinal' | 'epoch' | 'worker'>;
      outputs: Record<string, JsonValue>;
    }
  | {
      kind: 'passed';
      lease: LeaseClaim;
      commit: CommitRef | null;
      outputs: Record<string, JsonValue>;
      resolved: ResolvedRepo | null;
      candidate: IntegrationCandidate | null;
    }
  | { kind: 'blocked'; lease: LeaseClaim; reason: Reason }
  | {
      kind: 'release';
      lease: LeaseClaim;
      cause: 'draining' | 'fault';
      reason: Reason;
      /** 0 to 1, drawn by the shell: the domain has no chance of its own. */
      jitter: number;
    }
  /** The decider's clock says that a lease is over, or a job cannot be carried out by anyone. */
  | {
      kind: 'lease-expired';
      ordinal: number;
      epoch: number;
      counts: boolean;
      /** Only if nobody has claimed the epoch by the time this is decided: a claim that came first wins. */
      unclaimedOnly?: boolean;
      reason: Reason;
      jitter: number;
    }
  /** Nobody can carry the step out as it is: its texts cannot be made (an expression without a value). */
  | { kind: 'unworkable'; ordinal: number; epoch: number; reason: Reason }
  /** The decider's clock: waits that are over, and the plan's deadline. */
  | { kind: 'time' }
  | PlanCommandInput;

/** Why a step waits that was redriven along with others, at a rate. */
export const REDRIVEN_LATER = 'redriven-later';

/** What an operator asks for. */
export type PlanCommandInput =
  | (Command & { kind: 'cancel' })
  | (Command & { kind: 'pause' })
  | (Command & { kind: 'resume' })
  | (Command & {
      kind: 'retry';
      ordinal: number;
      /** More attempts; null: as many as the plan gave at first. */
      attempts: number | null;
      /** Told to the next attempt along with the feedback. */
      note: string | null;
      /** A redrive is for dead letters. */
      onlyPoisoned?: boolean;
      /** Not before this time (ISO 8601): many that are redriven keep to a rate. Absent, null or past: at once. */
      notBefore?: string | null;
    })
  | (Command & { kind: 'skip'; ordinal: number })
  | (Command & { kind: 'kill'; ordinal: number });

interface Command {
  by: Actor;
  why: string | null;
  /** Refused when the plan has moved past this event since somebody looked; null or absent: whatever it did. */
  expectedSeq?: number | null;
}

export type PlanInputKind = PlanInput['kind'];

/** What the sender is told, once the events are committed. */
export type PlanReply =
  | { status: 'applied'; next: 'continue' | 'stop' }
  | { status: 'lost'; reason: string }
  | { status: 'refused'; code: string; reason: string; actualSeq?: number };

/** A wake-up for a worker whose lease ended otherwise. A hint only: the next heartbeat says the same. */
export interface AbortHint {
  worker: string;
  ordinal: number;
  epoch: number;
  reason: string;
}
