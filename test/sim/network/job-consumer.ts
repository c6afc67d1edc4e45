import type { Happening } from '../core/world.ts';
import { covers, status, type Broker, type StoredMessage, type StreamContent } from './stream.ts';

export interface ConsumerConfig {
  durable_name: string;
  filter_subject: string;
  /** ns */
  ack_wait: number;
}

interface Pull {
  inbox: string;
  expiry: Happening | null;
}

/** A durable pull consumer of a work queue with `max_deliver: 1`: it hands each message out once, in its order. */
export class JobConsumer {
  deliveredSeq = 0;
  private deliveries = 0;
  private readonly waiting: Pull[] = [];
  /** Delivered and not settled, with the end of its ack deadline. */
  private readonly pending = new Map<number, Happening>();

  constructor(
    private readonly broker: Broker,
    private readonly stream: StreamContent,
    public config: ConsumerConfig,
  ) {}

  get inFlight(): number {
    return this.pending.size;
  }

  get waitingPulls(): number {
    return this.waiting.length;
  }

  get queued(): number {
    let queued = 0;
    for (const message of this.stream.messages.values()) if (this.isDue(message)) queued += 1;
    return queued;
  }

  pull(inbox: string, noWait: boolean, expiresMs: number): void {
    const pull: Pull = { inbox, expiry: null };
    this.waiting.push(pull);
    this.deliver();
    if (!this.waiting.includes(pull)) return;
    if (noWait) this.refuse(pull, 404, 'No Messages');
    else pull.expiry = this.broker.world.after(expiresMs, () => this.refuse(pull, 408, 'Request Timeout'));
  }

  /** What is due goes to who waits. */
  deliver(): void {
    while (this.waiting.length > 0) {
      const message = this.next();
      if (!message) return;
      const pull = this.waiting.shift() as Pull;
      if (pull.expiry) pull.expiry.task = null;
      this.hand(message, pull.inbox);
    }
  }

  /** `working()`: the ack deadline counts anew. */
  extend(seq: number): void {
    if (this.pending.has(seq)) this.watch(seq);
  }

  settled(seq: number): void {
    this.calloff(seq);
  }

  forgetPulls(inboxPrefix: string): void {
    for (const pull of [...this.waiting]) if (pull.inbox.startsWith(inboxPrefix)) this.drop(pull);
  }

  /** Deleted under those who wait at it. */
  delete(): void {
    for (const pull of [...this.waiting]) this.refuse(pull, 409, 'Consumer Deleted');
    this.stop();
  }

  stop(): void {
    this.forgetPulls('');
    for (const seq of [...this.pending.keys()]) this.calloff(seq);
  }

  /** A crash right after deliveries forgets them: they are handed out again, `max_deliver` or not. */
  rollBack(deliveries: number): void {
    for (const seq of [...this.pending.keys()]) if (seq > this.deliveredSeq - deliveries) this.calloff(seq);
    this.deliveredSeq = Math.max(0, this.deliveredSeq - deliveries);
  }

  private next(): StoredMessage | null {
    for (const message of this.stream.messages.values()) if (this.isDue(message)) return message;
    return null;
  }

  private isDue({ seq, subject }: StoredMessage): boolean {
    return seq > this.deliveredSeq && covers(this.config.filter_subject, subject);
  }

  private hand({ seq, subject, text }: StoredMessage, inbox: string): void {
    this.deliveredSeq = seq;
    this.deliveries += 1;
    const names = `${this.stream.config.name}.${this.config.durable_name}`;
    const reply = `$JS.ACK.${names}.1.${seq}.${this.deliveries}.0.0`;
    this.watch(seq);
    this.broker.send(inbox, { subject, text, reply, headers: undefined });
  }

  private watch(seq: number): void {
    this.calloff(seq);
    const waitMs = this.config.ack_wait / 1e6;
    this.pending.set(
      seq,
      this.broker.world.after(waitMs, () => this.expire(seq)),
    );
  }

  /** It stays in the stream, invisible, until somebody purges it. The advisory is best effort. */
  private expire(seq: number): void {
    this.pending.delete(seq);
    if (this.broker.chance.bool(0.2)) return;
    const subject = `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${this.stream.config.name}.${this.config.durable_name}`;
    const text = JSON.stringify({ stream_seq: seq });
    this.broker.send(subject, { subject, text, reply: '', headers: undefined });
  }

  private refuse(pull: Pull, code: number, description: string): void {
    this.drop(pull);
    this.broker.send(pull.inbox, { ...status(code, description), subject: pull.inbox });
  }

  private drop(pull: Pull): void {
    const index = this.waiting.indexOf(pull);
    if (index >= 0) this.waiting.splice(index, 1);
    if (pull.expiry) pull.expiry.task = null;
  }

  private calloff(seq: number): void {
    const happening = this.pending.get(seq);
    if (happening) happening.task = null;
    this.pending.delete(seq);
  }
}
