import {
  Fleet,
  explainStep,
  formatOrdinal,
  type Expressions,
  type FleetCaps,
  type LimitsInput,
  type LimitsReply,
  type Place,
  type PlanInput,
  type PlanReply,
  type PlanState,
  type StepWait,
} from '#domain';
import type { Announcement, HeartbeatMessage, HeartbeatReply } from '#contracts';
import {
  Announcer,
  DeadLetters,
  DeciderServer,
  JobQueue,
  signalWorker,
  type Bus,
  type ServedTerm,
} from '#bus';
import type { Ledger } from '#ledger';
import type { PlanAlert } from '#paging';
import { count, type Logger } from '#telemetry';
import { measureCommitted } from '../measuring/committed-events.ts';
import { observeDecider } from '../measuring/decider-readings.ts';
import { DeadLetterCopies } from '../publishing/dead-letter-copies.ts';
import { JobDispatcher } from '../publishing/job-dispatcher.ts';
import { repeat, type Clock } from './clock.ts';
import { DecisionLoop, type Committed } from './decision-loop.ts';
import { NotDeciderError } from './errors.ts';
import { FleetLimits } from './fleet-limits.ts';
import { LeaseTable } from './lease-table.ts';
import {
  attemptInput,
  claimInput,
  deciderReply,
  digestToken,
  releaseInput,
  resultInput,
} from './messages.ts';
import { OpenPlans } from './open-plans.ts';
import { planAlerts } from './plan-alerts.ts';
import { Sweeper } from './sweeper.ts';
import { WorkerRoster } from './worker-roster.ts';

export interface DeciderOptions {
  name: string;
  ledger: Ledger;
  bus: Bus;
  clock: Clock;
  /** 0 to 1: the jitter of what is tried again (default Math.random). */
  random?: () => number;
  log: Logger;
  caps: FleetCaps;
  expressions: Expressions;
  /** Pools that have a queue from the start; others follow from plans and workers. */
  pools: string[];
  leaseMs: number;
  claimTimeoutMs: number;
  maxSteps: number;
  trustedTenants: readonly string[];
  /** Whether the term is surely this replica's: renewed in time. */
  isSure: () => boolean;
  /** progress.md of a plan, as of its head. */
  page: (planId: string, seq: number) => Promise<string>;
  /** What a standby forwards. */
  onCommand: (message: unknown, traceparent: string | null) => Promise<unknown>;
  /** Called after each commit, with the plans that changed: wakes projections, writes overview traces, pages. */
  onCommitted: (committed: Committed[]) => void;
  /** Called with each sweep, with all that is wrong with plans and no event says. */
  onAlerts?: (alerts: PlanAlert[]) => void;
}

/**
 * One replica's time as decider: built when a term begins, thrown away when it ends. Everything in it is rebuilt from
 * the ledger; nothing outlives it.
 */
export class Decider {
  readonly plans: OpenPlans;
  readonly fleet: Fleet;
  readonly limits: FleetLimits;
  readonly roster: WorkerRoster;
  private readonly leases: LeaseTable;
  private readonly queue: JobQueue;
  private readonly dispatcher: JobDispatcher;
  private readonly loop: DecisionLoop;
  private readonly sweeper: Sweeper;
  private readonly announcer: Announcer;
  private readonly copies: DeadLetterCopies;
  private served: ServedTerm | null = null;
  private unsubscribe: () => void = () => undefined;
  private stopped = false;
  /** The jobs of all plans are to be published as soon as there is a queue. */
  private mustResume = false;
  private stopQueueChecks: () => void = () => undefined;
  private readonly random: () => number;
  /** Plans that stand still because nobody can make a state of them. */
  private readonly unreadable = new Set<string>();

