import type { Subscription } from '@nats-io/nats-core';
import type { Bus } from '../connection/bus.ts';
import { jobStreamName } from './generation.ts';
import { parseJobSubject } from './job-key.ts';

/** A job in flight whose ack deadline passed. */
export interface LeaseHint {
  pool: string;
  planId: string;
  ordinal: number;
  epoch: number;
}

/** Look-ups in flight: above it hints are dropped, the decider's own clock finds those leases a little later. */
const MAX_LOOKUPS = 256;

/**
 * The broker's max-deliveries advisories, as names of leases. An advisory carries only the stream sequence: the
 * subject is read from the message, which is still there (invisible) until it is purged.
 */
export class LeaseHints {
  readonly #bus: Bus;
  readonly #listeners = new Set<(hint: LeaseHint) => void>();
  #stream: string | null = null;
  #subscription: Subscription | null = null;
  #lookups = 0;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  listen(listener: (hint: LeaseHint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Follows one generation; the earlier one is left. */
  watch(generation: string): void {
    const stream = jobStreamName(this.#bus.namespace, generation);
    if (stream === this.#stream) return;
    this.close();
    this.#stream = stream;
    this.#subscription = this.#bus.nc.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.*`, {
      callback: (error, message) => {
        if (error === null) void this.#resolve(stream, message.string());
      },
    });
  }

  close(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = null;
    this.#stream = null;
  }

  async #resolve(stream: string, advisory: string): Promise<void> {
    if (this.#listeners.size === 0 || this.#lookups >= MAX_LOOKUPS) return;
    this.#lookups++;
    try {
      const seq = (JSON.parse(advisory) as { stream_seq?: unknown }).stream_seq;
      if (typeof seq !== 'number') return;
      const message = await this.#bus.jsm.direct.getMessage(stream, { seq });
      const key = message === null ? null : parseJobSubject(this.#bus.subjects, message.subject);
      if (key === null) return;
      const { pool, planId, ordinal, epoch } = key;
      for (const listener of [...this.#listeners]) listener({ pool, planId, ordinal, epoch });
    } catch (error) {
      this.#bus.log.debug({ err: error }, 'A lease hint could not be resolved');
    } finally {
      this.#lookups--;
    }
  }
}
