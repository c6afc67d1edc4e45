import {
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  DiscardPolicy,
  type StoredMsg,
} from '@nats-io/jetstream';
import { nanos, RequestError } from '@nats-io/nats-core';
import { count } from '#telemetry';
import type { Bus } from '../connection/bus.ts';
import { BusSetupError, BusUnavailableError } from '../errors.ts';

export interface DeadLettersOptions {
  bus: Bus;
  /** Oldest copies go first (defaults 256 MB, 30 days, 10,000 letters): the ledger has them for ever. */
  maxBytes?: number;
  maxAgeMs?: number;
  maxLetters?: number;
}

export interface DeadLetter {
  seq: number;
  at: string;
  planId: string;
  ordinal: number;
  payload: unknown;
}

/** Copies of poisoned steps for people and alerting tools. Redrive reads the ledger, never this stream. */
export class DeadLetters {
  readonly #bus: Bus;
  readonly #o: Required<DeadLettersOptions>;
  readonly #stream: string;

  constructor(o: DeadLettersOptions) {
    this.#bus = o.bus;
    this.#o = { maxBytes: 256 * 2 ** 20, maxAgeMs: 30 * 86_400_000, maxLetters: 10_000, ...o };
    this.#stream = `${o.bus.namespace}-dead`;
  }

  /** Makes the stream, or finds it; safe to repeat. Throws BusUnavailableError or BusSetupError. */
  async ensure(): Promise<void> {
    const config = {
      name: this.#stream,
      description: 'Copies of the dead letters of a Skein fleet; disposable',
      subjects: [this.#bus.subjects.allDeadLetters()],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_bytes: this.#o.maxBytes,
      max_age: nanos(this.#o.maxAgeMs),
      max_msgs: this.#o.maxLetters,
      allow_direct: true,
    };
    try {
      await this.#bus.jsm.streams.add(config);
    } catch (cause) {
      if (!(cause instanceof JetStreamApiError))
        throw new BusUnavailableError('make the dead-letter stream', { cause });
      if (cause.code !== STREAM_NAME_IN_USE) throw new BusSetupError('the dead-letter stream', { cause });
      await this.#bus.jsm.streams.update(this.#stream, config).catch((error: unknown) => {
        throw new BusSetupError('the dead-letter stream', { cause: error });
      });
    }
  }

  /** Repeating it under the same `id` (plan, step and epoch say) adds nothing for two minutes. */
  async publish(planId: string, ordinal: number, payload: unknown, id?: string): Promise<void> {
    try {
      await this.#publishOrMake(planId, ordinal, payload, id);
      count('deadLetterCopies', { result: 'copied' });
    } catch (error) {
      count('deadLetterCopies', { result: 'failed' });
      throw error;
    }
  }

  async #publishOrMake(planId: string, ordinal: number, payload: unknown, id?: string): Promise<void> {
    const subject = this.#bus.subjects.deadLetters(planId, ordinal);
    const text = this.#bus.encode(subject, payload);
    if (await this.#publish(subject, text, id)) return;
    await this.ensure();
    if (!(await this.#publish(subject, text, id))) throw new BusUnavailableError('publish a dead letter');
  }

  /** The newest letter of a step, or null. */
  async get(planId: string, ordinal: number): Promise<DeadLetter | null> {
    const query = { last_by_subj: this.#bus.subjects.deadLetters(planId, ordinal) };
    const message = await this.#unlessMissing(this.#bus.jsm.direct.getMessage(this.#stream, query));
    return message ? this.#letter(message) : null;
  }

  /** Oldest first, from a stream sequence on; `afterSeq` of the next page is the last letter's `seq`. */
  async list(o: { afterSeq?: number; limit?: number } = {}): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    const next_by_subj = this.#bus.subjects.allDeadLetters();
    let seq = (o.afterSeq ?? 0) + 1;
    while (letters.length < (o.limit ?? 100)) {
      const message = await this.#unlessMissing(
        this.#bus.jsm.direct.getMessage(this.#stream, { seq, next_by_subj }),
      );
      if (!message) break;
      letters.push(this.#letter(message));
      seq = message.seq + 1;
    }
    return letters;
  }

  /** False: there is no stream. */
  async #publish(subject: string, payload: string, id: string | undefined): Promise<boolean> {
    if (!this.#bus.connected) throw new BusUnavailableError('publish a dead letter');
    try {
      await this.#bus.js.publish(subject, payload, {
        timeout: 5_000,
        ...(id === undefined ? {} : { msgID: id }),
      });
      return true;
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'JetStreamNotEnabled') return false;
      throw new BusUnavailableError('publish a dead letter', { cause });
    }
  }

  async #unlessMissing<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (cause) {
      if (cause instanceof RequestError && cause.isNoResponders()) return null; // There is no stream.
      throw new BusUnavailableError('read dead letters', { cause });
    }
  }

  #letter(message: StoredMsg): DeadLetter {
    const [planId = '', step = ''] = message.subject.slice(`${this.#bus.namespace}.dead.`.length).split('.');
    const { seq, timestamp: at } = message;
    return { seq, at, planId, ordinal: Number(step.slice(1)), payload: message.json<unknown>() };
  }
}

const STREAM_NAME_IN_USE = 10058;