  constructor(
    readonly term: number,
    private readonly o: DeciderOptions,
    onDeposed: () => void,
  ) {
    this.random = o.random ?? Math.random;
    this.fleet = new Fleet(o.caps);
    this.plans = new OpenPlans(o.ledger, this.fleet, {
      onRead: (plan) => this.takeUp(plan),
      onUnreadable: (error) => {
        this.unreadable.add(error.planId);
        count('plansUnreadable', {});
        o.log.error({ err: error, planId: error.planId, alert: 'plan-unreadable' }, 'A plan stands still');
      },
    });
    this.limits = new FleetLimits({
      term,
      ledger: o.ledger,
      fleet: this.fleet,
      log: o.log,
      isOpen: (planId) => this.plans.mayBeOpen(planId),
      onChanged: () => o.onCommitted([]),
    });
    this.leases = new LeaseTable(o.leaseMs);
    this.roster = new WorkerRoster(Math.max(o.leaseMs, 5_000));
    this.queue = new JobQueue({ bus: o.bus, leaseMs: o.leaseMs });
    this.dispatcher = new JobDispatcher(
      {
        queue: this.queue,
        clock: o.clock,
        log: o.log,
        claimTimeoutMs: o.claimTimeoutMs,
        maxSteps: o.maxSteps,
        trusted: (tenant) => o.trustedTenants.includes(tenant),
        onUnsendable: (planId, ordinal, epoch, message) =>
          this.poisonUnsendable(planId, ordinal, epoch, message),
        onUnworkable: (planId, ordinal, epoch, reason) =>
          void this.loop
            .submit(planId, { kind: 'unworkable', ordinal, epoch, reason }, null)
            .catch(() => undefined),
        page: o.page,
        isUncommitted: (planId) => this.loop.isUncommitted(planId),
        isInCharge: () => this.isInCharge,
        poolsInUse: () => new Set([...this.roster.pools(), ...this.fleet.poolsInFlight()]),
        onNeverClaimed: (planId, ordinal, epoch, deliveries) =>
          this.loseUnclaimed(planId, ordinal, epoch, deliveries),
      },
      ['default', ...o.pools],
    );
    this.loop = new DecisionLoop({
      term,
      ledger: o.ledger,
      plans: this.plans,
      fleet: this.fleet,
      limits: this.limits,
      slots: () => this.roster.slots(),
      clock: o.clock,
      expressions: o.expressions,
      log: o.log,
      onCommitted: (committed) => this.afterCommit(committed),
      onDeposed,
    });
    this.copies = new DeadLetterCopies({
      ledger: o.ledger,
      letters: new DeadLetters({ bus: o.bus }),
      clock: o.clock,
      log: o.log,
      isUncommitted: (planId) => this.loop.isUncommitted(planId) || this.plans.mustReload,
      jobFacts: ({ submitted }) => ({
        trusted: o.trustedTenants.includes(submitted!.tenant),
        traceparent: submitted!.traceparent,
        maxSteps: o.maxSteps,
      }),
    });
    this.sweeper = new Sweeper({
      clock: o.clock,
      fleet: this.fleet,
      plans: this.plans,
      leases: this.leases,
      roster: this.roster,
      loop: this.loop,
      dispatcher: this.dispatcher,
      leaseMs: o.leaseMs,
      hears: () => o.bus.connected,
      isSure: o.isSure,
      random: this.random,
      onStuck: (planIds) => o.onAlerts?.(planAlerts(planIds, this.unreadable)),
      log: o.log,
    });
    this.announcer = new Announcer({ bus: o.bus, announcement: () => this.announcement() });
  }

  /** Reads the open plans, then listens and decides. */
  async start(): Promise<void> {
    const recovered = await this.plans.recover();
    await this.limits.settle(this.o.clock.now());
    const now = this.o.clock.monotonic();
    for (const plan of this.plans.all()) {
      this.leases.adopt(plan, now);
      this.copies.resume(plan);
    }
    await this.keepQueue(true);
    this.served = new DeciderServer({ bus: this.o.bus }).serve(this.term, {
      claim: async (message, meta) =>
        this.decided(message.lease.planId, claimInput(message), meta.traceparent),
      attempt: async (message, meta) =>
        this.decided(message.lease.planId, attemptInput(message), meta.traceparent),
      result: async (message, meta) =>
        this.decided(message.lease.planId, resultInput(message), meta.traceparent),
      release: async (message, meta) =>
        this.decided(message.lease.planId, releaseInput(message, this.random()), meta.traceparent),
      heartbeat: (message) => this.heartbeat(message),
      command: (message, meta) => this.o.onCommand(message, meta.traceparent),
    });
    this.announcer.start();
    const offReconnect = this.o.bus.onStatus((status) => {
      if (status === 'reconnected') void this.keepQueue(true);
    });
    const offHint = this.queue.onLeaseHint(() => void this.sweeper.sweep().catch(() => undefined));
    const offReadings = this.observe();
    this.unsubscribe = () => {
      offReadings();
      offReconnect();
      offHint();
    };
    this.loop.start();
    this.sweeper.start();
    this.loop.admitSoon();
    this.stopQueueChecks = repeat(this.o.clock, QUEUE_CHECK_MS, () => void this.keepQueue(false));
    this.o.log.info({ term: this.term, openPlans: recovered, leases: this.leases.size }, 'Deciding');
  }

