import { headers } from '@nats-io/nats-core';
import type { Chance } from '../core/chance.ts';
import type { Process } from '../core/process.ts';
import type { World } from '../core/world.ts';
import { Connection, type Interest, type ServerSide } from './connection.ts';
import { JetStream } from './jetstream.ts';
import { answerApi } from './jetstream-api.ts';
import type { Parcel } from './message.ts';

export interface NetworkSettings {
  /** Usual time of a message on its way (ms). */
  latencyMs: { low: number; high: number };
  /** Share of messages that take twenty times as long. */
  slowShare: number;
}

/** Sees every message at the moment when its sender sends it. */
export type Eavesdropper = (from: Process, parcel: Parcel) => void;

export type Comeback = 'intact' | 'wiped' | 'rolled-back';

/**
 * nats-server: core messages (at most once, in order per connection unless told otherwise) and JetStream. A core message is routed
 * when it is sent and arrives later; whatever JetStream does happens when the request has reached the server.
 */
export class NatsServer implements ServerSide {
  isUp = true;
  /** Share of all messages that vanish. */
  loss = 0;
  /** Share of core messages that arrive twice. */
  duplicates = 0;
  /** Added to every message's time on its way (ms). */
  extraDelayMs = 0;
  /** Messages overtake each other on their way to a client, as they may from different servers of a cluster. */
  reorders = false;
  /** Nothing that workers are signalled arrives: core messages are sent at most once. */
  losesSignals = false;
  readonly jetstream: JetStream;
  private readonly connections = new Map<string, Connection>();
  private readonly bySubject = new Map<string, Set<Interest>>();
  private readonly byPrefix = new Map<string, Set<Interest>>();
  private readonly ears: Eavesdropper[] = [];
  private readonly eyes: Eavesdropper[] = [];
  private connects = 0;

  constructor(
    readonly world: World,
    readonly chance: Chance,
    private readonly settings: NetworkSettings,
  ) {
    this.jetstream = new JetStream(world, chance.fork('jetstream'), (address, parcel) =>
      this.route(parcel, null, address),
    );
  }

  connect(process: Process): Connection {
    const connection = new Connection(this, process, `c${++this.connects}`);
    this.connections.set(connection.id, connection);
    return connection;
  }

  /** As a starting process does it: nothing goes on before there is a server. */
  async connectWhenUp(process: Process): Promise<Connection> {
    while (!this.isUp)
      await new Promise<void>((resolve) => process.after(this.chance.between(50, 500), resolve));
    return this.connect(process);
  }

  listen(ear: Eavesdropper): void {
    this.ears.push(ear);
  }

  /** Sees every message at the moment when it arrives. */
  watch(eye: Eavesdropper): void {
    this.eyes.push(eye);
  }

  delivered(to: Process, parcel: Parcel): void {
    for (const eye of this.eyes) eye(to, parcel);
  }

  /** From a client, at the moment when it sends. */
  take(from: Connection, parcel: Parcel): void {
    for (const ear of this.ears) ear(from.process, parcel);
    if (!this.isUp || this.chance.bool(this.loss)) return;
    if (this.losesSignals && parcel.subject.includes('.control.worker.')) return;
    if (isForJetStream(parcel.subject, this.jetstream)) this.arrive(from, () => this.handle(parcel));
    else if (from.cut) this.arrive(from, () => void this.route(parcel, from));
    else this.route(parcel, from);
  }

  /** What a client sends reaches the server in order, unless the connection breaks first. A cut line holds it back. */
  arrive(from: Connection, task: () => void): void {
    const arrivesMs = Math.max(this.arrival(), from.arrivesAtServerMs);
    const { life } = from;
    from.arrivesAtServerMs = arrivesMs;
    this.world.at(arrivesMs, () => {
      if (!this.isUp || from.life !== life) return;
      if (from.cut) from.heldToServer.push(task);
      else task();
    });
  }

  /** And the other way round. */
  depart(to: Connection, task: () => void): void {
    const arrivesMs = this.reorders ? this.arrival() : Math.max(this.arrival(), to.arrivesHereMs);
    const { life } = to;
    to.arrivesHereMs = arrivesMs;
    to.process.at(arrivesMs, () => {
      if (to.life !== life) return;
      if (to.cut) to.heldToClient.push(task);
      else task();
    });
  }

  register(interest: Interest): void {
    const { subject, closed } = interest;
    if (closed) return;
    const map = subject.endsWith('.*') ? this.byPrefix : this.bySubject;
    const key = subject.endsWith('.*') ? subject.slice(0, -1) : subject;
    const interests = map.get(key);
    if (interests) interests.add(interest);
    else map.set(key, new Set([interest]));
  }

