import type { LedgerEvent } from '../fleet/fleet-client.ts';

export interface RecordedAttempt {
  attempt: number;
  epoch: number;
  worker: string;
  accepted: boolean;
  /** Of the lease, as its private ref names it; null when nothing was committed. */
  token: string | null;
}

/** One step as the ledger tells of it. Written for this oracle: none of the product's own code takes part. */
export interface ReplayedStep {
  ordinal: number;
  name: string;
  kind: string;
  /** Index into the plan's steps; null for the system's own. */
  definition: number | null;
  epoch: number;
  /** Whether an epoch of it is under way. */
  live: boolean;
  holder: string | null;
  attempts: RecordedAttempt[];
  countedLosses: number;
  /** How it ended; null: it has not. */
  outcome: string | null;
  reason: string | null;
  /** Whose result was accepted. */
  accepted: { epoch: number; worker: string | null; commit: { sha: string; ref: string } | null } | null;
  reopened: number;
}

export interface Definition {
  name: string;
  needs: string[];
  locks: string[];
  attempts: number;
}

export interface Replay {
  steps: Map<number, ReplayedStep>;
  definitions: Definition[];
  maxLeases: number;
  /** What the ledger itself does wrong. */
  violations: string[];
  lateResults: number;
  leasesLost: number;
  attempts: number;
  status: string | null;
  closed: boolean;
}

type Data = Record<string, unknown>;

/** Goes through a plan's ledger and holds every event against the rules of leases, needs, locks and attempts. */
export function replay(events: LedgerEvent[]): Replay {
  const replayed: Replay = {
    steps: new Map(),
    definitions: [],
    maxLeases: 0,
    violations: [],
    lateResults: 0,
    leasesLost: 0,
    attempts: 0,
    status: null,
    closed: false,
  };
  for (const [index, event] of events.entries()) {
    const wrong = (what: string): void =>
      void replayed.violations.push(`seq ${event.seq} ${event.type}: ${what}`);
    if (event.seq !== index + 1) wrong(`is the ${index + 1}th event of its ledger`);
    apply(event, replayed, wrong);
  }
  return replayed;
}

type Wrong = (what: string) => void;

function apply({ type, data }: LedgerEvent, r: Replay, wrong: Wrong): void {
  const step = r.steps.get(data['ordinal'] as number);
  const handler = HANDLERS[type];
  if (handler) handler(data, r, wrong);
  else if (step && STEP_HANDLERS[type]) STEP_HANDLERS[type](step, data, r, wrong);
  else if (STEP_HANDLERS[type] && data['ordinal'] === 0) STEP_HANDLERS[type](resolveStep(r), data, r, wrong);
  else if (STEP_HANDLERS[type]) wrong(`of a step that the plan does not have`);
}

/** `s0` works before anything is expanded. */
function resolveStep(r: Replay): ReplayedStep {
  add(r, { ordinal: 0, name: 'resolve', kind: 'resolve', definition: null });
  return r.steps.get(0)!;
}

function add(r: Replay, instance: Pick<ReplayedStep, 'ordinal' | 'name' | 'kind' | 'definition'>): void {
  if (r.steps.has(instance.ordinal)) return;
  const { ordinal, name, kind, definition } = instance;
  const nothing = { epoch: 0, live: false, holder: null, attempts: [], countedLosses: 0, reopened: 0 };
  const open = { outcome: null, reason: null, accepted: null };
  r.steps.set(ordinal, { ordinal, name, kind, definition, ...nothing, ...open });
}

const HANDLERS: Record<string, (data: Data, r: Replay, wrong: Wrong) => void> = {
  'plan.submitted': (data, r) => {
    const definition = data['definition'] as { steps: Definition[]; maxLeases: number };
    r.definitions = definition.steps;
    r.maxLeases = definition.maxLeases;
    r.status = 'running';
  },
  'plan.expanded': expand,
  'steps.expanded': expand,
  'result.late': (_, r) => void (r.lateResults += 1),
  'plan.completed': (_, r) => void (r.status = 'completed'),
  'plan.halted': (_, r) => void (r.status = 'halted'),
  'plan.cancelled': (_, r) => {
    r.status = 'cancelled';
    // It ends every lease in the same append.
    for (const step of r.steps.values()) step.live = false;
  },
  'plan.reopened': (_, r) => {
    r.status = 'running';
    r.closed = false;
  },
  'plan.closed': (_, r) => void (r.closed = true),
};

function expand(data: Data, r: Replay, wrong: Wrong): void {
  for (const instance of data['steps'] as ReplayedStep[]) {
    if (instance.ordinal !== 0 && r.steps.has(instance.ordinal))
      wrong(`step ${instance.ordinal} is there already`);
    add(r, instance);
  }
}

