import type { Job } from '#contracts';
import type { PlanEvent, PlanState } from '#domain';
import { MessageTooLargeError, type JobKey, type JobQueue } from '#bus';
import { count, type Logger } from '#telemetry';
import { ExpressionError, definitionOf, stepOf, type Reason } from '#domain';
import type { Clock } from '../deciding/clock.ts';
import { buildJob } from './job-builder.ts';

interface Tracked {
  key: JobKey;
  /** When it was last put on the queue, or last found in order, on the monotonic clock. */
  lookedAt: number;
  /** It was found to be with a worker, who has one claim timeout from then on. */
  isDelivered: boolean;
  /** Its stream sequence, when the broker told it. */
  published: { generation: string; seq: number } | null;
  /** How often a worker was handed this job and did not claim it. */
  ignored: number;
}

/** Far above any fleet that we know of. */
const MAX_POOLS = 256;

export interface JobDispatcherOptions {
  queue: JobQueue;
  clock: Pick<Clock, 'monotonic'>;
  log: Logger;
  claimTimeoutMs: number;
  maxSteps: number;
  trusted: (tenant: string) => boolean;
  /** A job that can never be sent (larger than the server takes): the step must end with that reason. */
  onUnsendable: (planId: string, ordinal: number, epoch: number, message: string) => void;
  /** The job cannot be made of the plan's texts: the step must end with that reason. */
  onUnworkable: (planId: string, ordinal: number, epoch: number, reason: Reason) => void;
  /** progress.md of a plan, as of its event `seq` at least. */
  page: (planId: string, seq: number) => Promise<string>;
  /** The plan's state holds what the ledger does not have yet: no job may be made of it. */
  isUncommitted: (planId: string) => boolean;
  /** Whether the term is surely not over. An unsure decider sends no jobs: what it knows may have ended long ago. */
  isInCharge: () => boolean;
  /** Pools that a worker serves, or that have a step in flight. */
  poolsInUse: () => ReadonlySet<string>;
  /** Handed to workers as often as the plan's `maxLeases` allows, and never claimed: nobody seems able to read it. */
  onNeverClaimed: (planId: string, ordinal: number, epoch: number, deliveries: number) => void;
}

/** Plans whose jobs are to be purged. Past this many the rest stays: their claims are refused. */
const UNPURGED_MAX = 1_000;
const PURGES_PER_SWEEP = 100;

/** With a slow broker a sweep ends early: silent workers are found by the same sweeper. */
const SWEEP_MAX_MS = 2_000;

/** Looking through the fleet for pools that nobody needs any more costs a little; made-up names come in heartbeats. */
const FORGET_EVERY_MS = 5_000;

/**
 * Puts jobs on the queue and looks after them until they are claimed. All of it follows from committed events and can
 * be repeated: a job that is there already is refused by the broker, one that was lost is published again, one that
 * was delivered to somebody who never claimed it is purged and issued anew, but not for ever: a job that no worker can
 * even read counts as a lost lease in the end. The first claim binds the lease, so a second copy of a job can do no harm.
 */
export class JobDispatcher {
  /** Admitted and not claimed: at most a shallow window of steps. */
  private readonly unclaimed = new Map<string, Tracked>();
  private readonly wantedPools: Set<string>;
  private saidTooMany = false;
  /** On the monotonic clock. */
  private forgotAt = -Infinity;
  private ensuring: Promise<void> | null = null;
  private readonly unpurged = new Set<string>();
  /** Plans that were to be resumed while a commit of theirs was under way. */
  private readonly toResume = new Set<string>();

  constructor(
    private readonly o: JobDispatcherOptions,
    private readonly setPools: readonly string[],
  ) {
    this.wantedPools = new Set(setPools);
  }

  /** Makes what is missing on the broker. True when the queue is new and everything must be published again. */
  async ensure(): Promise<boolean> {
    const { created } = await this.o.queue.ensure([...this.wantedPools]);
    if (created) for (const tracked of this.unclaimed.values()) tracked.published = null;
    return created;
  }

  get pools(): string[] {
    return [...this.wantedPools];
  }

