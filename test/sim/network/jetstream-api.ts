import { headers, type MsgHdrs } from '@nats-io/nats-core';
import { refusal, type JetStream, type Stream } from './jetstream.ts';
import type { StoredMessage, StreamConfig } from './stream.ts';
import type { ConsumerConfig, JobConsumer } from './job-consumer.ts';

export interface ApiAnswer {
  text: string;
  headers: MsgHdrs | undefined;
}

const STREAM_MISSING = refusal(404, 10059, 'stream not found');
const CONSUMER_MISSING = refusal(404, 10014, 'consumer not found');
const MESSAGE_MISSING = refusal(404, 10037, 'no message found');

/** The requests that libs/bus makes of JetStream, by the library's own manager. Anything else is a mistake of the model. */
export function answerApi(jetstream: JetStream, subject: string, body: string): ApiAnswer {
  const [verb, ...rest] = nameOf(subject);
  const stream = jetstream.streams.get(rest[0] ?? '');
  if (verb === 'DIRECT.GET') return directGet(jetstream, stream, rest.slice(1).join('.'), body);
  return { text: answer(jetstream, verb ?? '', rest, stream, body), headers: undefined };
}

const VERBS = [
  'STREAM.LIST',
  'STREAM.CREATE',
  'STREAM.UPDATE',
  'STREAM.DELETE',
  'STREAM.INFO',
  'STREAM.PURGE',
  'STREAM.MSG.GET',
  'CONSUMER.CREATE',
  'CONSUMER.INFO',
  'DIRECT.GET',
];

function nameOf(subject: string): string[] {
  const name = subject.slice('$JS.API.'.length);
  const verb = VERBS.find((candidate) => name === candidate || name.startsWith(`${candidate}.`));
  if (!verb) throw new Error(`the model of JetStream does not know ${subject}`);
  return [verb, ...name.slice(verb.length + 1).split('.')];
}

function answer(
  jetstream: JetStream,
  verb: string,
  rest: string[],
  stream: Stream | undefined,
  body: string,
): string {
  switch (verb) {
    case 'STREAM.LIST':
      return list(jetstream, body);
    case 'STREAM.CREATE': {
      const made = jetstream.create(JSON.parse(body) as StreamConfig);
      return 'refused' in made ? made.refused : JSON.stringify(infoOf(made.stream));
    }
  }
  if (!stream) return STREAM_MISSING;
  switch (verb) {
    case 'STREAM.UPDATE':
    case 'STREAM.INFO':
      return JSON.stringify(infoOf(stream));
    case 'STREAM.DELETE':
      return JSON.stringify({ success: jetstream.delete(stream.config.name) });
    case 'STREAM.PURGE': {
      const { filter } = JSON.parse(body) as { filter: string };
      return JSON.stringify({ success: true, purged: jetstream.purge(stream, filter) });
    }
    case 'STREAM.MSG.GET': {
      const { last_by_subj } = JSON.parse(body) as { last_by_subj: string };
      const message = jetstream.find(stream, last_by_subj);
      return message ? JSON.stringify({ message: storedOf(message) }) : MESSAGE_MISSING;
    }
    case 'CONSUMER.CREATE': {
      const { config, action } = JSON.parse(body) as { config: ConsumerConfig; action: string };
      const made = jetstream.addConsumer(stream, config, action);
      if (made === 'differs') return refusal(400, 10148, 'consumer already exists');
      return JSON.stringify(consumerInfo(stream, stream.consumers.get(config.durable_name) as JobConsumer));
    }
    case 'CONSUMER.INFO': {
      const consumer = stream.consumers.get(rest[1] ?? '');
      return consumer ? JSON.stringify(consumerInfo(stream, consumer)) : CONSUMER_MISSING;
    }
    default:
      throw new Error(`the model of JetStream cannot ${verb}`);
  }
}

function list(jetstream: JetStream, body: string): string {
  const { subject } = JSON.parse(body) as { subject?: string };
  const streams = [...jetstream.streams.values()].filter(
    (stream) => subject === undefined || stream.config.subjects.includes(subject),
  );
  return JSON.stringify({
    type: 'io.nats.jetstream.api.v1.stream_list_response',
    total: streams.length,
    offset: 0,
    limit: 256,
    streams: streams.map(infoOf),
  });
}

function infoOf(stream: Stream) {
  return {
    config: stream.config,
    created: new Date(stream.createdMs).toISOString(),
    state: {
      messages: stream.messages.size,
      last_seq: stream.lastSeq,
      subjects: Object.fromEntries([...stream.messages.values()].map(({ subject }) => [subject, 1])),
    },
  };
}

function consumerInfo(stream: Stream, consumer: JobConsumer) {
  return {
    stream_name: stream.config.name,
    name: consumer.config.durable_name,
    config: consumer.config,
    delivered: { stream_seq: consumer.deliveredSeq, consumer_seq: consumer.deliveredSeq },
    num_pending: consumer.queued,
    num_ack_pending: consumer.inFlight,
    num_waiting: consumer.waitingPulls,
  };
}

function storedOf({ seq, subject, text, atMs }: StoredMessage) {
  return { seq, subject, data: Buffer.from(text).toString('base64'), time: new Date(atMs).toISOString() };
}

/** By sequence, or the newest of the subject that the request's own subject ends with. */
function directGet(
  jetstream: JetStream,
  stream: Stream | undefined,
  newestOf: string,
  body: string,
): ApiAnswer {
  const message =
    newestOf === ''
      ? stream?.messages.get((JSON.parse(body) as { seq: number }).seq)
      : stream && jetstream.find(stream, newestOf);
  if (!stream || !message) return { text: '', headers: headers(404, 'Message Not Found') };
  const found = headers();
  found.set('Nats-Stream', stream.config.name);
  found.set('Nats-Sequence', String(message.seq));
  found.set('Nats-Subject', message.subject);
  found.set('Nats-Time-Stamp', new Date(message.atMs).toISOString());
  return { text: message.text, headers: found };
}
