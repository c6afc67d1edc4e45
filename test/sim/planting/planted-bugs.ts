export interface Edit {
  /** From the root of the repository. */
  file: string;
  /** Must be there exactly once. */
  text: string;
  instead: string;
}

export interface PlantedBug {
  /** What is broken, in the words of the contract. */
  what: string;
  edits: Edit[];
}

const DECIDE = 'libs/domain/src/plan/decide.ts';
const EVOLVE = 'libs/domain/src/plan/evolve.ts';
const OPERATING = 'libs/domain/src/plan/operating.ts';
const FLEET = 'libs/domain/src/scheduling/fleet.ts';
const LEDGER = 'libs/ledger/src/memory/in-memory-ledger.ts';
const LOOP = 'apps/coordinator/src/deciding/decision-loop.ts';
const DECIDER = 'apps/coordinator/src/deciding/decider.ts';
const LIMITS = 'apps/coordinator/src/deciding/fleet-limits.ts';
const LEASES = 'apps/coordinator/src/deciding/lease-table.ts';
const SWEEPER = 'apps/coordinator/src/deciding/sweeper.ts';
const DISPATCHER = 'apps/coordinator/src/publishing/job-dispatcher.ts';
const KEEPER = 'libs/bus/src/leasing/lease-keeper.ts';

function bug(what: string, file: string, text: string, instead: string): PlantedBug {
  return { what, edits: [{ file, text, instead }] };
}

