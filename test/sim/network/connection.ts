import {
  type Msg,
  type NatsConnection,
  NoRespondersError,
  type Payload,
  type PublishOptions,
  RequestError,
  type RequestOptions,
  type Status,
  type Subscription,
  type SubscriptionOptions,
  TimeoutError,
} from '@nats-io/nats-core';
import type { Chance } from '../core/chance.ts';
import type { Process } from '../core/process.ts';
import type { World } from '../core/world.ts';
import { type Parcel, ReceivedMessage, textOf } from './message.ts';
import { StatusFeed } from './status-feed.ts';

/** The other end, as its clients use it. */
export interface ServerSide {
  readonly world: World;
  readonly chance: Chance;
  readonly isUp: boolean;
  latencyMs(): number;
  take(from: Connection, parcel: Parcel): void;
  delivered(to: Process, parcel: Parcel): void;
  arrive(from: Connection, task: () => void): void;
  depart(to: Connection, task: () => void): void;
  register(interest: Interest): void;
  forget(interest: Interest): void;
  forgetAll(connection: Connection): void;
}

type Callback = NonNullable<SubscriptionOptions['callback']>;

/** What the client asked for; the server keeps a copy of it for as long as it believes in the connection. */
export interface Interest {
  readonly connection: Connection;
  readonly subject: string;
  readonly callback: Callback;
  closed: boolean;
}

interface Request {
  resolve: (message: Msg) => void;
  reject: (error: Error) => void;
  calloff: () => void;
}

/** How often a message that is sent while the client reconnects is kept for afterwards; the library mostly drops it. */
const KEPT_WHILE_AWAY = 0.3;
const REQUEST_PREFIX = '_R.';

/**
 * The client's end of a connection, as `@nats-io/transport-node` behaves: it reconnects for ever, takes its
 * subscriptions up again, and loses what was on its way. Only what Skein uses of `NatsConnection` is there.
 */
export class Connection {
  /** What the client believes. */
  state: 'open' | 'away' | 'closed' = 'open';
  /** Nothing goes through, in either direction; who sends does not know. What is sent comes through when the line heals. */
  cut = false;
  readonly heldToServer: (() => void)[] = [];
  readonly heldToClient: (() => void)[] = [];
  /** Grows with each loss: what was on its way then is gone. */
  life = 0;
  /** In-order delivery, per direction: the earliest instant for the next message. */
  arrivesAtServerMs = 0;
  arrivesHereMs = 0;
  readonly info = { max_payload: 1_048_576 };
  readonly options = { inboxPrefix: '_INBOX' };
  readonly features = { get: () => ({ min: '', ok: true }), require: () => undefined };
  private readonly interests = new Set<Interest>();
  private readonly requests = new Map<string, Request>();
  private readonly feed = new StatusFeed();
  private readonly drains = new Set<{ fail: () => void }>();
  private readonly kept: Parcel[] = [];
  private readonly closing = Promise.withResolvers<void | Error>();
  private serial = 0;

  constructor(
    readonly server: ServerSide,
    readonly process: Process,
    readonly id: string,
  ) {}

  static requestPrefix = REQUEST_PREFIX;

  get asNats(): NatsConnection {
    return this as unknown as NatsConnection;
  }

  publish(subject: string, payload?: Payload, o: PublishOptions = {}): void {
    if (this.state === 'closed') throw new Error('CONNECTION_CLOSED');
    this.send({ subject, text: textOf(payload), reply: o.reply ?? '', headers: o.headers });
  }

  request(subject: string, payload?: Payload, o?: RequestOptions): Promise<Msg> {
    if (this.state === 'closed') return Promise.reject(new RequestError('closed connection'));
    const reply = `${REQUEST_PREFIX}${this.id}.${++this.serial}`;
    return new Promise((resolve, reject) => {
      const timeoutMs = o?.timeout ?? 1_000;
      const calloff = this.process.clock.schedule(timeoutMs, () =>
        this.settle(reply)?.reject(new TimeoutError()),
      );
      this.requests.set(reply, { resolve, reject, calloff });
      this.send({ subject, text: textOf(payload), reply, headers: o?.headers });
    });
  }

