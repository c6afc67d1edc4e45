import { type ConsumerInfo, JetStreamApiCodes, JetStreamApiError, type StreamInfo } from '@nats-io/jetstream';
import { headers, type MsgHdrs, RequestError } from '@nats-io/nats-core';
import type { Job } from '#contracts';
import { count } from '#telemetry';
import type { Bus } from '../connection/bus.ts';
import { BusSetupError, BusUnavailableError, MessageTooLargeError } from '../errors.ts';
import {
  generationOf,
  isCurrentFormat,
  jobConsumerConfig,
  jobConsumerName,
  jobStreamConfig,
  jobStreamName,
  newGeneration,
} from './generation.ts';
import { parseJobSubject, type JobKey } from './job-key.ts';
import { LeaseHints, type LeaseHint } from './lease-hints.ts';

export interface JobQueueOptions {
  bus: Bus;
  /** The lease on the broker's side: a job in flight without an ack or `working()` for this long is hinted as lost. */
  leaseMs: number;
  /** How long one publish may wait for its answer (default 5 s). */
  publishTimeoutMs?: number;
  /** Publishes in flight at once in `publishMany` (default 256: 16,000/s here instead of 4,500/s one at a time). */
  maxInFlight?: number;
}

/**
 * `published`: it is queued, under this stream sequence of this generation.
 * `already-there`: a job for the same lease is queued or in flight; nothing was added.
 * `missing`: there is no stream (not ensured yet, or wiped): call `ensure`, then publish again.
 */
export type Published =
  | { status: 'published'; generation: string; seq: number }
  | { status: 'already-there' }
  | { status: 'missing' };

/** What the broker knows of one pool. A job whose `seq` is at most `deliveredSeq` was handed to a worker. */
export interface DeliveryState {
  generation: string;
  /** Stream sequence of the newest delivered job; deliveries are in sequence order and happen once. */
  deliveredSeq: number;
  /** Queued, not yet handed to anybody. */
  queued: number;
  /** Delivered and not acked: running, or delivered to a worker that died. */
  inFlight: number;
  /** Free slots that wait at this pool right now. */
  waitingPulls: number;
}

/**
 * The decider's side of the job queue: one work-queue stream per generation, one durable pull consumer per pool.
 * All of it is disposable; whoever finds it missing calls `ensure` and publishes what the ledger says is admitted.
 */
export class JobQueue {
  readonly #bus: Bus;
  readonly #o: Required<JobQueueOptions>;
  readonly #hints: LeaseHints;
  #generation: string | null = null;
  #ensuring: Promise<unknown> = Promise.resolve();

  constructor(o: JobQueueOptions) {
    this.#bus = o.bus;
    this.#o = { publishTimeoutMs: 5_000, maxInFlight: 256, ...o };
    this.#hints = new LeaseHints(o.bus);
  }

  /** The generation of the last `ensure`; null before, and after the stream was found missing. */
  get generation(): string | null {
    return this.#generation;
  }

  /**
   * Makes the stream and a consumer for each pool, or finds those that are there. `created` says that the generation
   * is new, so that everything that was queued must be published again. Safe to repeat and to call at once; touches
   * no stream but our own. Throws BusUnavailableError or BusSetupError.
   */
  ensure(pools: readonly string[]): Promise<{ generation: string; created: boolean }> {
    const result = this.#ensuring.then(() => this.#ensure(pools));
    this.#ensuring = result.catch(() => undefined);
    return result;
  }

  /** Cheap and safe to call many times at once. Throws BusUnavailableError (repeat it) or MessageTooLargeError. */
  async publish(job: Job, o: { traceparent?: string | null } = {}): Promise<Published> {
    try {
      const answer = await this.#publishJob(job, o.traceparent ?? job.traceparent);
      count('jobPublishes', { result: answer.status });
      return answer;
    } catch (error) {
      count('jobPublishes', { result: error instanceof MessageTooLargeError ? 'too-large' : 'failed' });
      throw error;
    }
  }

  async #publishJob(job: Job, traceparent: string | null): Promise<Published> {
    const generation = this.#generation;
    if (generation === null) return { status: 'missing' };
    const subject = this.#bus.subjects.job(job);
    const payload = this.#bus.encode(subject, job);
    const answer = await this.#publish(subject, payload, this.#headers(generation, traceparent));
    if (answer.status === 'missing' && this.#generation === generation) this.#generation = null;
    return answer.status === 'published' ? { ...answer, generation } : answer;
  }

