import type { CommitRef, JsonValue, StepInstance } from '#domain';

/** What the ledger's events alone say of a step. */
export type RecordedStatus =
  | 'waiting'
  | 'sleeping'
  | 'ready'
  | 'admitted'
  | 'leased'
  | 'passed'
  | 'blocked'
  | 'poisoned'
  | 'cancelled'
  | 'skipped';

/** One epoch of a step, as the ledger tells it. */
export interface EpochRecord {
  /** Attempts that were used when it began. */
  attemptsBefore: number;
  /** Who was bound to it; null: nobody was. */
  worker: string | null;
  tokenDigest: string | null;
  /** What ended it. */
  end: 'passed' | 'reported' | 'blocked' | 'released' | 'lost' | 'cancelled' | 'skipped' | 'poisoned' | null;
}

export interface StepRecord {
  instance: StepInstance;
  status: RecordedStatus;
  epoch: number;
  readonly epochs: Map<number, EpochRecord>;
  attempts: number;
  attemptsAllowed: number;
  losses: number;
  /** ms, as the ledger has it; 0: at once. */
  notBefore: number;
  passes: number;
  /** Of the event by which it passed; 0: it did not. */
  passedSeq: number;
  outputs: Record<string, JsonValue>;
  commit: CommitRef | null;
  late: Set<number>;
  /** It was a dead letter at some time. */
  wasPoisoned: boolean;
}

export function newStep(instance: StepInstance, attemptsAllowed: number): StepRecord {
  return {
    instance,
    status: 'waiting',
    epoch: 0,
    epochs: new Map(),
    attempts: 0,
    attemptsAllowed,
    losses: 0,
    notBefore: 0,
    passes: 0,
    passedSeq: 0,
    outputs: {},
    commit: null,
    late: new Set(),
    wasPoisoned: false,
  };
}

export function isInFlight({ status }: StepRecord): boolean {
  return status === 'admitted' || status === 'leased';
}

export function isMet({ status }: StepRecord): boolean {
  return status === 'passed' || status === 'skipped';
}

export function isOpen({ status }: StepRecord): boolean {
  return ['waiting', 'sleeping', 'ready', 'admitted', 'leased'].includes(status);
}

/** System steps that do not belong to what the plan is for. */
export function isAfterwards({ instance }: StepRecord): boolean {
  return instance.kind === 'clean' || instance.kind === 'report';
}

export function epochOf(step: StepRecord): EpochRecord | undefined {
  return step.epochs.get(step.epoch);
}