  subscribe(subject: string, { callback }: SubscriptionOptions): Subscription {
    const interest: Interest = { connection: this, subject, callback: callback as Callback, closed: false };
    this.interests.add(interest);
    if (this.state === 'open') this.server.arrive(this, () => this.server.register(interest));
    const close = (): void => {
      interest.closed = true;
      this.interests.delete(interest);
    };
    const unsubscribe = (): void => {
      close();
      this.server.arrive(this, () => this.server.forget(interest));
    };
    // What is on its way when the server hears of it still arrives.
    const drain = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const end = (): void => {
          this.drains.delete(draining);
          close();
        };
        const fail = (): void => {
          end();
          reject(new RequestError('connection disconnected'));
        };
        const draining = { fail };
        this.drains.add(draining);
        this.server.arrive(this, () => {
          this.server.forget(interest);
          this.server.depart(this, () => {
            end();
            resolve();
          });
        });
      });
    return { unsubscribe, drain, isClosed: () => interest.closed } as unknown as Subscription;
  }

  /** From the server, at the moment of its arrival. */
  receive(interest: Interest | null, parcel: Parcel): void {
    if (this.state !== 'open') return;
    this.server.delivered(this.process, parcel);
    if (interest === null) this.answer(parcel);
    else if (!interest.closed) void interest.callback(null, new ReceivedMessage(parcel));
  }

  /** The client notices that the connection is gone. */
  lose(): void {
    if (this.state !== 'open') return;
    this.state = 'away';
    this.life += 1;
    this.heldToServer.length = 0;
    this.heldToClient.length = 0;
    this.server.forgetAll(this);
    for (const drain of [...this.drains]) drain.fail();
    this.feed.push({ type: 'disconnect' } as Status);
    this.retry();
  }

  /** The line is whole again: what it held back goes through. */
  release(): void {
    for (const task of this.heldToServer.splice(0)) this.server.world.after(0, task);
    for (const task of this.heldToClient.splice(0)) this.process.after(0, task);
  }

  status(): AsyncIterable<Status> {
    return this.feed;
  }

  closed(): Promise<void | Error> {
    return this.closing.promise;
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.server.forgetAll(this);
    for (const reply of [...this.requests.keys()])
      this.settle(reply)?.reject(new RequestError('closed connection'));
    this.feed.end();
    this.closing.resolve();
  }

  drain(): Promise<void> {
    return this.close();
  }

  async flush(): Promise<void> {
    await new Promise<void>((resolve) => this.process.after(2 * this.server.latencyMs(), resolve));
  }

  isClosed(): boolean {
    return this.state === 'closed';
  }

  getServer(): string {
    return 'simulated';
  }

  get openRequests(): number {
    return this.requests.size;
  }

  private send(parcel: Parcel): void {
    if (this.state === 'open') this.server.take(this, parcel);
    else if (this.state === 'away' && this.server.chance.bool(KEPT_WHILE_AWAY)) this.kept.push(parcel);
  }

  private retry(): void {
    const { chance } = this.server;
    this.process.after(chance.between(50, 550), () => {
      if (this.state !== 'away') return;
      if (this.cut || !this.server.isUp) return this.retry();
      this.state = 'open';
      this.arrivesHereMs = 0;
      for (const interest of this.interests) this.server.arrive(this, () => this.server.register(interest));
      this.feed.push({ type: 'reconnect' } as Status);
      for (const parcel of this.kept.splice(0)) this.send(parcel);
    });
  }

  private answer(parcel: Parcel): void {
    const request = this.settle(parcel.subject);
    if (!request) return;
    if (parcel.headers?.code !== 503) return request.resolve(new ReceivedMessage(parcel));
    const cause = new NoRespondersError(parcel.subject);
    request.reject(new RequestError('no responders', { cause }));
  }

  private settle(reply: string): Request | null {
    const request = this.requests.get(reply);
    if (!request) return null;
    this.requests.delete(reply);
    request.calloff();
    return request;
  }
}