  /** A worker of a new pool has come: its queue is made before its next pull. */
  wantPools(pools: readonly string[]): boolean {
    return pools.filter((pool) => this.wantPool(pool)).length > 0;
  }

  /** Follows committed events of one plan. The jobs are built now, from the state as it was committed. */
  follow(plan: PlanState, events: readonly PlanEvent[]): void {
    for (const event of events) {
      switch (event.type) {
        case 'step.admitted':
          this.wantPool(stepOf(plan, event.data.ordinal).lane.pool);
          this.dispatch(plan, event.data.ordinal);
          break;
        case 'lease.granted':
        case 'step.passed':
        case 'report.published':
          this.unclaimed.delete(keyOf(plan.planId, event.data.ordinal));
          break;
        case 'lease.lost':
        case 'lease.released':
        case 'step.blocked':
        case 'step.poisoned':
        case 'step.cancelled':
        case 'step.skipped':
          this.withdraw(plan, event.data.ordinal, event.data.epoch);
          break;
        case 'plan.cancelled':
        case 'plan.halted':
          this.withdrawEnded(plan);
          break;
        // Also at the plan's good end: an ack can be lost on the wire, and its job would stay on the queue, invisible.
        case 'plan.closed':
          this.withdrawPlan(plan.planId);
          break;
        case 'plan.reopened':
          this.unpurged.delete(plan.planId);
          break;
        default:
      }
    }
    if (this.toResume.has(plan.planId)) this.resume(plan);
  }

  /**
   * After a take-over, or an absence of the broker: the job of every step that is admitted and not claimed. "Already
   * there" is fine. Of a plan whose commit is under way, when that has come through. What a commit ended whose outcome
   * was unknown goes from the queue.
   */
  resume(plan: PlanState): void {
    if (this.o.isUncommitted(plan.planId)) {
      this.toResume.add(plan.planId);
      return;
    }
    this.toResume.delete(plan.planId);
    if (plan.closed) return this.withdrawPlan(plan.planId);
    this.withdrawEnded(plan);
    for (const step of plan.steps) {
      if (step?.status === 'admitted') this.dispatch(plan, step.instance.ordinal);
    }
  }

  /**
   * Jobs of plans that are over: whoever ended them died before it had purged them, or a crash of the broker brought
   * them back. `isKnown`: the plan is open, or may be.
   */
  async purgeOrphans(isKnown: (planId: string) => boolean): Promise<void> {
    for (const planId of await this.o.queue.plans()) if (!isKnown(planId)) await this.purgePlan(planId);
  }

  /** Everything unclaimed, once more: the queue was wiped. */
  republishAll(planOf: (planId: string) => PlanState | undefined): void {
    for (const tracked of [...this.unclaimed.values()]) this.republish(tracked, planOf);
  }

  /**
   * Looks after jobs that nobody claimed in time. Queued ones are left alone; lost ones are published again;
   * delivered ones are purged and issued anew, or given up. Returns how many were repaired.
   */
  async sweep(planOf: (planId: string) => PlanState | undefined): Promise<number> {
    const due = [...this.unclaimed.values()].filter(
      (tracked) => this.o.clock.monotonic() - tracked.lookedAt >= this.o.claimTimeoutMs,
    );
    const until = this.o.clock.monotonic() + SWEEP_MAX_MS;
    const isLate = (): boolean => this.o.clock.monotonic() >= until;
    await this.purgeEnded(isLate);
    let repaired = 0;
    const states = new Map<string, Awaited<ReturnType<JobQueue['deliveryState']>>>();
    for (const tracked of due) {
      const { pool, planId } = tracked.key;
      if (isLate()) return repaired; // The rest is due with the next sweep.
      if (this.o.isUncommitted(planId)) continue;
      if (!states.has(pool)) states.set(pool, await this.o.queue.deliveryState(pool));
      const state = states.get(pool);
      if (!state) return repaired; // The queue is gone: ensure() comes first.
      const seq = tracked.published?.generation === state.generation ? tracked.published.seq : null;
      const inQueue = seq ?? (await this.o.queue.find(tracked.key));
      const isDelivered = inQueue !== null && inQueue <= state.deliveredSeq;
      if (inQueue !== null && !(isDelivered && tracked.isDelivered)) {
        // Queued behind others, or with a worker since a moment ago: nothing is wrong.
        tracked.lookedAt = this.o.clock.monotonic();
        tracked.isDelivered = isDelivered;
        continue;
      }
      if (isDelivered) {
        await this.o.queue.purge(tracked.key);
        tracked.ignored += 1;
      }
      // Claimed while the broker was asked.
      if (this.unclaimed.get(keyOf(planId, tracked.key.ordinal)) !== tracked) continue;
      const givenUp = this.giveUp(tracked, planOf);
      if (!givenUp) this.republish(tracked, planOf);
      count('repairs', {
        kind: givenUp ? 'job-given-up' : inQueue === null ? 'job-republished' : 'job-reissued',
      });
      repaired += 1;
    }
    return repaired;
  }