const STEP_HANDLERS: Record<string, (step: ReplayedStep, data: Data, r: Replay, wrong: Wrong) => void> = {
  'step.admitted': (step, data, r, wrong) => {
    if (step.live) wrong(`${step.name} is under way already, in epoch ${step.epoch}`);
    // `clean` runs once more at each end of a plan that was reopened.
    if (step.outcome !== null && step.kind !== 'clean') wrong(`${step.name} has ended as ${step.outcome}`);
    if ((data['epoch'] as number) <= step.epoch)
      wrong(`epoch ${String(data['epoch'])} follows ${step.epoch}`);
    Object.assign(step, { epoch: data['epoch'], live: true, holder: null, outcome: null });
    checkNeeds(step, r, wrong);
    checkLocks(step, r, wrong);
  },
  'lease.granted': (step, data, _, wrong) => {
    checkLease(step, data, wrong);
    step.holder = data['worker'] as string;
  },
  'lease.lost': (step, data, r, wrong) => {
    checkLease(step, { epoch: data['epoch'] }, wrong);
    step.live = false;
    r.leasesLost += 1;
    if (data['counts'] === true) step.countedLosses += 1;
  },
  'lease.released': (step, data, _, wrong) => {
    checkLease(step, data, wrong);
    step.live = false;
  },
  'attempt.finished': (step, data, r, wrong) => {
    checkLease(step, data, wrong);
    r.attempts += 1;
    const attempt = data['attempt'] as number;
    if (attempt !== step.attempts.length + 1)
      wrong(`attempt ${attempt} follows ${step.attempts.length} of ${step.name}`);
    step.holder = data['worker'] as string;
    const accepted = data['verdict'] === 'accepted';
    const ref = (data['commit'] as { ref: string } | null)?.ref ?? '';
    const token = /\/\d+-([0-9a-f]{12})\//.exec(ref)?.[1] ?? null;
    step.attempts.push({ attempt, epoch: data['epoch'] as number, worker: step.holder, accepted, token });
    checkAttempts(step, r, wrong);
  },
  'step.passed': (step, data, _, wrong) => {
    if (step.outcome !== null) wrong(`${step.name} has ended as ${step.outcome} before`);
    const worker = data['worker'] as string | null;
    // A wait is passed by the clock; it never had a lease.
    if (worker !== null) checkLease(step, data, wrong);
    step.accepted = {
      epoch: data['epoch'] as number,
      worker,
      commit: data['commit'] as { sha: string; ref: string } | null,
    };
    Object.assign(step, { live: false, outcome: 'passed' });
  },
  'step.reopened': (step) => {
    Object.assign(step, { outcome: null, reason: null, countedLosses: 0, live: false });
    step.reopened += 1;
  },
  'step.blocked': ended('blocked'),
  'step.cancelled': ended('cancelled'),
  'step.skipped': ended('skipped'),
  'step.poisoned': (step, data, r, wrong) => {
    if (step.countedLosses !== r.maxLeases)
      wrong(`${step.name} was poisoned after ${step.countedLosses} lost leases, not ${r.maxLeases}`);
    ended('poisoned')(step, data, r, wrong);
  },
};

function ended(outcome: string): (step: ReplayedStep, data: Data, r: Replay, wrong: Wrong) => void {
  return (step, data, _, wrong) => {
    if (step.outcome !== null) wrong(`${step.name} has ended as ${step.outcome} before`);
    const reason = (data['reason'] as { code: string } | undefined)?.code ?? null;
    Object.assign(step, { live: false, outcome, reason });
  };
}

/** Only who holds the current lease may say anything of the step. */
function checkLease(step: ReplayedStep, data: Data, wrong: Wrong): void {
  if (!step.live) wrong(`no lease of ${step.name} is under way`);
  if (data['epoch'] !== step.epoch)
    wrong(`is of epoch ${String(data['epoch'])}, ${step.name} is at ${step.epoch}`);
  const worker = data['worker'] as string | null | undefined;
  if (worker && step.holder !== null && worker !== step.holder)
    wrong(`is of ${worker}, ${step.holder} holds ${step.name}`);
}

function checkNeeds(step: ReplayedStep, r: Replay, wrong: Wrong): void {
  if (step.definition === null) return;
  for (const need of r.definitions[step.definition]!.needs) {
    const instances = [...r.steps.values()].filter(
      ({ definition }) => definition !== null && r.definitions[definition]!.name === need,
    );
    const unmet = instances.filter(({ outcome }) => outcome !== 'passed' && outcome !== 'skipped');
    for (const { name, outcome } of unmet) wrong(`${step.name} needs ${name}, which is ${outcome ?? 'open'}`);
  }
}

/** All locks of chaos are declared by their plan and held by one step at a time. */
function checkLocks(step: ReplayedStep, r: Replay, wrong: Wrong): void {
  const locksOf = ({ definition }: ReplayedStep): string[] =>
    definition === null ? [] : r.definitions[definition]!.locks;
  for (const other of r.steps.values()) {
    if (other === step || !other.live) continue;
    const shared = locksOf(step).find((lock) => locksOf(other).includes(lock));
    if (shared !== undefined) wrong(`${step.name} got the lock ${shared} that ${other.name} holds`);
  }
}

function checkAttempts(step: ReplayedStep, r: Replay, wrong: Wrong): void {
  if (step.definition === null || step.reopened > 0) return;
  const { attempts } = r.definitions[step.definition]!;
  if (step.attempts.length > attempts)
    wrong(`${step.name} has used ${step.attempts.length} of ${attempts} attempts`);
}