  forget(interest: Interest): void {
    const { subject } = interest;
    if (subject.endsWith('.*')) this.byPrefix.get(subject.slice(0, -1))?.delete(interest);
    else this.bySubject.get(subject)?.delete(interest);
    this.jetstream.forgetPulls(subject.slice(0, -1));
  }

  forgetAll(connection: Connection): void {
    for (const map of [this.bySubject, this.byPrefix]) {
      for (const interests of map.values()) {
        for (const interest of interests) if (interest.connection === connection) this.forget(interest);
      }
    }
  }

  /** The process is gone: its sockets are closed by its kernel, or, without a word, by nobody for a while. */
  abandon(process: Process, silentMs: number): void {
    this.world.after(silentMs, () => {
      for (const connection of this.connectionsOf(process)) {
        connection.state = 'closed';
        this.forgetAll(connection);
        this.connections.delete(connection.id);
      }
    });
  }

  /** kill -9. Every client notices soon. */
  crash(): void {
    this.isUp = false;
    this.jetstream.dropPulls();
    for (const connection of this.connections.values()) connection.life += 1;
    this.loseAll();
  }

  restart(as: Comeback): void {
    this.isUp = true;
    if (as === 'wiped') this.jetstream.wipe();
    if (as === 'rolled-back') this.jetstream.rollBack();
  }

  /** The connections of one process, cut or healed. A cut is noticed after `noticedMs`, or never while it lasts. */
  setCut(process: Process, cut: boolean, noticedMs: number): void {
    for (const connection of this.connectionsOf(process)) {
      connection.cut = cut;
      if (cut) process.after(noticedMs, () => connection.cut && connection.lose());
      else connection.release();
    }
  }

  connectionsOf(process: Process): Connection[] {
    return [...this.connections.values()].filter((connection) => connection.process === process);
  }

  latencyMs(): number {
    const { low, high } = this.settings.latencyMs;
    const usual = this.chance.between(low, high) + this.chance.next() * this.extraDelayMs;
    return this.chance.bool(this.settings.slowShare) ? usual * 20 : usual;
  }

  private loseAll(): void {
    for (const connection of this.connections.values())
      connection.process.after(this.chance.between(1, 50), () => connection.lose());
  }

  private handle(parcel: Parcel): void {
    const { subject } = parcel;
    if (subject.startsWith('$JS.ACK.')) return this.jetstream.settle(subject, parcel.text);
    if (subject.startsWith('$JS.API.CONSUMER.MSG.NEXT.')) {
      if (!this.jetstream.pull(subject, parcel)) this.route(noResponders(parcel.reply));
      return;
    }
    if (subject.startsWith('$JS.API.')) {
      const answer = answerApi(this.jetstream, subject, parcel.text);
      this.route({ ...answer, reply: '', subject: parcel.reply });
      return;
    }
    const answers = this.jetstream.publish(parcel);
    if (answers.length === 0) this.route(noResponders(parcel.reply));
    for (const text of answers) this.route({ subject: parcel.reply, text, reply: '', headers: undefined });
  }

  /** To everybody who is interested in the address: a message's own subject, or the inbox of a pull. */
  private route(parcel: Parcel, from: Connection | null = null, address = parcel.subject): boolean {
    if (address === '') return false;
    if (address.startsWith(Connection.requestPrefix)) return this.routeAnswer(parcel, address);
    let reached = false;
    const prefix = address.slice(0, address.lastIndexOf('.') + 1);
    for (const interests of [this.bySubject.get(address), this.byPrefix.get(prefix)]) {
      for (const interest of interests ?? []) {
        reached = true;
        this.deliver(interest.connection, interest, parcel);
      }
    }
    if (!reached && parcel.reply !== '' && from) this.deliver(from, null, noResponders(parcel.reply));
    return reached;
  }

  private routeAnswer(parcel: Parcel, address: string): boolean {
    const [, id = ''] = address.split('.');
    const connection = this.connections.get(id);
    if (!connection) return false;
    this.deliver(connection, null, parcel);
    return true;
  }

  private deliver(connection: Connection, interest: Interest | null, parcel: Parcel): void {
    if (!this.isUp || this.chance.bool(this.loss)) return;
    this.depart(connection, () => connection.receive(interest, parcel));
    if (!this.chance.bool(this.duplicates)) return;
    this.depart(connection, () => connection.receive(interest, parcel));
  }

  private arrival(): number {
    return this.world.nowMs + this.latencyMs();
  }
}

function noResponders(reply: string): Parcel {
  return { subject: reply, text: '', reply: '', headers: headers(503, 'No Responders') };
}

function isForJetStream(subject: string, jetstream: JetStream): boolean {
  return subject.startsWith('$JS.') || jetstream.takes(subject);
}