  /**
   * Publishes in order, many in flight; the answers are in the order of the jobs. A job that could not be published
   * carries its error (BusUnavailableError or MessageTooLargeError) instead, so that one does not hide the others.
   */
  async publishMany(jobs: readonly Job[]): Promise<(Published | { status: 'failed'; error: Error })[]> {
    const results = new Array<Published | { status: 'failed'; error: Error }>(jobs.length);
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let i = next++; i < jobs.length; i = next++) {
        const job = jobs[i] as Job;
        results[i] = await this.publish(job).catch((error: unknown) => ({
          status: 'failed',
          error: error as Error,
        }));
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#o.maxInFlight, jobs.length) }, lane));
    return results;
  }

  /**
   * Removes the consumer of a pool that nobody needs any more; jobs stay, for who makes it again (`ensure`). Nothing
   * happens when there is none. Throws BusUnavailableError.
   */
  dropPool(pool: string): Promise<void> {
    // In turn with `ensure`: what was wanted again since is made after this.
    const dropped = this.#ensuring.then(async () => {
      if (this.#generation === null) return;
      const stream = jobStreamName(this.#bus.namespace, this.#generation);
      const consumer = jobConsumerName(this.#bus.namespace, pool, this.#generation);
      await this.#unlessMissing('remove a pool', this.#bus.jsm.consumers.delete(stream, consumer));
    });
    this.#ensuring = dropped.catch(() => undefined);
    return dropped;
  }

  /** Removes the job of one lease, queued or in flight, so that the step's next epoch is the only one. */
  purge(key: JobKey): Promise<number> {
    return this.#purge(this.#bus.subjects.job(key));
  }

  /** Removes every job of a plan: it has ended, or was cancelled. */
  purgePlan(planId: string): Promise<number> {
    return this.#purge(this.#bus.subjects.jobsOfPlan(planId));
  }

  /** Plans that have a job on the queue, queued or in flight. Costs one entry for each job: not for every day. */
  async plans(): Promise<Set<string>> {
    if (this.#generation === null) return new Set();
    const stream = jobStreamName(this.#bus.namespace, this.#generation);
    const subjects_filter = this.#bus.subjects.allJobs();
    const info = await this.#unlessMissing(
      'look through the jobs',
      this.#bus.jsm.streams.info(stream, { subjects_filter }),
    );
    const keys = Object.keys(info?.state.subjects ?? {}).map((subject) =>
      parseJobSubject(this.#bus.subjects, subject),
    );
    return new Set(keys.flatMap((key) => (key === null ? [] : [key.planId])));
  }

  /** Null when the stream or the pool's consumer is missing: call `ensure`. */
  async deliveryState(pool: string): Promise<DeliveryState | null> {
    const generation = this.#generation;
    if (generation === null) return null;
    const stream = jobStreamName(this.#bus.namespace, generation);
    const consumer = jobConsumerName(this.#bus.namespace, pool, generation);
    const info = await this.#unlessMissing('consumer info', this.#bus.jsm.consumers.info(stream, consumer));
    return info === null ? null : deliveryState(generation, info);
  }

  /** The stream sequence of a lease's job while it is queued or in flight; null when there is none (or no stream). */
  async find(key: JobKey): Promise<number | null> {
    if (this.#generation === null) return null;
    const stream = jobStreamName(this.#bus.namespace, this.#generation);
    const query = { last_by_subj: this.#bus.subjects.job(key) };
    const message = await this.#unlessMissing('find a job', this.#bus.jsm.streams.getMessage(stream, query));
    return message?.seq ?? null;
  }

  /**
   * Tells of jobs whose worker has been silent for a whole lease. Fast but best effort: hints get lost, and one may
   * come for a lease that has ended. Returns the unsubscriber.
   */
  onLeaseHint(listener: (hint: LeaseHint) => void): () => void {
    return this.#hints.listen(listener);
  }

  close(): void {
    this.#hints.close();
  }

  async #ensure(pools: readonly string[]): Promise<{ generation: string; created: boolean }> {
    try {
      const found = await this.#findGeneration();
      const generation = found ?? (await this.#createGeneration());
      for (const pool of pools) await this.#ensureConsumer(pool, generation);
      this.#generation = generation;
      this.#hints.watch(generation);
      if (found === null) count('queuesMade', {});
      return { generation, created: found === null };
    } catch (cause) {
      if (cause instanceof BusSetupError) throw cause;
      if (cause instanceof JetStreamApiError) throw new BusSetupError('the job stream', { cause });
      throw new BusUnavailableError('make the job stream', { cause });
    }
  }

  /**
   * The broker refuses overlapping streams, but not those of creators that race each other (seen on 2.15.1: two streams
   * that both took every job). So all of ours are looked at, and everybody keeps the same one: the oldest of this format.
   */
  async #findGeneration(): Promise<string | null> {
    const ours: { generation: string; info: StreamInfo }[] = [];
    for await (const info of this.#bus.jsm.streams.list(this.#bus.subjects.allJobs())) {
      const generation = generationOf(this.#bus.namespace, info.config);
      if (generation !== null) ours.push({ generation, info });
    }
    const usable = ours.filter(({ info }) => isCurrentFormat(info)).map(({ generation }) => generation);
    const kept = usable.sort()[0] ?? null;
    for (const { generation, info } of ours) if (generation !== kept) await this.#remove(info.config.name);
    return kept;
  }

  async #remove(stream: string): Promise<void> {
    this.#bus.log.warn({ stream }, 'Removing a job stream that another one replaces');
    await this.#bus.jsm.streams.delete(stream).catch((error: unknown) => {
      if (!(error instanceof JetStreamApiError) || !MISSING_CODES.has(error.code)) throw error;
    });
  }

  async #createGeneration(): Promise<string> {
    const own = newGeneration(this.#bus);
    let refusal: Error = new Error('The new job stream went at once');
    try {
      await this.#bus.jsm.streams.add(jobStreamConfig(this.#bus.subjects, own));
      this.#bus.log.info({ generation: own }, 'Made a new job stream');
    } catch (cause) {
      if (!(cause instanceof JetStreamApiError)) throw cause;
      refusal = cause;
    }
    // Another decider (a deposed one, or our successor) may have been at it too: its stream is as good as ours.
    const generation = await this.#findGeneration();
    if (generation === null) throw refusal;
    return generation;
  }

  async #ensureConsumer(pool: string, generation: string): Promise<void> {
    const stream = jobStreamName(this.#bus.namespace, generation);
    const config = jobConsumerConfig(this.#bus.subjects, pool, generation, this.#o.leaseMs);
    try {
      await this.#bus.jsm.consumers.add(stream, config);
    } catch (cause) {
      if (!(cause instanceof JetStreamApiError) || cause.code !== CONSUMER_EXISTS) throw cause;
      // The lease time was set anew.
      await this.#bus.jsm.consumers.update(stream, config.durable_name, config);
    }
  }

  #headers(generation: string, traceparent: string | null): MsgHdrs {
    const h = headers();
    // A stream that is not ours, or of another generation, must not take the job.
    h.set('Nats-Expected-Stream', jobStreamName(this.#bus.namespace, generation));
    if (traceparent !== null) h.set('traceparent', traceparent);
    return h;
  }

  async #publish(
    subject: string,
    payload: string,
    h: MsgHdrs,
  ): Promise<{ status: 'published'; seq: number } | { status: 'already-there' } | { status: 'missing' }> {
    if (!this.#bus.connected) throw new BusUnavailableError('publish a job');
    const message = await this.#bus.nc
      .request(subject, payload, { timeout: this.#o.publishTimeoutMs, headers: h })
      .catch((cause: unknown) => {
        if (cause instanceof RequestError && cause.isNoResponders()) return null;
        throw new BusUnavailableError('publish a job', { cause });
      });
    if (message === null) return { status: 'missing' };
    return readPublishAnswer(message.json<PublishAnswer>());
  }

  async #purge(filter: string): Promise<number> {
    if (this.#generation === null) return 0;
    const stream = jobStreamName(this.#bus.namespace, this.#generation);
    const result = await this.#unlessMissing('purge jobs', this.#bus.jsm.streams.purge(stream, { filter }));
    return result?.purged ?? 0;
  }

  async #unlessMissing<T>(operation: string, answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (cause) {
      if (cause instanceof JetStreamApiError && MISSING_CODES.has(cause.code)) return null;
      throw new BusUnavailableError(operation, { cause });
    }
  }
}

interface PublishAnswer {
  seq?: number;
  error?: { code: number; err_code?: number; description?: string };
}

const CONSUMER_EXISTS = 10148;
const STORE_FAILED = 10077;
const NOT_THE_EXPECTED_STREAM = 10060;
const MISSING_CODES = new Set<number>([JetStreamApiCodes.StreamNotFound, JetStreamApiCodes.ConsumerNotFound]);

function readPublishAnswer(answer: PublishAnswer) {
  if (answer.error === undefined) return { status: 'published', seq: answer.seq ?? 0 } as const;
  const { err_code: code, description } = answer.error;
  // 10077 stands for every refusal of the store; only this one means that the job is there.
  if (code === STORE_FAILED && /per subject/.test(description ?? ''))
    return { status: 'already-there' } as const;
  if (code === NOT_THE_EXPECTED_STREAM || code === JetStreamApiCodes.StreamNotFound)
    return { status: 'missing' } as const;
  throw new BusUnavailableError('publish a job', { cause: new Error(`${code}: ${description}`) });
}

function deliveryState(generation: string, info: ConsumerInfo): DeliveryState {
  return {
    generation,
    deliveredSeq: info.delivered.stream_seq,
    queued: info.num_pending,
    inFlight: info.num_ack_pending,
    waitingPulls: info.num_waiting,
  };
}
