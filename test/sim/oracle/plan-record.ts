import type { ForkedFrom, IntegrationAccepted, PlanDefinition, PlanEvent, StepDefinition } from '#domain';
import { checkFork, isSame } from './fork-check.ts';
import {
  epochOf,
  isAfterwards,
  isInFlight,
  isMet,
  isOpen,
  newStep,
  type EpochRecord,
  type RecordedStatus,
  type StepRecord,
} from './step-record.ts';
import { Violation } from './violation.ts';

export type PlanStatus = 'running' | 'completed' | 'halted' | 'cancelled';

/** What a record asks of all others. */
export interface Surrounding {
  /** False: no step may go that way. */
  moved(from: RecordedStatus, to: RecordedStatus): boolean;
  plan(planId: string): PlanRecord | undefined;
}

/** Why a dead letter is redriven: that is how a redrive is told from a retry. */
export const REDRIVE = 'redrive';

type EventOf<T extends PlanEvent['type']> = Extract<PlanEvent, { type: T }>['data'];

/**
 * One plan as its events alone tell it, written anew from the contract and knowing nothing of libs/domain: what an
 * event may follow is checked when it comes.
 */
export class PlanRecord {
  definition: PlanDefinition | null = null;
  tenant = '';
  digest = '';
  status: PlanStatus = 'running';
  closed = false;
  paused = false;
  expanded = false;
  submittedAt = 0;
  readonly steps: StepRecord[] = [];
  /** By definition: whether its steps are known. */
  private readonly known: boolean[] = [];
  accepted: IntegrationAccepted | null = null;
  published = false;
  ended = 0;
  reopenings = 0;
  /** Of the last event. */
  seq = 0;
  private forkedFrom: ForkedFrom | null = null;

  constructor(
    readonly planId: string,
    /** When its first event was committed (true ms). */
    readonly beganMs: number,
    /** Deciders' wall clocks do not jump: what is recorded later is later. */
    private readonly strictTime: boolean,
    private readonly around: Surrounding,
  ) {}

  get inFlight(): StepRecord[] {
    return this.steps.filter(isInFlight);
  }

  get deadlineAt(): number | null {
    const deadline = this.definition?.deadline;
    if (!deadline) return null;
    return 'at' in deadline ? Date.parse(deadline.at) : this.submittedAt + deadline.afterMs;
  }

  /** One append, as a whole: some promises hold for it and not for each of its events. */
  append(events: readonly PlanEvent[], at: number): void {
    events.forEach((event, index) => {
      this.seq += 1;
      this.apply(event, at);
      this.checkPair(event, events[index + 1]);
    });
  }

  /** The steps that a person may retry, skip or kill. */
  candidates(verb: string): number[] {
    const fits = (step: StepRecord): boolean => {
      if (verb === 'retry' || verb === 'redrive')
        return step.status === 'blocked' || step.status === 'poisoned';
      if (verb === 'kill') return step.status === 'leased';
      return step.instance.definition !== null && !isMet(step) && step.status !== 'cancelled';
    };
    return this.steps.filter(fits).map(({ instance }) => instance.ordinal);
  }

  private apply(event: PlanEvent, at: number): void {
    if (this.definition === null && event.type !== 'plan.submitted')
      this.fail('events-follow-submission', `${event.type} before plan.submitted`);
    if (this.closed && event.type !== 'plan.reopened')
      this.fail('nothing-after-close', `${event.type} after plan.closed`);
    switch (event.type) {
      case 'plan.submitted':
        return this.submitted(event.data, at);
      case 'plan.expanded':
        return this.planExpanded(event.data);
      case 'steps.expanded':
        return this.stepsExpanded(event.data);
      case 'steps.freed':
        return this.freed(event.data.definition);
      case 'wait.started':
        return this.waitStarted(event.data);
      case 'step.admitted':
        return this.admitted(event.data, at);
      case 'lease.granted':
        return this.granted(event.data);
      case 'lease.lost':
        return this.leaseLost(event.data);
      case 'lease.released':
        return this.leaseReleased(event.data);
      case 'attempt.finished':
        return this.attemptFinished(event.data);
      case 'result.late':
        return this.late(event.data);
      case 'step.passed':
        return this.passed(event.data, at);
      case 'step.blocked':
        return this.blocked(event.data);
      case 'step.poisoned':
        return this.poisoned(event.data);
      case 'step.cancelled':
        return this.fail('known-event', 'step.cancelled is never recorded: the plan cancels its steps');
      case 'step.skipped':
        return this.skipped(event.data);
      case 'integration.accepted':
        return this.integrationAccepted(event.data);
      case 'integration.published':
        return this.integrationPublished(event.data);
      case 'report.published':
        return this.reported(event.data);
      case 'plan.paused':
        this.paused = true;
        return;
      case 'plan.resumed':
        this.paused = false;
        return;
      case 'plan.reopened':
        return this.reopened();
      case 'step.reopened':
        return this.stepReopened(event.data);
      case 'plan.cancelled':
        this.end('cancelled');
        return this.cancelOpen();
      case 'plan.halted':
        return this.halted(event.data, at);
      case 'plan.completed':
        return this.completed();
      case 'plan.closed':
        return this.close();
    }
  }

