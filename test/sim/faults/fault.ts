import type { Chance } from '../core/chance.ts';
import type { PlannedPlan } from '../plans/planned-plan.ts';
import type { Mood, PlannedProcess, PlannedWorker } from '../plans/planned-fleet.ts';

export const FAULT_KINDS = [
  'replica-killed',
  'replica-stopped',
  'replica-shut-down',
  'replica-cut-from-nats',
  'replica-cut-from-postgres',
  'replica-clock-jumps',
  'worker-killed',
  'worker-stopped',
  'worker-drained',
  'worker-cut-from-nats',
  'worker-clock-jumps',
  'nats-crashed',
  'nats-wiped',
  'nats-rolled-back',
  'stream-deleted',
  'consumer-deleted',
  'messages-lost',
  'messages-doubled',
  'messages-late',
  'messages-overtake',
  'signals-lost',
  'postgres-down',
  'commits-refused',
  'commits-unknown',
  'commits-slow',
  'garbage',
  'page-unavailable',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  kind: FaultKind;
  atMs: number;
  /** Until things are as before; processes that were killed come back after it. */
  forMs: number;
  /** A replica's or worker's name. */
  target: string | null;
  /** How bad, 0 to 1: share of messages or calls, milliseconds of a jump, ... */
  strength: number;
}

interface Targets {
  replicas: PlannedProcess[];
  workers: PlannedWorker[];
  plans: PlannedPlan[];
  withinMs: number;
}

/** The time that a run is troubled for begins with it and ends here at the latest (true ms). */
const TROUBLED_MS = 8_000;

export function generateFaults(chance: Chance, mood: Mood, targets: Targets): Fault[] {
  if (mood === 'calm') return [];
  const count = mood === 'rough' ? chance.int(1, 3) : chance.int(4, 12);
  // A few kinds at a time: what happens again and again finds more than a little of everything.
  const kinds = chance.shuffle(FAULT_KINDS).slice(0, chance.int(1, mood === 'rough' ? 3 : 8));
  return Array.from({ length: count }, () => generateFault(chance, chance.pick(kinds), targets)).sort(
    (a, b) => a.atMs - b.atMs,
  );
}

function generateFault(chance: Chance, kind: FaultKind, targets: Targets): Fault {
  const atMs = Math.round(chance.between(100, chance.pick([1_500, 3_000, TROUBLED_MS])));
  const forMs = Math.round(
    chance.pick([chance.between(20, 500), chance.between(500, 4_000), chance.between(4_000, 9_000)]),
  );
  return { kind, atMs, forMs, target: targetOf(chance, kind, targets), strength: chance.next() };
}

function targetOf(chance: Chance, kind: FaultKind, { replicas, workers }: Targets): string | null {
  if (kind.startsWith('replica-')) return chance.pick(replicas).name;
  if (kind.startsWith('worker-')) return chance.pick(workers).name;
  return null;
}
