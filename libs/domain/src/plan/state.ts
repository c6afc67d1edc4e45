import type { JsonValue } from '../json.ts';
import type { Commanded, CommitRef, IntegrationAccepted, PlanSubmitted, Reason } from '../ledger/events.ts';
import { TimeHeap } from '../time-heap.ts';
import type { PlanDefinition, StepDefinition, StepInstance, SystemStepKind } from './definition.ts';
import { Lanes, type Lane } from './lanes.ts';

/**
 * Where a step stands.
 *
 *   waiting -> ready -> admitted -> leased -> passed | blocked | poisoned
 *                ^__________________|            (lease lost or released)
 *   waiting -> sleeping -> passed                (a wait: its time has come)
 *   any of the first five -> cancelled           (with its plan)
 *   waiting -> skipped | blocked                 (nothing for it to do | its condition has no value)
 */
export type StepStatus =
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

export type PlanStatus = 'running' | 'completed' | 'halted' | 'cancelled';

export interface StepState {
  readonly instance: StepInstance;
  /** With which others it waits for admission. */
  readonly lane: Lane;
  status: StepStatus;
  /** 0 before the first admission. */
  epoch: number;
  /** Who holds, or last held, the current epoch; null while nobody has claimed it. */
  holder: { worker: string; tokenDigest: string } | null;
  attemptsUsed: number;
  /** By the plan's text, and by who gave more. */
  attemptsAllowed: number;
  /** Leases lost that count towards `maxLeases`. */
  leasesLost: number;
  /** Leases given back because something outside failed. */
  faults: number;
  /** Leases given back by workers that do not know the work: they say nothing of the step. */
  unknownWork: number;
  /** Not admitted (a sleeping step: not passed) before this instant (ms); 0: at once. */
  notBefore: number;
  /** When it last became ready, a backoff included, and when it was last admitted (ms); 0: never. */
  readyAt: number;
  admittedAt: number;
  /** Last recorded attempt, for the next lease to go on from; dropped when nothing can come after it. */
  previous: { commit: CommitRef | null; feedback: string } | null;
  commit: CommitRef | null;
  outputs: Record<string, JsonValue> | null;
  reason: Reason | null;
  /** Epochs whose late message is recorded already: one record each is enough. */
  lateEpochs: number[];
}

/** All steps that one definition turned into. Needs are between groups, so a join of 10,000 costs one counter. */
export interface GroupState {
  /** Of the definition, and of this group in the list of groups. */
  readonly index: number;
  readonly definition: StepDefinition;
  /** Whether its steps are known: those of a fan-out that is decided at run time are not, at first. */
  expanded: boolean;
  readonly ordinals: number[];
  /** Its steps are met: said once to those that need it. */
  met: boolean;
  /** Steps that are neither passed nor skipped. */
  unmetSteps: number;
  /** Needed groups that are not met yet; the baseline is one of them. */
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
  /** Of the last event applied (ms). */
  at: number;
  submitted: PlanSubmitted | null;
  submittedAt: number;
  status: PlanStatus;
  closed: boolean;
  /** Nothing is admitted while it is; null: it is not. */
  paused: Commanded | null;
  /** It was halted with every open step cancelled: it cannot be reopened. */
  openCancelled: boolean;
  baseSha: string | null;
  texts: Record<string, string>;
  expanded: boolean;
  /** Index is the ordinal. */
  steps: StepState[];
  /** Steps by status; absent: none. */
  counts: Partial<Record<StepStatus, number>>;
  /** Index is the definition's. Empty until the plan is expanded. */
  groups: GroupState[];
  /** Groups that are not met yet. */
  unmetGroups: number;
  /** Groups whose needs are met and whose conditions, fan-out or waits are to be judged. Empty between decisions. */
  due: Set<number>;
  /** Ready steps. A lane may hold stale entries: a step's own status decides. */
  lanes: Lanes;
  readyCount: number;
  /** Ready, but only later: ordinals by time. */
  delayed: TimeHeap<number>;
  /** Sleeping: ordinals by the time of their end. */
  sleepers: TimeHeap<number>;
  sleepingCount: number;
  inFlight: number;
  inFlightByPool: Map<string, number>;
  inFlightByLock: Map<string, number>;
  /** Ready or in flight, but for people only: the plan does not wait for them. 0 or 1. */
  reporting: number;
  /** The page that is being written was begun before the plan's end: one more is due. */
  reportAgain: boolean;
  /** null: none. */
  deadlineAt: number | null;
  /** Ordinals that ended badly. */
  failed: number[];
  /** Ordinals of the system steps that the plan has. */
  system: Record<SystemStepKind, number | null>;
  integration: (IntegrationAccepted & { published: boolean }) | null;
}

/** `hash` of a stream without events. */
export const EMPTY_HASH = '0'.repeat(64);

export function initialPlanState(planId: string): PlanState {
  return {
    planId,
    seq: 0,
    hash: EMPTY_HASH,
    at: 0,
    submitted: null,
    submittedAt: 0,
    status: 'running',
    closed: false,
    paused: null,
    openCancelled: false,
    baseSha: null,
    texts: {},
    expanded: false,
    steps: [],
    counts: {},
    groups: [],
    unmetGroups: 0,
    due: new Set(),
    lanes: new Lanes(),
    readyCount: 0,
    delayed: new TimeHeap(),
    sleepers: new TimeHeap(),
    sleepingCount: 0,
    inFlight: 0,
    inFlightByPool: new Map(),
    inFlightByLock: new Map(),
    reporting: 0,
    reportAgain: false,
    deadlineAt: null,
    failed: [],
    system: { resolve: null, baseline: null, integrate: null, publish: null, report: null, clean: null },
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
  return !OPEN.has(status);
}

const OPEN: ReadonlySet<StepStatus> = new Set(['waiting', 'sleeping', 'ready', 'admitted', 'leased']);

/** A need is met by what it did, or by having nothing to do. */
export function isMet(status: StepStatus): boolean {
  return status === 'passed' || status === 'skipped';
}

/** Nothing runs, nothing may be admitted, nothing sleeps: of itself the plan will not move any more. */
export function isIdle(state: PlanState): boolean {
  const active = state.inFlight + state.readyCount - state.reporting;
  return active === 0 && state.sleepingCount === 0 && state.due.size === 0;
}

/** A plan that can neither go on nor end: a bug of ours. */
export function isStuck(state: PlanState): boolean {
  if (state.closed || !state.submitted) return false;
  return state.status === 'running' ? isIdle(state) : state.inFlight + state.readyCount === 0;
}

/** A delayed step's alarm still counts. */
export function isDelayed(state: PlanState, ordinal: number, at: number): boolean {
  const step = state.steps[ordinal];
  return step?.status === 'ready' && step.notBefore === at;
}

/** A sleeping step's alarm still counts. */
export function isSleeping(state: PlanState, ordinal: number): boolean {
  return state.steps[ordinal]?.status === 'sleeping';
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
