import { createHash } from 'node:crypto';
import type { DeciderReply, HeartbeatMessage, HeartbeatReply, Job, LeaseKey, WorkerSignal } from '#contracts';
import type { Append } from '#ledger';
import type { Process } from '../core/process.ts';
import type { Parcel } from '../network/message.ts';
import { feedbackOf } from '../fleet/performing.ts';
import type { LedgerOracle } from './ledger-oracle.ts';
import { isInFlight, type EpochRecord, type StepRecord } from './step-record.ts';
import { Violation } from './violation.ts';

interface Asked {
  verb: string;
  term: number;
  text: string;
  atMs: number;
}

/** What a decider has said of a lease: it holds, from then on, for one lease time. */
interface Confirmed {
  term: number;
  atMs: number;
  /** By the wall clock of the decider. */
  saidAt: number;
}

/** The slowest clock against the fastest, and rounding. */
const DRIFT = 0.95;

/**
 * Hears every message as it is sent. What replicas say must already be in the ledger; what they do to the world must
 * follow from it; and they may not say anything that it contradicts.
 */
export class MessageOracle {
  private readonly asked = new Map<string, Asked>();
  private readonly confirmed = new Map<string, Confirmed>();
  /** Tokens of leases that their workers know to be lost. */
  private readonly told = new Set<string>();

  constructor(
    private readonly ledger: LedgerOracle,
    private readonly leaseMs: number,
    private readonly nowMs: () => number,
    /** A replica whose memory is surely that of the ledger: nothing failed lately, nothing is under way for the plan. */
    private readonly isUpToDate: (replica: Process, term: number, planId: string) => boolean,
    /** When a term began (true ms). */
    private readonly termBeganMs: (term: number) => number,
  ) {}

  hear(from: Process, parcel: Parcel): void {
    const { subject } = parcel;
    if (subject.startsWith('_R.')) return this.hearAnswer(from, parcel);
    if (subject.startsWith('sim.decider.')) {
      const [, , term = '', verb = ''] = subject.split('.');
      const atMs = this.nowMs();
      this.asked.set(parcel.reply, { verb, term: Number(term), text: parcel.text, atMs });
      return;
    }
    if (!isReplica(from)) return;
    if (subject.startsWith('sim.jobs.')) this.hearJob(parcel);
    else if (subject.startsWith('sim.dead.')) this.hearDeadLetter(subject);
    else if (subject.startsWith('sim.control.worker.'))
      this.hearSignal(JSON.parse(parcel.text) as WorkerSignal);
  }

  /** As it arrives: who is told that a lease is lost knows it from then on. */
  received(by: Process, { subject, text }: Parcel): void {
    const asked = this.asked.get(subject);
    if (!asked || isReplica(by) || by.name === 'rogue') return;
    if (asked.verb === 'heartbeat') {
      if (!text.includes('"lost":[{') || this.isGivenUp(asked)) return;
      const { leases } = JSON.parse(asked.text) as HeartbeatMessage;
      for (const { planId, ordinal, epoch } of (JSON.parse(text) as HeartbeatReply).lost)
        for (const lease of leases)
          if (lease.planId === planId && lease.ordinal === ordinal && lease.epoch === epoch)
            this.told.add(lease.token);
    } else if (text.startsWith('{"status":"lost"'))
      this.told.add((JSON.parse(asked.text) as { lease: LeaseKey }).lease.token);
  }

  /** A worker waits for a sixth of a lease, by its own clock; what comes later has nobody who hears it. */
  private isGivenUp({ atMs }: Asked): boolean {
    return this.nowMs() - atMs > (this.leaseMs / 6) * DRIFT;
  }

  /** A worker goes on with the work of a lease. */
  worksOn({ planId, ordinal, epoch, worker, token }: LeaseKey): void {
    if (this.told.has(token))
      this.fail(
        'a-zombie-stops',
        planId,
        `${worker} goes on with s${ordinal} epoch ${epoch}, though it was told that its lease is lost`,
      );
  }

