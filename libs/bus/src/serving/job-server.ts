import type { Msg } from '@nats-io/nats-core';
import { type CustomTransportStrategy, EventPattern, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Announcement, Job } from '#contracts';
import type { Bus } from '../connection/bus.ts';
import { jobConsumerName, jobStreamName } from '../queueing/generation.ts';
import { fullJitterMs } from '../requesting/backoff.ts';
import type { DeciderLocator } from '../requesting/decider-locator.ts';
import { JobContext } from './job-context.ts';
import { readJob } from './job-envelope.ts';
import { JobPull, type Pulled } from './job-pull.ts';

/** The pattern that a job handler is registered under. */
export const JOB_PATTERN = 'job';

/** Marks a controller's method `(@Payload() job: Job, @Ctx() context: JobContext) => Promise<void>` as the job handler. */
export function OnJob(): MethodDecorator {
  return EventPattern<string>(JOB_PATTERN);
}

export const JETSTREAM_TRANSPORT = Symbol('SKEIN_JETSTREAM');

export interface JetStreamJobServerOptions {
  bus: Bus;
  /** Started by its owner; tells the generation to pull from. */
  locator: DeciderLocator;
  /** Pools that this worker serves; one without a consumer yet is left out until it has one. */
  pools: readonly string[];
  /** Jobs at once, over all pools. */
  slots: number;
  /** How long a free slot waits at one pool before it looks again (default 10 s; with several pools 1 s). */
  pullMs?: number;
  /** A job that nobody can run: it was terminated; the decider finds it unclaimed, or is told by this callback. */
  onUnreadableJob?: (report: { subject: string; problem: string }) => void;
  /** A job of a version that this worker does not know: left alone. */
  onUnknownVersion?: (report: { subject: string; version: string }) => void;
  /** The handler threw. Its job is neither acked nor handed back here; without a report its lease runs out. */
  onHandlerError?: (error: unknown, job: Job) => void;
}

type JobServerEvents = { drained: () => void };

/**
 * The worker's NestJS transport: each free slot pulls one job, runs the `job` handler with `(job: Job, context:
 * JobContext)`, and pulls again when the handler's promise (or observable) has ended. Nothing is fetched ahead, so that
 * a job waits in the queue, where every worker can take it, and not here.
 */
export class JetStreamJobServer extends Server<JobServerEvents> implements CustomTransportStrategy {
  override readonly transportId = JETSTREAM_TRANSPORT;
  /** Handlers are awaited here, so their failures are ours to report. */
  override readonly propagatesEventHandlerErrors = true;
  readonly #o: JetStreamJobServerOptions;
  readonly #closing = new AbortController();
  readonly #pulls: JobPull[] = [];
  readonly #onDrained = new Set<() => void>();
  readonly #sleepers = new Set<() => void>();
  #offs: (() => void)[] = [];
  #slots: Promise<unknown> = Promise.resolve();
  #draining = false;
  #busy = 0;

  constructor(o: JetStreamJobServerOptions) {
    super();
    if (o.slots < 1 || o.pools.length === 0)
      throw new TypeError('A worker needs at least one slot and one pool');
    this.#o = o;
  }

