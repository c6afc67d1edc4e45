import { type JetStreamClient, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { createInbox, headers, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core';
import { Subjects } from '#contracts';
import { extractTrace, observe, type Logger } from '#telemetry';
import { MessageTooLargeError } from '../errors.ts';
import { type Clock, systemClock } from '../leasing/clock.ts';

export type BusStatus = 'disconnected' | 'reconnected' | 'closed';

export interface BusIdentity {
  namespace: string;
  name: string;
  log: Logger;
  inboxPrefix?: string;
  /** Default: the system's. Everything on this bus waits and measures by it. */
  clock?: Clock;
  /** 0 to 1, for jitter and names (default Math.random). */
  random?: () => number;
}

const TRACEPARENT = 'traceparent';

/**
 * One connection to NATS, shared by everything in a process. It reconnects for ever; while it is away, requests fail
 * with `BusUnavailableError` or wait (see each class), and nothing throws out of the blue.
 */
export class Bus implements AsyncDisposable {
  readonly namespace: string;
  readonly name: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly #inboxPrefix: string | undefined;
  readonly subjects: Subjects;
  readonly js: JetStreamClient;
  #connected = true;
  #closed = false;
  readonly #listeners = new Set<(status: BusStatus) => void>();
  readonly #offConnected: () => void;

  static async over(nc: NatsConnection, o: BusIdentity): Promise<Bus> {
    // checkAPI: a look-up that a worker has no permission for, and that fails while JetStream is away.
    return new Bus(nc, await jetstreamManager(nc, { checkAPI: false }), o);
  }

  private constructor(
    readonly nc: NatsConnection,
    readonly jsm: JetStreamManager,
    { namespace, name, log, inboxPrefix, clock, random }: BusIdentity,
  ) {
    this.namespace = namespace;
    this.name = name;
    this.log = log;
    this.clock = clock ?? systemClock;
    this.random = random ?? Math.random;
    this.#inboxPrefix = inboxPrefix;
    this.subjects = new Subjects(namespace);
    this.js = jsm.jetstream();
    this.#offConnected = observe('busConnected', (tell) => tell(this.connected ? 1 : 0, {}));
    void this.#watch();
    void nc.closed().then((error) => {
      if (error && !this.#closed) log.error({ err: error }, 'The connection to NATS ended for good');
      this.#tell('closed');
    });
  }

  get connected(): boolean {
    return this.#connected && !this.#closed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Listeners must not throw. Returns the unsubscriber. */
  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Fire and forget. False (and nothing kept) while the connection is away: the client would buffer without bound. */
  publish(subject: string, body: unknown, o: { traceparent?: string | null; reply?: string } = {}): boolean {
    if (!this.connected) return false;
    const payload = this.encode(subject, body);
    this.nc.publish(subject, payload, {
      ...(o.reply === undefined ? {} : { reply: o.reply }),
      ...(o.traceparent ? { headers: traceHeaders(o.traceparent) } : {}),
    });
    return true;
  }

  /** A new subject for answers, below the prefix that this connection may subscribe to. */
  inbox(): string {
    return createInbox(this.#inboxPrefix);
  }

  /** JSON text, refused when the server would cut the connection for its size. */
  encode(subject: string, body: unknown): string {
    const text = JSON.stringify(body);
    const limit = this.nc.info?.max_payload ?? Number.POSITIVE_INFINITY;
    // A UTF-16 unit is at most three bytes: only long texts are measured exactly.
    if (text.length * 3 > limit) {
      const size = Buffer.byteLength(text) + HEADER_ROOM_BYTES;
      if (size > limit) throw new MessageTooLargeError(subject, size, limit);
    }
    return text;
  }

  /** Sends what is buffered, lets subscriptions finish, closes. */
  async drain(): Promise<void> {
    if (this.#closed) return;
    if (!this.connected) return this.close();
    await this.nc.drain().catch(() => this.nc.close());
    this.#tell('closed');
  }

  async close(): Promise<void> {
    await this.nc.close();
    this.#tell('closed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') this.#tell('disconnected');
      else if (status.type === 'reconnect') this.#tell('reconnected');
      else if (status.type === 'error') this.log.warn({ err: status.error }, 'NATS reported an error');
      else if (status.type === 'slowConsumer')
        this.log.warn({ pending: status.pending }, 'NATS messages pile up');
    }
  }

  #tell(status: BusStatus): void {
    if (this.#closed) return;
    if (status === 'closed') {
      this.#closed = true;
      this.#offConnected();
    }
    if (status === 'disconnected')
      this.log.warn({ server: this.nc.getServer() }, 'NATS is away; reconnecting');
    if (status === 'reconnected') this.log.info({ server: this.nc.getServer() }, 'NATS is back');
    this.#connected = status === 'reconnected';
    for (const listener of [...this.#listeners]) listener(status);
    if (status === 'closed') this.#listeners.clear();
  }
}

/** Room for headers and subject in the size limit. */
const HEADER_ROOM_BYTES = 2_048;

export function traceHeaders(traceparent: string): MsgHdrs {
  const h = headers();
  h.set(TRACEPARENT, traceparent);
  return h;
}

/** Null, too, when what came is no traceparent: it goes into the ledger. */
export function traceparentOf(h: MsgHdrs | undefined): string | null {
  return extractTrace(h);
}