  private submitted(data: EventOf<'plan.submitted'>, at: number): void {
    if (this.definition) this.fail('submitted-once', 'plan.submitted for the second time');
    this.definition = data.definition;
    this.tenant = data.tenant;
    this.digest = data.digest;
    this.submittedAt = at;
    this.forkedFrom = data.forkedFrom ?? null;
    if (data.forkedFrom)
      checkFork(data.forkedFrom, this.around, (message) => this.fail('forks-take-over', message));
    data.definition.steps.forEach((step, index) => (this.known[index] = step.matrix?.kind !== 'from'));
    if (!data.definition.repo) return;
    this.add({ ordinal: 0, name: 'resolve', kind: 'resolve', definition: null, matrix: null });
    this.move(this.steps[0] as StepRecord, 'ready');
  }

  private planExpanded({ steps }: EventOf<'plan.expanded'>): void {
    if (this.expanded) this.fail('expanded-once', 'plan.expanded for the second time');
    this.expanded = true;
    for (const instance of steps) this.add(instance);
    for (const kind of ['baseline', 'report'] as const) {
      const step = this.system(kind);
      if (step) this.move(step, 'ready');
    }
    this.spread();
  }

  private stepsExpanded({ definition, steps }: EventOf<'steps.expanded'>): void {
    if (this.known[definition]) this.fail('expanded-once', `the steps of definition ${definition} twice`);
    this.checkNeeds(definition, 'a fan-out was decided');
    this.known[definition] = true;
    for (const instance of steps) this.add(instance);
    // Nothing in it: met at once.
    if (steps.length === 0) this.spread();
  }

  private freed(definition: number): void {
    this.checkNeeds(definition, 'its conditions were judged');
    for (const step of this.stepsOf(definition)) if (step.status === 'waiting') this.move(step, 'ready');
  }

  private waitStarted({ ordinal, until }: EventOf<'wait.started'>): void {
    const step = this.step(ordinal);
    if (step.instance.kind !== 'wait' || step.status !== 'waiting')
      this.fail('wait-once', `a wait began for s${ordinal}, which is ${step.status}`);
    this.checkNeeds(step.instance.definition as number, 'a wait began');
    step.notBefore = Date.parse(until);
    this.move(step, 'sleeping');
  }

  private admitted({ ordinal, epoch }: EventOf<'step.admitted'>, at: number): void {
    const step = this.step(ordinal);
    const { kind, definition } = step.instance;
    if (step.status !== 'ready')
      this.fail('admits-what-is-ready', `s${ordinal} was admitted while ${step.status}`);
    if (epoch !== step.epoch + 1)
      this.fail('epochs-only-grow', `s${ordinal}: epoch ${epoch} after ${step.epoch}`);
    if (this.strictTime && at < step.notBefore)
      this.fail('waits-its-backoff', `s${ordinal} was admitted ${step.notBefore - at} ms before its time`);
    if (this.paused && this.status === 'running')
      this.fail('pause-admits-nothing', `s${ordinal} was admitted while paused`);
    if (this.status !== 'running' && !isAfterwards(step))
      this.fail('admits-only-running-plans', `s${ordinal} was admitted after the plan was ${this.status}`);
    if (kind === 'clean' && this.status === 'running')
      this.fail('cleans-at-the-end', 'the clean step was admitted in mid-plan');
    if (kind === 'publish' && !this.accepted)
      this.fail('publishes-what-is-accepted', 'publish before integration.accepted');
    if (kind === 'integrate' && !this.allMet())
      this.fail('needs-are-met', 'integrate was admitted with steps unmet');
    if (definition !== null) this.checkNeeds(definition, `s${ordinal} was admitted`);
    if (this.forkedFrom?.results[step.instance.name])
      this.fail('forks-take-over', `s${ordinal} is done again, though its result was taken over`);
    step.epoch = epoch;
    step.notBefore = 0;
    step.epochs.set(epoch, { attemptsBefore: step.attempts, worker: null, tokenDigest: null, end: null });
    this.move(step, 'admitted');
  }

