import type { CommitRef, IntegrationAccepted, JsonValue, PlanSubmitted, Reason } from '../ledger/events.ts';
import type { PlanDefinition, StepDefinition, StepInstance } from './definition.ts';

/**
 * Where a step stands.
 *
 *   waiting -> ready -> admitted -> leased -> passed | blocked | poisoned
 *                ^__________________|            (lease lost or released)
 *   any of the first four -> cancelled           (with its plan)
 *   waiting -> skipped                           (nothing for it to do)
 */
export type StepStatus =
  'waiting' | 'ready' | 'admitted' | 'leased' | 'passed' | 'blocked' | 'poisoned' | 'cancelled' | 'skipped';

export type PlanStatus = 'running' | 'completed' | 'halted' | 'cancelled';

export interface StepState {
  readonly instance: StepInstance;
  readonly pool: string;
  status: StepStatus;
  /** 0 before the first admission. */
  epoch: number;
  /** Who holds, or last held, the current epoch; null while nobody has claimed it. */
  holder: { worker: string; tokenDigest: string } | null;
  attemptsUsed: number;
  /** Leases lost that count towards `maxLeases`. */
  leasesLost: number;
  /** Leases given back because something outside failed. */
  faults: number;
  /** Not admitted before this instant (ms); 0: at once. */
  notBefore: number;
  /** Last recorded attempt, for the next lease to go on from; dropped when the step ends. */
  previous: { commit: CommitRef | null; feedback: string } | null;
  commit: CommitRef | null;
  outputs: Record<string, JsonValue> | null;
  reason: Reason | null;
  /** Epochs whose late message is recorded already: one record each is enough. */
  lateEpochs: number[];
}

/** All steps that one definition turned into. Needs are between groups, so a join of 10,000 costs one counter. */
export interface GroupState {
  readonly definition: StepDefinition;
  readonly ordinals: number[];
  /** Steps that are neither passed nor skipped. */
  unmetSteps: number;
  /** Needed groups that are not met yet. */
  unmetNeeds: number;
  /** Indexes of the groups that this one needs. */
  readonly needs: number[];
  /** Indexes of the groups that need this one. */
  readonly dependants: number[];
}

export interface PlanState {
  readonly planId: string;
  /** Of the last event applied. */
  seq: number;
  hash: string;
  submitted: PlanSubmitted | null;
  submittedAt: number;
  status: PlanStatus;
  closed: boolean;
  baseSha: string | null;
  texts: Record<string, string>;
  expanded: boolean;
  /** Index is the ordinal. */
  steps: StepState[];
  /** Index is the definition's. Empty until the plan is expanded. */
  groups: GroupState[];
  /** Groups that are not met yet. */
  unmetGroups: number;
  /** Ready ordinals by pool, first in first out. Entries may be stale: a step's own status decides. */
  ready: Map<string, ReadyQueue>;
  readyCount: number;
  /** Ready, but only later: few, scanned whole. */
  delayed: Set<number>;
  inFlight: number;
  inFlightByPool: Map<string, number>;
  /** Ordinals that ended badly. */
  failed: number[];
  system: { resolve: number | null; integrate: number | null; publish: number | null; clean: number | null };
  integration: (IntegrationAccepted & { published: boolean }) | null;
}

/** A first-in-first-out queue without shifting: `head` moves, the array is cut now and then. */
export class ReadyQueue {
  private items: number[] = [];
  private head = 0;

  push(ordinal: number): void {
    this.items.push(ordinal);
  }

  peek(): number | undefined {
    return this.items[this.head];
  }

  shift(): void {
    this.head += 1;
    if (this.head > 1_024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
  }
}

/** The queue of a pool, made when it is first needed. */
export function readyQueue(state: PlanState, pool: string): ReadyQueue {
  let queue = state.ready.get(pool);
  if (!queue) {
    queue = new ReadyQueue();
    state.ready.set(pool, queue);
  }
  return queue;
}

/** `hash` of a stream without events. */
export const EMPTY_HASH = '0'.repeat(64);

export function initialPlanState(planId: string): PlanState {
  return {
    planId,
    seq: 0,
    hash: EMPTY_HASH,
    submitted: null,
    submittedAt: 0,
    status: 'running',
    closed: false,
    baseSha: null,
    texts: {},
    expanded: false,
    steps: [],
    groups: [],
    unmetGroups: 0,
    ready: new Map(),
    readyCount: 0,
    delayed: new Set(),
    inFlight: 0,
    inFlightByPool: new Map(),
    failed: [],
    system: { resolve: null, integrate: null, publish: null, clean: null },
    integration: null,
  };
}

/** The definition of a plan that has been submitted. */
export function definitionOf(state: PlanState): PlanDefinition {
  if (!state.submitted) throw new Error(`plan ${state.planId} has no plan.submitted event`);
  return state.submitted.definition;
}

export function stepOf(state: PlanState, ordinal: number): StepState {
  const step = state.steps[ordinal];
  if (!step) throw new Error(`plan ${state.planId} has no step s${ordinal}`);
  return step;
}

export function isEnded(status: StepStatus): boolean {
  return status !== 'waiting' && status !== 'ready' && status !== 'admitted' && status !== 'leased';
}

/** A need is met by what it did, or by having nothing to do. */
export function isMet(status: StepStatus): boolean {
  return status === 'passed' || status === 'skipped';
}

/** The branch that the plan's integration makes. */
export function integrationBranch(state: PlanState): string {
  const definition = definitionOf(state);
  if (definition.integrate?.branch) return definition.integrate.branch;
  const slug = definition.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return `skein/${slug || 'plan'}-${state.planId.slice(0, 8)}`;
}
