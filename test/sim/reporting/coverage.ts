import type { FleetEvent, PlanEventType, PlanReply, StepStatus } from '#domain';
import { FAULT_KINDS } from '../faults/fault.ts';
import type { RecordedStatus } from '../oracle/step-record.ts';
import type { Asked } from '../plans/planned-plan.ts';

/** The record knows all statuses that the domain knows, and no others. */
export type StatusesAgree = [RecordedStatus, StepStatus] extends [StepStatus, RecordedStatus] ? true : never;
true satisfies StatusesAgree;

/** By type, whether a big run must have seen it: else it proves less than it says. A new type of event is asked about here. */
const EVENTS: Record<PlanEventType | FleetEvent['type'], 'expected' | 'never'> = {
  'limits.changed': 'expected',
  'plan.submitted': 'expected',
  'plan.expanded': 'expected',
  'steps.expanded': 'expected',
  'steps.freed': 'expected',
  'wait.started': 'expected',
  'step.admitted': 'expected',
  'lease.granted': 'expected',
  'lease.lost': 'expected',
  'lease.released': 'expected',
  'attempt.finished': 'expected',
  'result.late': 'expected',
  'step.passed': 'expected',
  'step.blocked': 'expected',
  'step.poisoned': 'expected',
  // A step is cancelled with its plan, by the plan's event.
  'step.cancelled': 'never',
  'step.skipped': 'expected',
  'integration.accepted': 'expected',
  'integration.published': 'expected',
  'report.published': 'expected',
  'plan.paused': 'expected',
  'plan.resumed': 'expected',
  'plan.reopened': 'expected',
  'step.reopened': 'expected',
  'plan.cancelled': 'expected',
  'plan.halted': 'expected',
  'plan.completed': 'expected',
  'plan.closed': 'expected',
};

export const EXPECTED_EVENTS = Object.entries(EVENTS).flatMap(([type, when]) =>
  when === 'expected' ? [type] : [],
);

/** From each status to which others. Anything else is a mistake of the product or of the record. */
const TRANSITIONS: Record<RecordedStatus, readonly RecordedStatus[]> = {
  // To `passed`: what a fork takes over.
  waiting: ['ready', 'sleeping', 'passed', 'blocked', 'skipped', 'cancelled'],
  sleeping: ['passed', 'cancelled', 'skipped'],
  ready: ['admitted', 'passed', 'poisoned', 'blocked', 'cancelled', 'skipped', 'waiting'],
  admitted: ['leased', 'passed', 'ready', 'blocked', 'cancelled', 'skipped'],
  leased: ['passed', 'blocked', 'ready', 'cancelled', 'skipped'],
  // To `waiting`: the clean step, when its plan is reopened.
  blocked: ['ready', 'skipped', 'waiting'],
  poisoned: ['ready', 'skipped'],
  // What comes after a plan's end, when it is reopened.
  passed: ['waiting', 'ready'],
  cancelled: [],
  skipped: [],
};

/** Too rare to be missed when a run has not seen them. */
const RARE_TRANSITIONS: readonly `${RecordedStatus} -> ${RecordedStatus}`[] = ['poisoned -> waiting'];

export const EXPECTED_TRANSITIONS = Object.entries(TRANSITIONS).flatMap(([from, all]) =>
  all.map((to) => `${from} -> ${to}`),
);

/** What people ask for, and what they must have been told at least once. */
const ANSWERS: Record<Asked, readonly PlanReply['status'][]> = {
  submit: ['applied'],
  'submit-other': ['refused'],
  fork: ['applied'],
  cancel: ['applied', 'refused'],
  pause: ['applied', 'refused'],
  resume: ['applied', 'refused'],
  retry: ['applied', 'refused'],
  redrive: ['applied', 'refused'],
  skip: ['applied', 'refused'],
  kill: ['applied', 'refused'],
  limits: ['applied', 'refused'],
};

export const EXPECTED_ANSWERS = Object.entries(ANSWERS).flatMap(([asked, all]) =>
  all.map((status) => `${asked}: ${status}`),
);

/** Inside of the store: they come with the troubles of it. */
export const EXPECTED_STORE_FAULTS = [
  'commit-refused',
  'commit-unknownWritten',
  'commit-unknownUnwritten',
  'commit-unknownLate',
  'commit-slow',
  'call-refused',
];

/** What runs have seen: counts by name. */
export class Coverage {
  readonly events = new Map<string, number>();
  readonly transitions = new Map<string, number>();
  readonly faults = new Map<string, number>();
  readonly answers = new Map<string, number>();
  /** What deciders and workers said or were told, for readers: takeovers, late results, repairs. */
  readonly sights = new Map<string, number>();

  event(type: string): void {
    bump(this.events, type);
  }

  /** False: nothing may go that way. */
  transition(from: RecordedStatus, to: RecordedStatus): boolean {
    bump(this.transitions, `${from} -> ${to}`);
    return TRANSITIONS[from].includes(to) || RARE_TRANSITIONS.includes(`${from} -> ${to}`);
  }

  answer(asked: string, status: string): void {
    bump(this.answers, `${asked}: ${status}`);
  }

  fault(kind: string): void {
    bump(this.faults, kind);
  }

  sight(name: string, count = 1): void {
    bump(this.sights, name, count);
  }

  add(other: Coverage): void {
    for (const key of ['events', 'transitions', 'answers', 'faults', 'sights'] as const)
      for (const [name, count] of other[key]) bump(this[key], name, count);
  }

  /** What a big run should have seen and did not. */
  get missing(): string[] {
    const absent = (seen: Map<string, number>, expected: readonly string[]): string[] =>
      expected.filter((name) => !seen.has(name));
    return [
      ...absent(this.events, EXPECTED_EVENTS),
      ...absent(this.transitions, EXPECTED_TRANSITIONS),
      ...absent(this.answers, EXPECTED_ANSWERS),
      ...absent(this.faults, [...FAULT_KINDS, ...EXPECTED_STORE_FAULTS]),
    ];
  }
}

function bump(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