  private granted({ ordinal, epoch, worker, tokenDigest }: EventOf<'lease.granted'>): void {
    const step = this.current(ordinal, epoch, 'lease.granted');
    const record = epochOf(step) as EpochRecord;
    if (step.status !== 'admitted' || record.worker !== null)
      this.fail('first-claim-binds', `s${ordinal} epoch ${epoch} was granted twice`);
    record.worker = worker;
    record.tokenDigest = tokenDigest;
    this.move(step, 'leased');
  }

  private leaseLost(data: EventOf<'lease.lost'>): void {
    const { ordinal, epoch, worker, counts, reason } = data;
    const step = this.current(ordinal, epoch, 'lease.lost');
    if ((epochOf(step)?.worker ?? null) !== worker)
      this.fail('loses-the-holder', `s${ordinal}: ${worker} lost what ${epochOf(step)?.worker} held`);
    if (counts && worker === null && reason.code !== 'never-claimed' && reason.code !== 'job-unsendable')
      this.fail(
        'queueing-poisons-nobody',
        `s${ordinal} epoch ${epoch} counts as lost, and nobody had claimed it`,
      );
    if (counts) step.losses += 1;
    this.endEpoch(step, 'lost');
    step.notBefore = data.notBefore === null ? 0 : Date.parse(data.notBefore);
    this.move(step, 'ready');
  }

  private leaseReleased(data: EventOf<'lease.released'>): void {
    const step = this.held(data, 'lease.released');
    this.endEpoch(step, 'released');
    step.notBefore = data.notBefore === null ? 0 : Date.parse(data.notBefore);
    this.move(step, 'ready');
  }

  private attemptFinished(data: EventOf<'attempt.finished'>): void {
    const step = this.held(data, 'attempt.finished');
    if (data.attempt !== step.attempts + 1)
      this.fail('attempts-are-counted', `s${data.ordinal}: attempt ${data.attempt} after ${step.attempts}`);
    step.attempts = data.attempt;
    if (step.attempts > step.attemptsAllowed)
      this.fail(
        'attempts-are-counted',
        `s${data.ordinal}: attempt ${data.attempt} of ${step.attemptsAllowed}`,
      );
  }

  private late({ ordinal, epoch }: EventOf<'result.late'>): void {
    const step = this.step(ordinal);
    if (epoch > step.epoch)
      this.fail('late-is-late', `s${ordinal}: epoch ${epoch} is recorded as late before it began`);
    if (step.late.has(epoch)) this.fail('late-once', `s${ordinal}: epoch ${epoch} is recorded as late twice`);
    step.late.add(epoch);
  }

  private passed(data: EventOf<'step.passed'>, at: number): void {
    const { ordinal, epoch, worker, tokenDigest } = data;
    const step = this.step(ordinal);
    step.passes += 1;
    step.passedSeq = this.seq;
    if (step.passes > 1) this.fail('passes-once', `s${ordinal} passed ${step.passes} times`);
    if (data.takenFrom !== undefined) this.passedByTakeOver(step, data);
    else if (worker === null || tokenDigest === null) this.passedByClock(step, at);
    else {
      this.current(ordinal, epoch, 'step.passed');
      const record = epochOf(step) as EpochRecord;
      if (record.worker === null) Object.assign(record, { worker, tokenDigest });
      if (record.worker !== worker || record.tokenDigest !== tokenDigest)
        this.fail(
          'only-the-lease-counts',
          `s${ordinal} epoch ${epoch}: a result of ${worker} under another lease was applied`,
        );
      this.endEpoch(step, 'passed');
    }
    step.outputs = data.outputs;
    step.commit = data.commit;
    this.move(step, 'passed');
    this.spread();
  }

