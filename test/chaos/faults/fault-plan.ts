import { Chance } from './chance.ts';
import { FAULT_KINDS, type FaultKind } from './fault-kind.ts';

/** Times in milliseconds since the faults began. */
export interface PlannedFault {
  kind: FaultKind;
  atMs: number;
  /** 0: it is over as soon as it is done (a kill). */
  lastsMs: number;
  /** Which of the workers, coordinators or links, counted from 0, where there are several. */
  target: number;
}

/** Faults that overlap; after them nothing is done for a while, so that going on can be seen. */
export interface FaultRound {
  faults: PlannedFault[];
  endsMs: number;
}

export interface FaultPlanOptions {
  seed: number;
  durationMs: number;
  /** Lease of the fleet: some faults are meant to outlast it. */
  leaseMs: number;
  workers: number;
  coordinators: number;
  /** Those that this machine can do. */
  kinds: readonly FaultKind[];
}

const FIRST_MS = 1_500;
/** Below this a run is dense: every kind should come at least once. */
const DENSE_BELOW_MS = 180_000;
/** After its last fault the fleet is expected to go on within its lease and so much. */
export const BEYOND_LEASE_MS = 5_000;

/** Rounds of a dense run follow too soon on each other to tell how long the fleet takes after one. */
export function isDense(durationMs: number): boolean {
  return durationMs < DENSE_BELOW_MS;
}

/** The same options, the same plan. Kinds are dealt from a shuffled deck, so each comes before any comes again. */
export function planFaults(o: FaultPlanOptions): FaultRound[] {
  const chance = new Chance(o.seed);
  const dense = isDense(o.durationMs);
  const rounds: FaultRound[] = [];
  let deck: FaultKind[] = [];
  for (let startsMs = FIRST_MS; ;) {
    const size = dense ? 4 : chance.pick([1, 1, 2, 2, 3]);
    if (deck.length < size) deck = [...deck, ...chance.shuffled(o.kinds)];
    const faults = deal(deck, size).map((kind) => faultOf(kind, startsMs, chance, o));
    const endsMs = Math.max(...faults.map(({ atMs, lastsMs }) => atMs + lastsMs));
    if (endsMs > o.durationMs) return rounds;
    rounds.push({ faults, endsMs });
    const goalMs = o.leaseMs + BEYOND_LEASE_MS;
    startsMs = endsMs + (dense ? chance.between(1_000, 2_000) : chance.between(goalMs, goalMs + 2_000));
  }
}

/** Takes up to `size` kinds of different subjects from the top of the deck; what does not fit stays where it was. */
function deal(deck: FaultKind[], size: number): FaultKind[] {
  const dealt: FaultKind[] = [];
  const subjects = new Set<string>();
  for (let index = 0; index < deck.length && dealt.length < size;) {
    const { subject } = FAULT_KINDS[deck[index]!];
    if (subjects.has(subject)) index += 1;
    else {
      subjects.add(subject);
      dealt.push(...deck.splice(index, 1));
    }
  }
  return dealt;
}

function faultOf(kind: FaultKind, startsMs: number, chance: Chance, o: FaultPlanOptions): PlannedFault {
  const { subject, lasts } = FAULT_KINDS[kind];
  const lastsMs = {
    instant: () => 0,
    short: () => chance.between(800, Math.max(1_000, o.leaseMs - 1_000)),
    'past-lease': () => o.leaseMs + chance.between(500, 2_500),
  }[lasts]();
  const choices = subject.startsWith('worker') ? o.workers : o.coordinators;
  return { kind, atMs: startsMs + chance.between(0, 1_000), lastsMs, target: chance.between(0, choices - 1) };
}