  /** Held against what a decider of the same term has said: it may not lose what it has just confirmed. */
  committed(term: number, appends: readonly Append[]): void {
    for (const { planId, at, events } of appends) {
      for (const event of events) {
        if (event.type !== 'lease.lost') continue;
        const { ordinal, epoch, reason } = event.data;
        if (reason.code !== 'worker-silent' && reason.code !== 'lost-with-decider') continue;
        const graceMs = this.nowMs() - this.termBeganMs(term);
        if (graceMs < this.leaseMs * DRIFT)
          this.fail(
            'a-lease-lasts-its-term',
            planId,
            `s${ordinal} epoch ${epoch} was lost ${Math.round(graceMs)} ms after its decider's term had begun, in less than ${this.leaseMs} ms`,
          );
        const confirmed = this.confirmed.get(`${planId}/${ordinal}/${epoch}`);
        // Said while the loss was decided and not committed yet: nobody may be told of it then.
        if (confirmed?.term !== term || confirmed.saidAt >= Date.parse(at)) continue;
        const silentMs = this.nowMs() - confirmed.atMs;
        if (silentMs < this.leaseMs * DRIFT)
          this.fail(
            'a-lease-lasts-its-term',
            planId,
            `s${ordinal} epoch ${epoch} was lost ${Math.round(silentMs)} ms after its decider had confirmed it for ${this.leaseMs} ms`,
          );
      }
    }
  }

  private hearJob({ subject, text }: Parcel): void {
    const [, , , , planId = '', step = '', epochText = ''] = subject.split('.');
    const epoch = Number(epochText);
    const record = this.stepOf(planId, Number(step.slice(1)));
    const known = record?.epochs.get(epoch);
    if (!record || !known)
      return this.fail(
        'effects-follow-commits',
        planId,
        `a job of ${step} epoch ${epoch} was sent before its admission was in the ledger`,
      );
    const { work } = JSON.parse(text) as Job;
    if ('attempt' in work) {
      const { attempt, attempts, previous } = work;
      if (attempt !== known.attemptsBefore + 1)
        this.fail(
          'used-attempts-stay-used',
          planId,
          `the job of ${step} epoch ${epoch} begins with attempt ${attempt}, ${known.attemptsBefore} are used`,
        );
      if (attempt > attempts)
        this.fail(
          'used-attempts-stay-used',
          planId,
          `the job of ${step} epoch ${epoch} begins with attempt ${attempt} of ${attempts}`,
        );
      if (attempt > 1 && !previous?.feedback.startsWith(feedbackOf(attempt - 1)))
        this.fail(
          'goes-on-from-the-last-attempt',
          planId,
          `the job of ${step} epoch ${epoch} does not tell what was wrong with attempt ${attempt - 1}`,
        );
    }
    const inputs = 'inputs' in work ? work.inputs : [];
    for (const { ordinal, commit } of inputs)
      if (this.stepOf(planId, ordinal)?.commit?.sha !== commit.sha)
        this.fail(
          'effects-follow-commits',
          planId,
          `the job of ${step} starts from ${commit.sha}, which is no result of s${ordinal}`,
        );
    if (work.kind === 'integrate' && !this.ledger.hasHad(planId, work.ledgerHead))
      this.fail(
        'anchors-are-true',
        planId,
        `the integration is anchored at seq ${work.ledgerHead.seq}, with a hash that the ledger never had there`,
      );
    if (work.kind === 'publish' && this.ledger.plans.get(planId)?.accepted?.commit.sha !== work.commit.sha)
      this.fail(
        'publishes-what-is-accepted',
        planId,
        `a job publishes ${work.commit.sha}, which was not accepted`,
      );
  }

  private hearDeadLetter(subject: string): void {
    const [, , planId = '', step = ''] = subject.split('.');
    // It may be sent again, also when the step was redriven meanwhile.
    if (!this.stepOf(planId, Number(step.slice(1)))?.wasPoisoned)
      this.fail(
        'effects-follow-commits',
        planId,
        `a dead letter of ${step} was sent, which was never poisoned`,
      );
  }

  private hearSignal({ planId, ordinal, epoch }: WorkerSignal): void {
    const step = this.stepOf(planId, ordinal);
    if (step && isInFlight(step) && step.epoch === epoch)
      this.fail(
        'effects-follow-commits',
        planId,
        `a worker was told to stop s${ordinal} epoch ${epoch}, which it still holds`,
      );
  }

  private hearAnswer(from: Process, { subject, text }: Parcel): void {
    const asked = this.asked.get(subject);
    if (!asked || !isReplica(from)) return;
    if (asked.verb === 'heartbeat') return this.hearHeartbeat(from, asked, text);
    if (asked.verb === 'command') return;
    const reply = JSON.parse(text) as DeciderReply | { status: 'later' };
    if (reply.status === 'applied') this.checkApplied(asked);
    else if (reply.status === 'lost')
      this.checkLost((JSON.parse(asked.text) as { lease: LeaseKey }).lease, from);
  }