  private passedByTakeOver(step: StepRecord, { takenFrom, commit, outputs }: EventOf<'step.passed'>): void {
    const { name } = step.instance;
    const taken = this.forkedFrom?.results[name];
    const isSo =
      taken &&
      takenFrom === this.forkedFrom?.planId &&
      isSame(taken.commit, commit) &&
      isSame(taken.outputs, outputs);
    if (!isSo || step.epoch > 0)
      this.fail('forks-take-over', `${name} was taken over from ${takenFrom}, wrongly`);
  }

  private passedByClock(step: StepRecord, at: number): void {
    const { ordinal, kind } = step.instance;
    if (kind !== 'wait' || step.status !== 'sleeping')
      this.fail(
        'only-waits-pass-by-clock',
        `s${ordinal}, a ${kind} that is ${step.status}, passed by itself`,
      );
    if (at < step.notBefore)
      this.fail('waits-its-time', `s${ordinal} woke ${step.notBefore - at} ms too early`);
  }

  private blocked({ ordinal, epoch }: EventOf<'step.blocked'>): void {
    const step = this.step(ordinal);
    if (!isOpen(step) || step.status === 'sleeping')
      this.fail('ends-once', `s${ordinal} was blocked while ${step.status}`);
    if (epoch !== step.epoch)
      this.fail('only-the-lease-counts', `s${ordinal} was blocked by epoch ${epoch}, not ${step.epoch}`);
    if (isInFlight(step)) this.endEpoch(step, 'blocked');
    this.move(step, 'blocked');
    this.spread();
  }

  private poisoned({ ordinal }: EventOf<'step.poisoned'>): void {
    const step = this.step(ordinal);
    const max = this.definition?.maxLeases ?? 0;
    if (step.status !== 'ready') this.fail('ends-once', `s${ordinal} was poisoned while ${step.status}`);
    if (step.losses !== max)
      this.fail('poisons-at-max-leases', `s${ordinal} was poisoned after ${step.losses} of ${max} losses`);
    step.wasPoisoned = true;
    this.move(step, 'poisoned');
    this.spread();
  }

  private skipped({ ordinal }: EventOf<'step.skipped'>): void {
    const step = this.step(ordinal);
    if (isMet(step) || step.status === 'cancelled')
      this.fail('ends-once', `s${ordinal} was skipped while ${step.status}`);
    if (isInFlight(step)) this.endEpoch(step, 'skipped');
    this.move(step, 'skipped');
    this.spread();
  }

  private integrationAccepted(data: EventOf<'integration.accepted'>): void {
    if (this.status !== 'running')
      this.fail(
        'accepts-only-running-plans',
        `an integration was accepted after the plan was ${this.status}`,
      );
    const { ordinal, ...accepted } = data;
    this.accepted = { ordinal, ...accepted };
    const publish = this.system('publish');
    if (publish) this.move(publish, 'ready');
  }

  private integrationPublished({ sha }: EventOf<'integration.published'>): void {
    if (this.accepted?.commit.sha !== sha)
      this.fail('publishes-what-is-accepted', `${sha} was published, not what was accepted`);
    this.published = true;
  }

  private reported(data: EventOf<'report.published'>): void {
    const { ordinal, epoch } = data;
    const step = this.current(ordinal, epoch, 'report.published');
    this.endEpoch(step, 'reported');
    // After the plan's end the last page is written at once.
    step.notBefore = Date.parse(data.notBefore);
    this.move(step, 'ready');
  }

  private reopened(): void {
    if (this.status !== 'halted')
      this.fail('reopens-what-halted', `a plan that is ${this.status} was reopened`);
    this.status = 'running';
    this.reopenings += 1;
    this.closed = false;
    const clean = this.system('clean');
    if (clean && isInFlight(clean))
      this.fail('reopens-what-is-not-cleaned', 'the plan was reopened while it was cleaned up');
    if (clean) {
      clean.passes = 0;
      if (clean.status !== 'waiting') this.move(clean, 'waiting');
    }
    const report = this.system('report');
    if (report && isMet(report)) {
      report.passes = 0;
      this.move(report, 'ready');
    }
  }