  get unclaimedJobs(): number {
    return this.unclaimed.size;
  }

  /** Repeated with every sweep until the step's epoch is over: the decider may be busy. */
  private giveUp(tracked: Tracked, planOf: (planId: string) => PlanState | undefined): boolean {
    const { planId, ordinal, epoch } = tracked.key;
    const plan = planOf(planId);
    if (!plan?.submitted || tracked.ignored < Math.max(2, definitionOf(plan).maxLeases)) return false;
    tracked.lookedAt = this.o.clock.monotonic();
    this.o.onNeverClaimed(planId, ordinal, epoch, tracked.ignored);
    return true;
  }

  /** True when it is new. Each pool is a consumer on the broker: made-up names must not make consumers without bound. */
  private wantPool(pool: string): boolean {
    if (this.wantedPools.has(pool)) return false;
    if (this.wantedPools.size >= MAX_POOLS) this.forgetPools();
    if (this.wantedPools.size < MAX_POOLS) {
      this.wantedPools.add(pool);
      this.saidTooMany = false;
      return true;
    }
    if (!this.saidTooMany) {
      this.saidTooMany = true;
      this.o.log.error(
        { pool, limit: MAX_POOLS, alert: 'too-many-pools' },
        'A pool gets no queue: there are too many',
      );
    }
    return false;
  }

  /**
   * Makes room: what no worker serves and no step is in flight of needs no queue, however many plans wait for it. It gets
   * one again when a worker of it comes.
   */
  private forgetPools(): void {
    const now = this.o.clock.monotonic();
    if (now - this.forgotAt < FORGET_EVERY_MS) return;
    this.forgotAt = now;
    const inUse = this.o.poolsInUse();
    for (const pool of [...this.wantedPools]) {
      if (inUse.has(pool) || this.setPools.includes(pool)) continue;
      this.wantedPools.delete(pool);
      this.o.queue.dropPool(pool).catch((error: unknown) => {
        this.o.log.debug({ err: error, pool }, 'The queue of a pool that nobody needs could not be removed');
      });
    }
  }

  private republish(tracked: Tracked, planOf: (planId: string) => PlanState | undefined): void {
    const { planId, ordinal, epoch } = tracked.key;
    if (this.o.isUncommitted(planId)) {
      tracked.lookedAt = -Infinity; // Due again with the next sweep.
      return;
    }
    const plan = planOf(planId);
    const step = plan?.steps[ordinal];
    if (!plan || step?.status !== 'admitted' || step.epoch !== epoch) {
      this.unclaimed.delete(keyOf(planId, ordinal));
      return;
    }
    this.dispatch(plan, ordinal);
  }

  private dispatch(plan: PlanState, ordinal: number): void {
    const job = this.build(plan, ordinal);
    if (!job) return;
    const before = this.unclaimed.get(keyOf(plan.planId, ordinal));
    const tracked: Tracked = {
      key: { pool: job.pool, planId: job.planId, ordinal, epoch: job.epoch },
      lookedAt: this.o.clock.monotonic(),
      isDelivered: false,
      published: null,
      ignored: before?.key.epoch === job.epoch ? before.ignored : 0,
    };
    this.unclaimed.set(keyOf(plan.planId, ordinal), tracked);
    void this.send(job, tracked, plan.seq);
  }