  private hearHeartbeat(from: Process, { term, text }: Asked, answer: string): void {
    const reply = JSON.parse(answer) as HeartbeatReply;
    if (!Array.isArray(reply.lost)) return;
    const { worker, leases } = JSON.parse(text) as HeartbeatMessage;
    const nameOf = ({ planId, ordinal, epoch }: Omit<LeaseKey, 'worker' | 'token'>): string =>
      `${planId}/${ordinal}/${epoch}`;
    const lost = new Set(reply.lost.map(nameOf));
    const unsure = new Set(reply.unsure?.map(nameOf));
    for (const lease of leases) {
      const name = nameOf(lease);
      if (lost.has(name)) this.checkLost({ ...lease, worker }, from);
      else if (!unsure.has(name)) this.checkConfirmed(from, term, { ...lease, worker });
    }
  }

  /** Only what the ledger ended, or gave to somebody else, is lost. */
  private checkLost(lease: LeaseKey, from: Process): void {
    const { planId, ordinal, epoch } = lease;
    const step = this.stepOf(planId, ordinal);
    if (!step || !isInFlight(step) || step.epoch !== epoch) return;
    const known = step.epochs.get(epoch);
    if (known && (known.worker === null || isHolder(known, lease)))
      this.fail(
        'only-what-is-over-is-lost',
        planId,
        `${from.name} said that s${ordinal} epoch ${epoch} is lost, and the ledger has it ${step.status}`,
      );
  }

  private checkConfirmed(from: Process, term: number, lease: LeaseKey): void {
    const { planId, ordinal, epoch } = lease;
    const step = this.stepOf(planId, ordinal);
    const known = step?.epochs.get(epoch);
    const isOpen = step?.epoch === epoch && isInFlight(step);
    const holds = isOpen && known && (known.worker === null || isHolder(known, lease));
    if (holds) {
      const confirmed = { term, atMs: this.nowMs(), saidAt: from.clock.now() };
      this.confirmed.set(`${planId}/${ordinal}/${epoch}`, confirmed);
    }
    if (!holds && this.isUpToDate(from, term, planId))
      this.fail(
        'a-zombie-is-told',
        planId,
        `${from.name} confirmed s${ordinal} epoch ${epoch} to ${lease.worker}, who does not hold it`,
      );
  }

  /** `applied` is only said of what is in the ledger. */
  private checkApplied({ verb, text }: Asked): void {
    const message = JSON.parse(text) as { lease: LeaseKey; attempt?: number };
    const { planId, ordinal, epoch } = message.lease;
    const step = this.stepOf(planId, ordinal);
    const known = step?.epochs.get(epoch);
    if (!step || !known || !isHolder(known, message.lease))
      return this.fail(
        'answers-follow-commits',
        planId,
        `a ${verb} for s${ordinal} epoch ${epoch} was answered as applied, and its lease is not in the ledger`,
      );
    const problem = problemOf(verb, message.attempt ?? 0, step, known);
    if (problem)
      this.fail(
        'answers-follow-commits',
        planId,
        `a ${verb} for s${ordinal} epoch ${epoch} was answered as applied: ${problem}`,
      );
  }

  private stepOf(planId: string, ordinal: number): StepRecord | undefined {
    return this.ledger.plans.get(planId)?.steps[ordinal];
  }

  private fail(promise: string, planId: string, message: string): void {
    throw new Violation(promise, `plan ${planId}: ${message}`, planId);
  }
}

function problemOf(verb: string, attempt: number, step: StepRecord, { end }: EpochRecord): string | null {
  // Repeated after the lease ended through another message of its own.
  const ended = end === 'passed' || end === 'reported' || end === 'blocked' || end === 'released';
  switch (verb) {
    case 'attempt':
      return step.attempts >= attempt || ended ? null : `the ledger has ${step.attempts} attempts`;
    case 'result':
      return end === 'passed' || end === 'reported' || end === 'blocked' ? null : `the epoch ended as ${end}`;
    case 'release':
      return ended ? null : `the epoch ended as ${end}`;
    default:
      return null;
  }
}

/** Worker and token: one without the other is nobody. */
function isHolder(known: EpochRecord, { worker, token }: LeaseKey): boolean {
  return known.worker === worker && known.tokenDigest === digestOf(token);
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** By their names: `r1.2` is the second process of replica r1. */
function isReplica({ name }: Process): boolean {
  return name.startsWith('r') && name !== 'rogue';
}
