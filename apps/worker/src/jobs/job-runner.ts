import { systemClock, type Clock, type DeciderClient, type LeaseKeeper, type LeaseLostError } from '#bus';
import type { Job } from '#contracts';
import { formatOrdinal, type Reason } from '#domain';
import { count, inSpan, names, type Logger } from '#telemetry';
import { DrainingError, HandBackTimeoutError, WorkerFaultError } from '../leasing/errors.ts';
import { Lease, drawToken } from '../leasing/lease.ts';
import { Reporter } from '../leasing/reporter.ts';
import { unknownWork } from '../steps/known-work.ts';
import { noopResult } from '../steps/noop-step.ts';
import type { Perform, Undertaking } from './performing.ts';
import { settle, type Settlement } from './settling.ts';

/** What the runner needs of a delivery. */
export interface Delivery {
  ack(): void;
  working(): void;
  /** Fires when the transport closes without waiting. */
  readonly signal: AbortSignal;
}

export interface JobRunnerOptions {
  worker: string;
  /** How the work itself is done. */
  perform: Perform;
  client: Pick<DeciderClient, 'request'>;
  keeper: Pick<LeaseKeeper, 'hold'>;
  log: Logger;
  /** How long a hand-back may be repeated before it is left to the lease's end (default 10 s). */
  releaseMs?: number;
  /** Default: the system's. */
  clock?: Pick<Clock, 'schedule'>;
  /** Default: 16 bytes that nobody can guess. */
  drawToken?: () => string;
}

/**
 * From a job to its answer: holds the lease while the work runs, turns what happened into a result or a hand-back, and
 * acks only after the decider has answered. Never throws: whatever went wrong, the decider's clock ends the lease.
 */
export class JobRunner {
  readonly #live = new Set<Lease>();
  #handingBack = false;

  constructor(private readonly o: JobRunnerOptions) {}

  async run(job: Job, delivery: Delivery): Promise<void> {
    const lease = new Lease(job, this.o.worker, (this.o.drawToken ?? drawToken)());
    const onClose = (): void => lease.end(new DrainingError());
    delivery.signal.addEventListener('abort', onClose);
    this.#live.add(lease);
    try {
      // A job that was on its way when the grace period ended is not begun.
      if (delivery.signal.aborted || this.#handingBack) onClose();
      await inSpan(names.spans.lease, attributesOf(job, lease), () => this.#runLease(job, lease, delivery), {
        parent: job.traceparent,
        kind: 'consumer',
      });
    } finally {
      this.#live.delete(lease);
      delivery.signal.removeEventListener('abort', onClose);
    }
  }

  /** The grace period is over: programs are stopped and every lease is handed back. */
  handBackAll(): void {
    this.#handingBack = true;
    for (const lease of this.#live) lease.end(new DrainingError());
  }

  async #runLease(job: Job, lease: Lease, delivery: Delivery): Promise<void> {
    const log = this.o.log.child({ planId: job.planId, ordinal: job.ordinal, epoch: job.epoch });
    const unknown = unknownWork(job.work);
    // A result or a hand-back that is told at once needs no claim before it.
    const short = job.work.kind === 'noop' || unknown !== null;
    const held = short ? null : this.o.keeper.hold(lease.key, delivery);
    const onLost = (): void => lease.end(held?.signal.reason as LeaseLostError);
    held?.signal.addEventListener('abort', onLost);
    try {
      const report = new Reporter(this.o.client, lease);
      const answered = await this.#carryOut({ job, lease, log, report }, unknown);
      if (answered) delivery.ack();
    } finally {
      held?.signal.removeEventListener('abort', onLost);
      held?.release();
    }
  }

  /** True when the decider has answered the lease's last message. */
  async #carryOut(o: Undertaking, unknown: Reason | null): Promise<boolean> {
    try {
      o.lease.throwIfEnded();
      if (unknown !== null) throw new WorkerFaultError(unknown);
      const result = o.job.work.kind === 'noop' ? noopResult() : await this.o.perform(o);
      if (result !== null) await o.report.result(result);
      count('jobEnds', { how: 'answered' });
      return true;
    } catch (error) {
      // What an abort broke is not the cause: the abort is.
      return this.#conclude(o.lease.signal.aborted ? o.lease.signal.reason : error, o);
    }
  }

  /** Says what the error means. Saying it can fail too (lost, draining, refused): then that is what there is to say. */
  async #conclude(error: unknown, o: Undertaking): Promise<boolean> {
    const { lease, log, report } = o;
    let cause = error;
    for (let tries = 0; tries < CONCLUSIONS_MAX; tries += 1) {
      const settled = settle(cause);
      if (settled.kind === 'drop') {
        count('jobEnds', { how: 'lost' });
        log.warn(
          { why: (cause as Error).message },
          'the lease is lost: its work was stopped and nothing is reported',
        );
        return false;
      }
      log.warn({ err: cause, settled: settled.kind }, 'the step could not be carried out');
      try {
        if (settled.kind === 'result') await report.result(settled.result);
        else await this.#handBack(settled, o);
        count('jobEnds', { how: settled.kind === 'result' ? 'answered' : 'released' });
        return true;
      } catch (failure) {
        const stillDraining = settled.kind === 'release' && settled.cause === 'draining';
        cause = lease.signal.aborted && !stillDraining ? lease.signal.reason : failure;
        if (stillDraining && settle(failure).kind !== 'drop') break;
      }
    }
    count('jobEnds', { how: 'unanswered' });
    log.warn({ err: cause }, 'the decider did not take the hand-back: the lease will run out');
    return false;
  }

  /** A draining worker cannot wait for ever; a fault is told until it is answered or the lease is over. */
  async #handBack(
    { cause, reason }: Extract<Settlement, { kind: 'release' }>,
    { lease, report }: Undertaking,
  ): Promise<void> {
    if (cause === 'fault') return report.release({ cause, reason }, lease.signal);
    const patience = new AbortController();
    const { clock = systemClock, releaseMs = 10_000 } = this.o;
    const calloff = clock.schedule(releaseMs, () => patience.abort(new HandBackTimeoutError(releaseMs)));
    try {
      await report.release({ cause, reason }, patience.signal);
    } finally {
      calloff();
    }
  }
}

/** A blocked result, then a hand-back for the fault in saying so, then one for the drain meanwhile. */
const CONCLUSIONS_MAX = 3;

function attributesOf(job: Job, lease: Lease) {
  const { attributes } = names;
  return {
    [attributes.planId]: job.planId,
    [attributes.planName]: job.planName,
    [attributes.stepOrdinal]: formatOrdinal(job.ordinal),
    [attributes.stepName]: job.stepName,
    [attributes.stepKind]: job.work.kind,
    [attributes.epoch]: job.epoch,
    [attributes.worker]: lease.key.worker,
    [attributes.pool]: job.pool,
  };
}