  /** Handlers that run now; never more than `slots`. */
  get busy(): number {
    return this.#busy;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Starts the slots. It does not wait for NATS or a decider: jobs come when there are some. */
  listen(callback: (error?: unknown) => void): void {
    this.#offs = [
      this.#o.locator.onChange((now, before) => {
        if (now.generation !== before?.generation) this.#rebind();
        else if (now.pools.join() !== before.pools.join()) void this.#lookAgain();
      }),
      this.#o.bus.onStatus(() => this.#rebind()),
    ];
    const loops = Array.from({ length: this.#o.slots }, (_, slot) => this.#runSlot(slot));
    this.#slots = Promise.all(loops);
    callback();
  }

  /** No new jobs; resolves when the running handlers have ended. A job on its way is still run. */
  async drain(): Promise<void> {
    if (!this.#draining) {
      this.#draining = true;
      this.#wake();
      await Promise.all(this.#pulls.map((pull) => pull.finish()));
    }
    await this.#slots;
    for (const listener of this.#onDrained) listener();
  }

  /** Stops at once: handlers are told by their context's signal, and awaited. */
  async close(): Promise<void> {
    this.#draining = true;
    this.#closing.abort(new Error('The worker is closing'));
    this.#wake();
    for (const pull of this.#pulls) pull.callOff();
    for (const off of this.#offs) off();
    this.#offs = [];
    await this.#slots;
  }

  on<E extends keyof JobServerEvents>(event: E, callback: JobServerEvents[E]): void {
    if (event === 'drained') this.#onDrained.add(callback);
  }

  /** The connection. */
  unwrap<T>(): T {
    return this.#o.bus.nc as T;
  }

  async #runSlot(slot: number): Promise<void> {
    const pull = new JobPull(this.#o.bus);
    this.#pulls.push(pull);
    let misses = 0;
    for (let turn = slot; !this.#draining; turn++) {
      const kind = await this.#turn(pull, turn).catch((error: unknown) => {
        // A slot outlives whatever happens in it, such as a callback that throws.
        this.#o.bus.log.error({ err: error }, 'A slot failed; it goes on');
        return 'lost' as const;
      });
      if (kind === 'job' || kind === 'empty') {
        misses = 0;
        continue;
      }
      this.#o.locator.refresh();
      await this.#sleep(
        fullJitterMs(misses++, { baseMs: 100, maxMs: 1_000, floorMs: 20, random: this.#o.bus.random }),
      );
    }
    pull.callOff();
  }

  async #turn(pull: JobPull, turn: number): Promise<Pulled['kind']> {
    const pulled = await this.#pullOnce(pull, turn);
    if (pulled.kind === 'job') await this.#take(pulled.message);
    return pulled.kind;
  }

  /**
   * One pool: a long wait there. Several: a look at each, beginning with another one every turn, then a short wait at
   * one of them, so that neither order nor luck starves a pool.
   */
  async #pullOnce(pull: JobPull, turn: number): Promise<Pulled> {
    const decider = this.#o.locator.current;
    const pools = decider === null ? [] : this.#o.pools.filter((pool) => decider.pools.includes(pool));
    if (decider === null || pools.length === 0) return { kind: 'missing' };
    if (pools.length > 1) {
      for (let i = 0; i < pools.length && !this.#draining; i++) {
        const pulled = await pull.next(this.#target(decider, pools[(turn + i) % pools.length]), 0);
        if (pulled.kind !== 'empty') return pulled;
      }
    }
    if (this.#draining) return { kind: 'empty' };
    const waitMs = this.#o.pullMs ?? (pools.length > 1 ? 1_000 : 10_000);
    return pull.next(this.#target(decider, pools[turn % pools.length]), waitMs);
  }

  #target(decider: Announcement, pool = '') {
    const { namespace } = this.#o.bus;
    return {
      stream: jobStreamName(namespace, decider.generation),
      consumer: jobConsumerName(namespace, pool, decider.generation),
    };
  }

  async #take(message: Msg): Promise<void> {
    const { bus } = this.#o;
    const context = new JobContext(bus, message, this.#closing.signal);
    const read = readJob(bus.subjects, message);
    if (read.kind === 'unknown-version') {
      bus.log.warn({ subject: message.subject, version: read.version }, 'Left a job of an unknown version');
      this.#o.onUnknownVersion?.({ subject: message.subject, version: read.version });
    } else if (read.kind === 'unreadable') {
      bus.log.error(
        { subject: message.subject, problem: read.problem },
        'Terminated a job that cannot be read',
      );
      context.terminate(read.problem);
      this.#o.onUnreadableJob?.({ subject: message.subject, problem: read.problem });
    } else {
      await this.#run(read.job, context);
    }
  }

  async #run(job: Job, context: JobContext): Promise<void> {
    this.#busy++;
    try {
      await this.#handle(job, context);
    } catch (error) {
      const { planId, ordinal, epoch } = job;
      this.#o.bus.log.error({ err: error, planId, ordinal, epoch }, 'The job handler failed');
      this.#o.onHandlerError?.(error, job);
    } finally {
      this.#busy--;
    }
  }

  #handle(job: Job, context: JobContext): Promise<void> {
    // Not getHandlerByPattern: it tries to parse the pattern as JSON, and catches the error, once per job.
    const handler = this.messageHandlers.get(JOB_PATTERN);
    if (handler === undefined) throw new Error(`No handler is registered for "${JOB_PATTERN}"`);
    return new Promise((resolve, reject) => {
      this.runWithProcessingHooks(context, async (runEndHook) => {
        try {
          const result: unknown = await handler(job, context);
          if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
          resolve();
        } catch (error) {
          reject(asError(error));
        } finally {
          runEndHook();
        }
      });
    });
  }

  /** What is outstanding goes to a generation, or a connection, that is gone. */
  #rebind(): void {
    for (const pull of this.#pulls) pull.callOff();
    this.#wake();
  }

  /** A pool came or went: nobody should first wait out a long pull. */
  async #lookAgain(): Promise<void> {
    await Promise.all(this.#pulls.map((pull) => pull.finish()));
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  #sleep(delayMs: number): Promise<void> {
    if (this.#draining) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        calloff();
        this.#sleepers.delete(wake);
        resolve();
      };
      const calloff = this.#o.bus.clock.schedule(delayMs, wake);
      this.#sleepers.add(wake);
    });
  }
}

/** Nest's default exception filter logs the error and passes on `{status, message}`; a filter of ours may do otherwise. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const { message } = (thrown ?? {}) as { message?: unknown };
  return new Error(typeof message === 'string' ? message : 'The job handler failed', { cause: thrown });
}