  /** null: it cannot be made, and the decider has been told. */
  private build(plan: PlanState, ordinal: number): Job | null {
    const { tenant, traceparent } = plan.submitted!;
    try {
      return buildJob(plan, ordinal, {
        trusted: this.o.trusted(tenant),
        traceparent,
        maxSteps: this.o.maxSteps,
      });
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const { epoch } = stepOf(plan, ordinal);
      this.o.onUnworkable(plan.planId, ordinal, epoch, { code: error.code, message: error.message });
      return null;
    }
  }

  private async send(job: Job, tracked: Tracked, seq: number): Promise<void> {
    try {
      if (job.work.kind === 'report') job.work.text = await this.o.page(job.planId, seq);
      if (!this.o.isInCharge()) {
        tracked.lookedAt = -Infinity; // The sweep publishes it as soon as it is sure again.
        return;
      }
      const answer = await this.o.queue.publish(job);
      if (answer.status === 'published')
        tracked.published = { generation: answer.generation, seq: answer.seq };
      else if (answer.status === 'missing') this.repairQueue();
    } catch (error) {
      if (error instanceof MessageTooLargeError) {
        this.o.onUnsendable(job.planId, job.ordinal, job.epoch, error.message);
        return;
      }
      // The sweep publishes it again; a broker that is away is no reason to stop deciding.
      this.o.log.warn(
        { err: error, planId: job.planId, ordinal: job.ordinal },
        'A job could not be published yet',
      );
    }
  }

  private repairQueue(): void {
    this.ensuring ??= this.ensure()
      .then(() => undefined)
      .catch((error: unknown) => this.o.log.warn({ err: error }, 'The job queue cannot be made yet'))
      .finally(() => {
        this.ensuring = null;
      });
    // What found the queue missing is due at once.
    for (const tracked of this.unclaimed.values()) if (!tracked.published) tracked.lookedAt = -Infinity;
  }

  private withdraw(plan: PlanState, ordinal: number, epoch: number): void {
    this.unclaimed.delete(keyOf(plan.planId, ordinal));
    if (epoch < 1) return;
    const key = { pool: stepOf(plan, ordinal).lane.pool, planId: plan.planId, ordinal, epoch };
    this.o.queue.purge(key).catch((error: unknown) => {
      this.o.log.debug({ err: error, ...key }, 'An ended job stays on the queue; its claim will be refused');
    });
  }

  /** Steps of which the epoch ended, with their plan or otherwise, before anybody was known to claim it. */
  private withdrawEnded(plan: PlanState): void {
    for (const { key } of [...this.unclaimed.values()]) {
      if (key.planId !== plan.planId) continue;
      const step = plan.steps[key.ordinal];
      const isClaimed = step?.status === 'leased' && step.epoch === key.epoch;
      if (isClaimed) this.unclaimed.delete(keyOf(key.planId, key.ordinal));
      else if (step?.status !== 'admitted' || step.epoch !== key.epoch)
        this.withdraw(plan, key.ordinal, key.epoch);
    }
  }

  private withdrawPlan(planId: string): void {
    this.toResume.delete(planId);
    for (const [key, tracked] of this.unclaimed)
      if (tracked.key.planId === planId) this.unclaimed.delete(key);
    if (this.unpurged.size < UNPURGED_MAX) this.unpurged.add(planId);
    void this.purgePlan(planId);
  }

  /** Some with each sweep. Where one cannot be purged, the others cannot either for now. */
  private async purgeEnded(isLate: () => boolean): Promise<void> {
    for (const planId of [...this.unpurged].slice(0, PURGES_PER_SWEEP))
      if (isLate() || !(await this.purgePlan(planId))) return;
  }

  /** False: the broker is away. Tried again with each sweep. */
  private async purgePlan(planId: string): Promise<boolean> {
    try {
      await this.o.queue.purgePlan(planId);
      this.unpurged.delete(planId);
      return true;
    } catch (error) {
      this.o.log.debug(
        { err: error, planId },
        'Ended jobs are still on the queue; their claims will be refused',
      );
      return false;
    }
  }
}

function keyOf(planId: string, ordinal: number): string {
  return `${planId}/${ordinal}`;
}
