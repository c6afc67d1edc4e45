import { FAULT_KINDS } from '../faults/fault.ts';

/** What a big run must have seen at least once; else it proves less than it says. */
export const EXPECTED_EVENTS = [
  'plan.submitted',
  'plan.expanded',
  'steps.expanded',
  'steps.freed',
  'wait.started',
  'step.admitted',
  'lease.granted',
  'lease.lost',
  'lease.released',
  'attempt.finished',
  'result.late',
  'step.passed',
  'step.blocked',
  'step.poisoned',
  'step.skipped',
  'integration.accepted',
  'integration.published',
  'report.published',
  'plan.paused',
  'plan.resumed',
  'plan.reopened',
  'step.reopened',
  'plan.cancelled',
  'plan.halted',
  'plan.completed',
  'plan.closed',
];

export const EXPECTED_TRANSITIONS = [
  'waiting -> ready',
  'waiting -> sleeping',
  'waiting -> blocked',
  'waiting -> skipped',
  'waiting -> cancelled',
  'sleeping -> passed',
  'sleeping -> cancelled',
  'sleeping -> skipped',
  'ready -> admitted',
  'ready -> poisoned',
  'ready -> blocked',
  'ready -> cancelled',
  'ready -> skipped',
  'ready -> waiting',
  'admitted -> leased',
  'admitted -> passed',
  'admitted -> ready',
  'admitted -> blocked',
  'admitted -> cancelled',
  'admitted -> skipped',
  'leased -> passed',
  'leased -> blocked',
  'leased -> ready',
  'leased -> cancelled',
  'leased -> skipped',
  'blocked -> ready',
  'blocked -> skipped',
  'poisoned -> ready',
  'poisoned -> skipped',
  'passed -> waiting',
  'passed -> ready',
];

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
  /** What deciders and workers said or were told, for readers: takeovers, late results, repairs. */
  readonly sights = new Map<string, number>();

  event(type: string): void {
    bump(this.events, type);
  }

  transition(from: string, to: string): void {
    bump(this.transitions, `${from} -> ${to}`);
  }

  fault(kind: string): void {
    bump(this.faults, kind);
  }

  sight(name: string, count = 1): void {
    bump(this.sights, name, count);
  }

  add(other: Coverage): void {
    for (const key of ['events', 'transitions', 'faults', 'sights'] as const)
      for (const [name, count] of other[key]) bump(this[key], name, count);
  }

  /** What a big run should have seen and did not. */
  get missing(): string[] {
    const absent = (seen: Map<string, number>, expected: readonly string[]): string[] =>
      expected.filter((name) => !seen.has(name));
    return [
      ...absent(this.events, EXPECTED_EVENTS),
      ...absent(this.transitions, EXPECTED_TRANSITIONS),
      ...absent(this.faults, [...FAULT_KINDS, ...EXPECTED_STORE_FAULTS]),
    ];
  }
}

function bump(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