  submit(planId: string, input: PlanInput, traceparent: string | null): Promise<PlanReply> {
    return this.loop.submit(planId, input, traceparent);
  }

  /** Changes limits of the whole fleet; what is lowered below what is in use kills nothing. */
  changeLimits(input: LimitsInput, traceparent: string | null): Promise<LimitsReply> {
    return this.loop.changeLimits(input, traceparent);
  }

  /** In one sentence each, what the plan's open steps wait for. Key: `s17`. At most `limit` of them. */
  explain(planId: string, limit: number): Record<string, string> {
    const plan = this.plans.cached(planId);
    const waits: Record<string, string> = {};
    if (!plan) return waits;
    let left = limit;
    const slots = this.roster.slots();
    const places = new Map<string, Place | null>();
    for (const { instance } of plan.steps) {
      if (left === 0) break;
      const now = this.o.clock.now();
      const wait = explainStep(this.fleet, plan, instance.ordinal, now, slots, { places });
      if (!wait) continue;
      waits[formatOrdinal(instance.ordinal)] = wait.text;
      left -= 1;
    }
    return waits;
  }

  /** What one step waits for, with the limit that holds it and the place in line; null: nothing, or no such step. */
  explainStep(planId: string, ordinal: number): StepWait | null {
    const plan = this.plans.cached(planId);
    if (!plan?.steps[ordinal]) return null;
    const now = this.o.clock.now();
    return explainStep(this.fleet, plan, ordinal, now, this.roster.slots(), { counting: true });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.stopQueueChecks();
    this.announcer.stop();
    this.copies.stop();
    this.unsubscribe();
    await this.sweeper.stop();
    await this.loop.stop();
    await this.served?.stop();
    this.queue.close();
  }

  private observe(): () => void {
    return observeDecider({
      term: this.term,
      isSure: this.o.isSure,
      now: () => this.o.clock.now(),
      plans: () => this.plans.all(),
      stuck: () => this.sweeper.stuckPlans,
      workers: () => this.roster.list(),
      slots: () => this.roster.slots(),
      limits: () => this.fleet.limits(),
      waiting: () => this.loop.waiting,
      unclaimed: () => this.dispatcher.unclaimedJobs,
    });
  }

  /** What is lost needs no commit, so that the ledger says nothing of the term: a deposed decider would take work away. */
  private async decided(planId: string, input: PlanInput, traceparent: string | null) {
    const reply = await this.loop.submit(planId, input, traceparent);
    if (reply.status === 'lost' && !this.isInCharge) throw new NotDeciderError();
    return deciderReply(reply);
  }

  private announcement(): Announcement | null {
    const generation = this.queue.generation;
    if (generation === null) return null;
    const { leaseMs, name: decider } = this.o;
    return { term: this.term, decider, generation, pools: this.dispatcher.pools, leaseMs };
  }

  private heartbeat(message: HeartbeatMessage): HeartbeatReply {
    const now = this.o.clock.monotonic();
    if (this.roster.heard(message, now)) this.loop.admitSoon();
    if (this.dispatcher.wantPools(message.pools)) void this.keepQueue(false, true);
    const lost = message.leases.flatMap((lease) => {
      const reason = this.whyLost(message.worker, lease, now);
      return reason === null
        ? []
        : [{ planId: lease.planId, ordinal: lease.ordinal, epoch: lease.epoch, reason }];
    });
    const { term } = this;
    const { leaseMs } = this.o;
    if (this.isInCharge || lost.length === 0) return { term, leaseMs, lost };
    // As for `decided`. The others are confirmed: while the ledger is away, no lease should end for that.
    const unsure = lost.map(({ planId, ordinal, epoch }) => ({ planId, ordinal, epoch }));
    return { term, leaseMs, lost: [], unsure };
  }

  private whyLost(worker: string, lease: HeartbeatMessage['leases'][number], now: number): string | null {
    const plan = this.plans.cached(lease.planId);
    // Being decided upon, or thrown away after a failed commit and not read again yet: not now is not never.
    if (plan ? this.loop.isUncommitted(lease.planId) : this.plans.mustReload) {
      this.leases.renew(lease.planId, lease.ordinal, lease.epoch, now);
      return null;
    }
    if (!plan) return 'the plan has ended';
    const step = plan.steps[lease.ordinal];
    if (step?.epoch !== lease.epoch) return 'its epoch is over';
    if (step.status === 'admitted') return null; // The claim is on its way.
    const { holder } = step;
    if (step.status !== 'leased' || !holder) return `the step is ${step.status}`;
    if (holder.worker !== worker || holder.tokenDigest !== digestToken(lease.token)) {
      return `the lease is held by ${holder.worker}`;
    }
    this.leases.renew(lease.planId, lease.ordinal, lease.epoch, now);
    return null;
  }