  private stepReopened({ ordinal, attempts, why, notBefore }: EventOf<'step.reopened'>): void {
    const step = this.step(ordinal);
    if (why === REDRIVE && step.status !== 'poisoned')
      this.fail('redrives-dead-letters', `s${ordinal} was redriven while ${step.status}`);
    if (step.status !== 'blocked' && step.status !== 'poisoned')
      this.fail('reopens-what-failed', `s${ordinal} was reopened while ${step.status}`);
    if (attempts < step.attempts)
      this.fail('attempts-are-counted', `s${ordinal}: ${attempts} allowed, ${step.attempts} used`);
    step.attemptsAllowed = attempts;
    step.losses = 0;
    step.notBefore = notBefore === undefined ? 0 : Date.parse(notBefore);
    this.move(step, 'ready');
  }

  private halted({ cancelsOpen, reason }: EventOf<'plan.halted'>, at: number): void {
    this.end('halted');
    if (cancelsOpen) {
      const { deadlineAt } = this;
      if (reason.code === 'deadline-passed' && (deadlineAt === null || at < deadlineAt))
        this.fail('deadline-is-kept', 'the plan was halted before its deadline');
      return this.cancelOpen();
    }
    for (const step of this.steps) {
      if (isAfterwards(step) || !isOpen(step)) continue;
      const { ordinal, definition } = step.instance;
      if (step.status !== 'waiting')
        this.fail('halts-when-nothing-moves', `the plan halted with s${ordinal} ${step.status}`);
      if (definition !== null && this.needsMet(definition))
        this.fail(
          'halts-when-nothing-moves',
          `the plan halted, and s${ordinal} could go on: its needs are met`,
        );
    }
  }

  private completed(): void {
    this.end('completed');
    if (!this.allMet() || this.steps.some((step) => !isAfterwards(step) && !isMet(step)))
      this.fail('completes-when-all-is-met', 'the plan was completed with steps that are not met');
    if (this.accepted && !this.published && this.system('publish')?.status !== 'skipped')
      this.fail('completes-when-all-is-met', 'the plan was completed and its integration not published');
  }

  private close(): void {
    if (this.status === 'running') this.fail('closes-after-the-end', 'a running plan was closed');
    const open = this.steps.find((step) => isOpen(step) && step.status !== 'waiting');
    if (open)
      this.fail('closes-after-the-end', `the plan was closed with s${open.instance.ordinal} ${open.status}`);
    this.closed = true;
  }

  private end(as: PlanStatus): void {
    if (this.status !== 'running') this.fail('ends-once', `the plan was ${as} after it was ${this.status}`);
    this.status = as;
    this.ended += 1;
    this.paused = false;
    const report = this.system('report');
    if (report?.status === 'ready') report.notBefore = 0;
    if (!report || !isOpen(report)) this.toClean();
  }

  private cancelOpen(): void {
    for (const step of this.steps) {
      if (!isOpen(step) || isAfterwards(step)) continue;
      if (isInFlight(step)) this.endEpoch(step, 'cancelled');
      this.move(step, 'cancelled');
    }
  }

  private toClean(): void {
    const clean = this.system('clean');
    if (clean?.status === 'waiting') this.move(clean, 'ready');
  }

  /** What must be said in the same append. */
  private checkPair(event: PlanEvent, next: PlanEvent | undefined): void {
    if (event.type === 'attempt.finished') {
      const { ordinal, verdict } = event.data;
      const step = this.step(ordinal);
      const wanted = verdict === 'accepted' ? 'step.passed' : 'step.blocked';
      const ends = verdict === 'accepted' || step.attempts >= step.attemptsAllowed;
      if (ends && !(next?.type === wanted && next.data.ordinal === ordinal))
        this.fail(
          'attempts-are-counted',
          `the last attempt of s${ordinal} was ${verdict} and is not followed by ${wanted}`,
        );
    }
    if (event.type === 'lease.lost' && event.data.counts) {
      const { ordinal } = event.data;
      const isLast = this.step(ordinal).losses >= (this.definition?.maxLeases ?? 0);
      if (isLast && next?.type !== 'step.poisoned')
        this.fail('poisons-at-max-leases', `s${ordinal} lost its last lease and is not poisoned`);
    }
  }