/** Ways to break the product that the simulation must notice. */
export const PLANTED_BUGS: Record<string, PlantedBug> = {
  'fencing-off': bug(
    'a result is applied whatever epoch it is of',
    DECIDE,
    "if (step.epoch !== lease.epoch || step.status === 'cancelled') return false;",
    "if (step.status === 'cancelled') return false;",
  ),
  'token-check-off': bug(
    'two processes of one worker pass for one another',
    DECIDE,
    'return step.holder.worker === lease.worker && step.holder.tokenDigest === lease.tokenDigest;',
    'return step.holder.worker === lease.worker;',
  ),
  'worker-check-off': bug(
    'whoever knows a token passes for its worker',
    DECIDE,
    'return step.holder.worker === lease.worker && step.holder.tokenDigest === lease.tokenDigest;',
    'return step.holder.tokenDigest === lease.tokenDigest;',
  ),
  'late-results-applied': bug(
    'what comes after its lease has ended is applied',
    DECIDE,
    'if (step && holds(step, lease)) {\n    // Its epoch was ended',
    'if (step) {\n    // Its epoch was ended',
  ),
  'repeated-results-applied': bug(
    'a result that is sent again is applied again',
    DECIDE,
    'if (!isInFlight(step)) return STOP;\n    return apply(step);',
    'return apply(step);',
  ),
  'poisons-too-late': bug(
    'a step is poisoned one lost lease too late',
    DECIDE,
    'input.counts && losses >= maxLeases;',
    'input.counts && losses > maxLeases;',
  ),
  'epochs-reused': bug(
    'a new lease gets the epoch of the last one',
    DECIDE,
    'data: { ordinal, epoch: step.epoch + 1 }',
    'data: { ordinal, epoch: Math.max(1, step.epoch) }',
  ),
  'attempts-per-lease': bug(
    'each lease has all attempts again',
    EVOLVE,
    "step.holder = null;\n      step.notBefore = 0;\n      return move(state, step, 'admitted');",
    "step.holder = null;\n      step.attemptsUsed = 0;\n      step.notBefore = 0;\n      return move(state, step, 'admitted');",
  ),
  'feedback-forgotten': bug(
    'a new lease is not told what was wrong with the last attempt',
    EVOLVE,
    "step.holder = null;\n      step.notBefore = 0;\n      return move(state, step, 'admitted');",
    "step.holder = null;\n      step.previous = null;\n      step.notBefore = 0;\n      return move(state, step, 'admitted');",
  ),
  'needs-counter-off-by-one': bug(
    'a step is ready before the last of its needs is met',
    EVOLVE,
    'if (dependant.unmetNeeds === 0) next.push(dependant);',
    'if (dependant.unmetNeeds <= 1) next.push(dependant);',
  ),
  'backoff-forgotten': bug(
    'a step whose lease was lost is tried again at once',
    EVOLVE,
    'if (step.notBefore > 0) state.delayed.push(step.notBefore, step.instance.ordinal);\n    else ',
    '',
  ),
  'fleet-cap-off-by-one': bug(
    'one step too many runs in the fleet',
    FLEET,
    'if (all !== null && fleet >= all)',
    'if (all !== null && fleet > all)',
  ),
  'pool-cap-off-by-one': bug(
    'one step too many runs in a pool',
    FLEET,
    'if (cap !== null && inFlight >= cap)',
    'if (cap !== null && inFlight > cap)',
  ),
  'tenant-cap-off-by-one': bug(
    'one step too many runs for a tenant',
    FLEET,
    "return inFlight >= limit ? { kind: 'tenant-cap'",
    "return inFlight > limit ? { kind: 'tenant-cap'",
  ),
  'plan-cap-off-by-one': bug(
    'one step too many runs in a plan',
    FLEET,
    'if (limit !== null && inFlight >= limit)',
    'if (limit !== null && inFlight > limit)',
  ),
  'repository-cap-off-by-one': bug(
    'one step too many runs on a repository',
    FLEET,
    "return inFlight >= limit ? { key, hold: { kind: 'repository-cap'",
    "return inFlight > limit ? { key, hold: { kind: 'repository-cap'",
  ),
  'locks-off-by-one': bug(
    'one holder too many has a lock',
    FLEET,
    'if (holders < limit) return null;',
    'if (holders <= limit) return null;',
  ),
  'branch-lock-off': bug(
    'two plans integrate into one branch at a time',
    FLEET,
    'if (!holder || holder === plan.planId) return null;',
    'if (holder || !holder) return null;',
  ),
  'pause-ignored': bug(
    'a paused plan is admitted',
    FLEET,
    'if (paused) return',
    'if (paused && !paused) return',
  ),
  'redrive-keeps-losses': bug(
    'a step that is retried is poisoned by its next lost lease',
    EVOLVE,
    'step.leasesLost = 0;\n  step.faults = 0;',
    'step.faults = 0;',
  ),
  'redrives-at-once': bug(
    'what is redriven at a rate does not wait for its turn',
    EVOLVE,
    'step.notBefore = notBefore ? fromIso(notBefore) : 0;',
    'step.notBefore = 0;',
  ),
  'retry-forgets-attempts': bug(
    'a step that is retried counts its attempts from one again',
    EVOLVE,
    'step.leasesLost = 0;\n  step.faults = 0;',
    'step.leasesLost = 0;\n  step.attemptsUsed = 0;\n  step.faults = 0;',
  ),
  'fork-forgets-results': bug(
    'a fork does the work of its origin again',
    'libs/domain/src/plan/judging.ts',
    'if (!result) continue;\n',
    'if (result) continue;\n',
  ),
  'redrive-takes-anything': bug(
    'a redrive of what is no dead letter is carried out',
    OPERATING,
    "if (input.onlyPoisoned && step.status !== 'poisoned')",
    "if (input.onlyPoisoned && step.status === 'waiting')",
  ),
  'term-check-off': bug(
    'a deposed decider appends',
    LEDGER,
    'if (!this.terms.mayAppend(term)) throw',
    'if (!this.terms.mayAppend(term) && term < 0) throw',
  ),
  'expected-seq-check-off': bug(
    'an append goes in wherever its stream is',
    LEDGER,
    'if (actual.seq !== append.expected.seq || actual.hash !== append.expected.hash) {',
    'if (actual.seq < 0) {',
  ),
  'publish-before-append': bug(
    'jobs are sent before what they follow from is in the ledger',
    LOOP,
    'const startedAt = performance.now();\n    const results =',
    'const startedAt = performance.now();\n    this.startEffects(entries.filter((entry) => entry.events.length > 0));\n    const results =',
  ),
  'answer-before-append': bug(
    'senders are answered before the commit',
    LOOP,
    'const startedAt = performance.now();\n    const results =',
    'const startedAt = performance.now();\n    for (const entry of entries) for (const { waiting, decision } of entry.answers) waiting.resolve(decision.reply);\n    const results =',
  ),
  'unknown-commit-not-reloaded': bug(
    'after a commit with unknown outcome the decider goes on from what it had in mind',
    LOOP,
    'for (const planId of this.touched.keys()) this.o.plans.discard(planId);\n    this.touched = new Map();',
    'this.touched = new Map();',
  ),
  'conflict-not-reloaded': bug(
    'after a conflict the decider goes on from what it had in mind',
    LOOP,
    'this.o.plans.discard(entry.plan.planId);\n        this.again(',
    'this.again(',
  ),
  'take-over-forgets-a-plan': bug(
    'a new decider does not look after all open plans',
    'apps/coordinator/src/deciding/open-plans.ts',
    'const queue = [...planIds];',
    'const queue = planIds.slice(1);',
  ),
  'no-grace-after-take-over': bug(
    'a new decider ends the leases that it finds at once',
    LEASES,
    'this.set({ ...lease, expiresAt: now + this.leaseMs, seen: false });',
    'this.set({ ...lease, expiresAt: now, seen: false });',
  ),
  'heartbeats-ignored': bug(
    'a lease ends though its worker speaks',
    LEASES,
    'lease.expiresAt = now + this.leaseMs;\n    lease.seen = true;\n    return true;',
    'lease.seen = true;\n    return true;',
  ),
  'silence-unnoticed': bug(
    'nobody ends the lease of a worker that died',
    SWEEPER,
    'this.loseSilentLeases(now);\n    if',
    'if',
  ),
  'sweeper-off': bug(
    'nothing is looked for that should move and does not',
    SWEEPER,
    '  private async sweepOnce(): Promise<void> {\n',
    '  private async sweepOnce(): Promise<void> {\n    if (this.lastTick > 0) return;\n',
  ),
  'never-claimed-unnoticed': bug(
    'a job that died with the worker that had it is not issued anew',
    DISPATCHER,
    'if (inQueue !== null && !(isDelivered && tracked.isDelivered)) {',
    'if (inQueue !== null) {',
  ),
  'lost-jobs-unnoticed': bug(
    'jobs that the broker lost are not published again',
    DISPATCHER,
    'if (inQueue !== null && !(isDelivered && tracked.isDelivered)) {',
    'if (!isDelivered || !tracked.isDelivered) {',
  ),
  'zombies-untold': bug(
    'a worker that lost its lease is told that it holds it',
    DECIDER,
    "if (step?.epoch !== lease.epoch) return 'its epoch is over';",
    'if (step?.epoch !== lease.epoch) return null;',
  ),
  'any-token-confirmed': bug(
    'a heartbeat is confirmed under any token',
    DECIDER,
    'if (holder.worker !== worker || holder.tokenDigest !== digestToken(lease.token)) {',
    'if (holder.worker !== worker) {',
  ),
  'deposed-decider-takes-work-away': bug(
    'a decider whose term may be over says that a lease is lost',
    DECIDER,
    "if (reply.status === 'lost' && !this.isInCharge) throw",
    "if (reply.status === 'lost' && this.stopped) throw",
  ),
  'limits-forgotten': bug(
    'a new decider does not know which limits were changed',
    LIMITS,
    'private mustRead = true;',
    'private mustRead = false;',
  ),
  'ended-jobs-stay': bug(
    'the jobs of a plan that has ended stay on the queue',
    DISPATCHER,
    'await this.o.queue.purgePlan(planId);\n',
    '',
  ),
  'lost-leases-worked-on': bug(
    'a worker goes on though it was told that its lease is lost',
    KEEPER,
    "if (reason !== undefined) holding.lose('told', reason);\n      else if (!unsure.has(leaseName(holding.key))) holding.confirmedAtMs = sentAtMs;",
    'holding.confirmedAtMs = sentAtMs;',
  ),
};