  private afterCommit(committed: Committed[]): void {
    const now = this.o.clock.monotonic();
    measureCommitted(committed);
    for (const { plan, events, aborts } of committed) {
      for (const event of events) {
        this.leases.follow(plan.planId, event, now);
        if (event.type === 'plan.cancelled' || event.type === 'plan.halted') this.leases.keepLeased(plan);
      }
      this.copies.follow(plan, events);
      this.dispatch(plan, () => this.dispatcher.follow(plan, events));
      for (const { worker, ordinal, epoch, reason } of aborts) {
        signalWorker(this.o.bus, worker, { kind: 'abort', planId: plan.planId, ordinal, epoch, reason });
      }
    }
    this.o.onCommitted(committed);
  }

  /** A plan that was read again: its commit may have come through without anything that should have followed. */
  private takeUp(plan: PlanState): void {
    this.unreadable.delete(plan.planId);
    this.leases.adopt(plan, this.o.clock.monotonic());
    this.copies.resume(plan);
    this.dispatch(plan, () => this.dispatcher.resume(plan));
  }

  /** A job that cannot be built is a defect of ours; it must not keep other plans' jobs from being sent. */
  private dispatch(plan: PlanState, send: () => void): void {
    try {
      send();
    } catch (error) {
      count('decisionFailures', { stage: 'job' });
      const alert = 'job-unbuildable';
      this.o.log.error({ err: error, planId: plan.planId, alert }, 'A job could not be built');
    }
  }

  private poisonUnsendable(planId: string, ordinal: number, epoch: number, message: string): void {
    const reason = { code: 'job-unsendable', message };
    const input: PlanInput = { kind: 'lease-expired', ordinal, epoch, counts: true, reason, jitter: 1 };
    this.loop.submit(planId, input, null).catch(() => undefined);
  }

  /** A job that workers terminate because they cannot read it would be issued anew for ever. Ends as a dead letter. */
  private loseUnclaimed(planId: string, ordinal: number, epoch: number, deliveries: number): void {
    const message = `never claimed: ${deliveries} times delivered to a worker that did not claim it; the logs of the workers say whether they could read it`;
    const reason = { code: 'never-claimed', message };
    const input: PlanInput = {
      kind: 'lease-expired',
      ordinal,
      epoch,
      counts: true,
      unclaimedOnly: true,
      reason,
      jitter: this.random(),
    };
    this.loop.submit(planId, input, null).catch(() => undefined);
  }

  /**
   * Makes the queue when it is missing; after a wipe everything unclaimed is published again. An unsure decider leaves
   * the queue alone: what it knows may be over.
   */
  private async keepQueue(resumeAll: boolean, poolsChanged = false): Promise<void> {
    this.mustResume ||= resumeAll;
    if (!this.isInCharge) return;
    try {
      const created = await this.dispatcher.ensure();
      if (!this.isInCharge) return;
      if (created || poolsChanged) this.announcer.announceNow();
      if (this.mustResume) await this.resumeAll();
      else if (created) this.dispatcher.republishAll((planId) => this.plans.cached(planId));
    } catch (error) {
      this.o.log.warn({ err: error }, 'The job queue cannot be reached; plans are taken, jobs wait');
    }
  }

  /** This term is not over yet, and surely so. The replica may be sure of a later term of its own. */
  private get isInCharge(): boolean {
    return !this.stopped && this.o.isSure();
  }

  private async resumeAll(): Promise<void> {
    // A plan that is not in memory for now is not over.
    if (this.plans.mustReload) return;
    this.mustResume = false;
    for (const plan of this.plans.all()) this.dispatch(plan, () => this.dispatcher.resume(plan));
    const isKnown = (planId: string): boolean => {
      this.mustResume ||= !this.isInCharge || this.plans.mustReload;
      return this.mustResume || this.plans.cached(planId) !== undefined;
    };
    await this.dispatcher.purgeOrphans(isKnown).catch((error: unknown) => {
      this.mustResume = true;
      throw error;
    });
  }
}

/** A wipe is noticed by the next publish, or at the latest now. */
const QUEUE_CHECK_MS = 2_000;