  /** The lease that an event names must be the one that holds the step. */
  private held(data: { ordinal: number; epoch: number; worker: string | null }, what: string): StepRecord {
    const step = this.current(data.ordinal, data.epoch, what);
    if (step.status !== 'leased' || epochOf(step)?.worker !== data.worker)
      this.fail(
        'only-the-lease-counts',
        `${what} of s${data.ordinal} by ${data.worker}, held by ${epochOf(step)?.worker}`,
      );
    return step;
  }

  private current(ordinal: number, epoch: number, what: string): StepRecord {
    const step = this.step(ordinal);
    if (!isInFlight(step) || step.epoch !== epoch)
      this.fail(
        'only-the-lease-counts',
        `${what} of s${ordinal} epoch ${epoch}: it is ${step.status} in epoch ${step.epoch}`,
      );
    return step;
  }

  private endEpoch(step: StepRecord, end: EpochRecord['end']): void {
    const record = epochOf(step);
    if (record) record.end = end;
  }

  private add(instance: StepRecord['instance']): void {
    if (this.steps[instance.ordinal] || instance.ordinal > this.steps.length)
      this.fail('ordinals-are-unique', `s${instance.ordinal} after ${this.steps.length} steps`);
    const attempts =
      instance.definition === null ? 0 : (this.definitionAt(instance.definition)?.attempts ?? 0);
    this.steps[instance.ordinal] = newStep(instance, attempts);
  }

  private step(ordinal: number): StepRecord {
    const step = this.steps[ordinal];
    if (!step) this.fail('ordinals-are-unique', `there is no s${ordinal}`);
    return step;
  }

  private system(kind: StepRecord['instance']['kind']): StepRecord | undefined {
    return this.steps.find((step) => step.instance.kind === kind && step.instance.definition === null);
  }

  private stepsOf(definition: number): StepRecord[] {
    return this.steps.filter((step) => step.instance.definition === definition);
  }

  private definitionAt(index: number): StepDefinition | undefined {
    return this.definition?.steps[index];
  }

  private checkNeeds(definition: number, what: string): void {
    if (!this.needsMet(definition))
      this.fail(
        'needs-are-met',
        `${what} of ${this.definitionAt(definition)?.name} before its needs were met`,
      );
  }

  private needsMet(definition: number): boolean {
    const baseline = this.system('baseline');
    if (!this.expanded || (baseline && !isMet(baseline))) return false;
    const needs = this.definitionAt(definition)?.needs ?? [];
    return needs.every((need) => this.isGroupMet(this.indexOf(need)));
  }

  private isGroupMet(definition: number): boolean {
    if (!this.known[definition]) return false;
    const steps = this.stepsOf(definition);
    // A matrix over nothing is met as soon as its own needs are.
    return steps.length === 0 ? this.needsMet(definition) : steps.every(isMet);
  }

  private allMet(): boolean {
    return (this.definition?.steps ?? []).every((_step, index) => this.isGroupMet(index));
  }

  private indexOf(name: string): number {
    return this.definition?.steps.findIndex((step) => step.name === name) ?? -1;
  }

  /** Steps that became ready of themselves, without an event of their own: those whose needs are met now. */
  private spread(): void {
    for (const step of this.steps) {
      const { kind, definition } = step.instance;
      if (step.status !== 'waiting' || this.status !== 'running') continue;
      if (kind === 'integrate' && definition === null && this.allMet()) this.move(step, 'ready');
      if (definition === null || this.isJudged(definition) || !this.needsMet(definition)) continue;
      this.move(step, 'ready');
    }
    const report = this.system('report');
    if (this.status !== 'running' && report && !isOpen(report)) this.toClean();
  }

  /** Its steps are freed by an event. */
  private isJudged(definition: number): boolean {
    const step = this.definitionAt(definition);
    return step?.when !== null || step.work.kind === 'wait' || step.matrix?.kind === 'from';
  }

  private move(step: StepRecord, to: RecordedStatus): void {
    if (!this.around.moved(step.status, to))
      this.fail('known-transition', `s${step.instance.ordinal} went from ${step.status} to ${to}`);
    step.status = to;
  }

  private fail(promise: string, message: string): never {
    throw new Violation(promise, `plan ${this.planId}: ${message}`, this.planId);
  }
}
