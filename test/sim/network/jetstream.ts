import type { Chance } from '../core/chance.ts';
import type { World } from '../core/world.ts';
import { JobConsumer, type ConsumerConfig } from './job-consumer.ts';
import type { Parcel } from './message.ts';
import {
  covers,
  type Broker,
  type Send,
  type StoredMessage,
  type StreamConfig,
  type StreamContent,
} from './stream.ts';

export interface Stream extends StreamContent {
  createdMs: number;
  lastSeq: number;
  readonly consumers: Map<string, JobConsumer>;
  /** What was removed lately, for a crash that forgets it. */
  readonly removed: StoredMessage[];
}

/** Two creations so close to each other may both come through, though their subjects overlap (seen on 2.15.1). */
const RACE_MS = 30;
const FORGOTTEN_MAX = 3;

/**
 * Streams and pull consumers, as far as Skein uses them and with the manners of nats-server 2.15 that FIELD-NOTES and
 * the specs of libs/bus found: acks that are not fenced, one message per subject, `max_deliver: 1`.
 */
export class JetStream implements Broker {
  readonly streams = new Map<string, Stream>();

  constructor(
    readonly world: World,
    readonly chance: Chance,
    readonly send: Send,
  ) {}

  takes(subject: string): boolean {
    // Also without a stream: then there are no responders, and that takes a round trip.
    return /^[^.]+\.(jobs|dead)\./.test(subject);
  }

  /** The answers of all streams that take the subject; more than one after a race of two creators. */
  publish(parcel: Parcel): string[] {
    const expected = parcel.headers?.get('Nats-Expected-Stream');
    const answers: string[] = [];
    for (const stream of this.streams.values()) {
      if (!stream.config.subjects.some((pattern) => covers(pattern, parcel.subject))) continue;
      if (expected && expected !== stream.config.name)
        answers.push(refusal(400, 10060, 'expected stream does not match'));
      else answers.push(this.store(stream, parcel));
    }
    return answers;
  }

  create(config: StreamConfig): { stream: Stream } | { refused: string } {
    const existing = this.streams.get(config.name);
    if (existing) return { stream: existing };
    const overlapping = [...this.streams.values()].some(
      (stream) =>
        stream.config.subjects.some((subject) => config.subjects.includes(subject)) &&
        !(this.world.nowMs - stream.createdMs < RACE_MS && this.chance.bool(0.5)),
    );
    if (overlapping) return { refused: refusal(400, 10065, 'subjects overlap with an existing stream') };
    const stream: Stream = {
      config,
      createdMs: this.world.nowMs,
      lastSeq: 0,
      messages: new Map(),
      consumers: new Map(),
      removed: [],
    };
    this.streams.set(config.name, stream);
    return { stream };
  }

  delete(name: string): boolean {
    const stream = this.streams.get(name);
    if (!stream) return false;
    this.streams.delete(name);
    for (const consumer of stream.consumers.values()) consumer.delete();
    return true;
  }

  addConsumer(stream: Stream, config: ConsumerConfig, action: string): 'made' | 'there' | 'differs' {
    const before = stream.consumers.get(config.durable_name);
    if (before && before.config.ack_wait !== config.ack_wait && action === 'create') return 'differs';
    if (before) before.config = config;
    else stream.consumers.set(config.durable_name, new JobConsumer(this, stream, config));
    return before ? 'there' : 'made';
  }

  /** False: there is no such consumer. */
  pull(subject: string, { text, reply }: Parcel): boolean {
    const [streamName = '', name = ''] = subject.slice('$JS.API.CONSUMER.MSG.NEXT.'.length).split('.');
    const consumer = this.streams.get(streamName)?.consumers.get(name);
    if (!consumer) return false;
    const { no_wait: noWait = false, expires = 0 } = JSON.parse(text) as {
      no_wait?: boolean;
      expires?: number;
    };
    consumer.pull(reply, noWait, expires / 1e6);
    return true;
  }

  /** An ack of any kind. Stream and consumer are named with their generation, so what a wipe left matches nothing. */
  settle(subject: string, text: string): void {
    const [, , streamName = '', name = '', , seq = ''] = subject.split('.');
    const stream = this.streams.get(streamName);
    const consumer = stream?.consumers.get(name);
    if (!stream || !consumer) return;
    if (text.startsWith('+WPI')) return consumer.extend(Number(seq));
    // Not fenced: whoever held it once may remove it.
    this.remove(stream, Number(seq));
  }

  remove(stream: Stream, seq: number): void {
    const message = stream.messages.get(seq);
    if (!message) return;
    stream.messages.delete(seq);
    stream.removed.push(message);
    if (stream.removed.length > FORGOTTEN_MAX) stream.removed.shift();
    for (const consumer of stream.consumers.values()) consumer.settled(seq);
  }

  purge(stream: Stream, filter: string): number {
    const gone = [...stream.messages.values()].filter((message) => covers(filter, message.subject));
    for (const { seq } of gone) this.remove(stream, seq);
    return gone.length;
  }

  find(stream: Stream, subject: string): StoredMessage | null {
    let found: StoredMessage | null = null;
    for (const message of stream.messages.values()) if (message.subject === subject) found = message;
    return found;
  }

  /** Inboxes that begin so have nobody behind them any more. */
  forgetPulls(inboxPrefix: string): void {
    for (const stream of this.streams.values())
      for (const consumer of stream.consumers.values()) consumer.forgetPulls(inboxPrefix);
  }

  dropPulls(): void {
    this.forgetPulls('');
  }

  /** The folder of JetStream is gone. */
  wipe(): void {
    for (const stream of this.streams.values())
      for (const consumer of stream.consumers.values()) consumer.stop();
    this.streams.clear();
  }

  /** The last writes before the crash had not reached the disk: messages, removals and deliveries alike. */
  rollBack(): void {
    for (const stream of this.streams.values()) {
      const lost = this.chance.some([...stream.messages.keys()].slice(-FORGOTTEN_MAX), 0.5);
      for (const seq of lost) stream.messages.delete(seq);
      for (const message of this.chance.some(stream.removed.splice(0), 0.5))
        stream.messages.set(message.seq, message);
      const sorted = [...stream.messages].sort(([a], [b]) => a - b);
      stream.messages.clear();
      for (const [seq, message] of sorted) stream.messages.set(seq, message);
      for (const consumer of stream.consumers.values()) consumer.rollBack(this.chance.int(0, FORGOTTEN_MAX));
    }
  }

  private store(stream: Stream, { subject, text }: Parcel): string {
    if (stream.config.discard_new_per_subject && this.find(stream, subject))
      return refusal(503, 10077, 'maximum messages per subject exceeded');
    const seq = (stream.lastSeq += 1);
    stream.messages.set(seq, { seq, subject, text, atMs: this.world.nowMs });
    for (const consumer of stream.consumers.values()) consumer.deliver();
    return JSON.stringify({ stream: stream.config.name, seq });
  }
}

export function refusal(code: number, errCode: number, description: string): string {
  return JSON.stringify({ error: { code, err_code: errCode, description } });
}
