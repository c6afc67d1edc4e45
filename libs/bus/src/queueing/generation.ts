import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type ConsumerConfig,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos, type WithRequired } from '@nats-io/nats-core';
import type { Subjects } from '#contracts';
import type { Clock } from '../leasing/clock.ts';

/** Raised when the stream's settings change: a stream of another format is replaced, not updated. */
const FORMAT = '1';
const NAMESPACE_KEY = 'skein-namespace';
const FORMAT_KEY = 'skein-format';
/** The decider keeps a shallow window; this bound only catches a decider gone wild. */
const MAX_JOBS = 500_000;
/** Far above any fleet: a full consumer would starve its pool silently. */
const MAX_ACK_PENDING = 1_000_000;
const MAX_WAITING_PULLS = 16_384;

/** Sorts by time; the random part keeps two makers of the same millisecond apart. No dash: names are split at it. */
export function newGeneration(o: { clock: Pick<Clock, 'dateMs'>; random: () => number }): string {
  const own = Math.floor(o.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  return `${Math.floor(o.clock.dateMs()).toString(36)}${own}`;
}

export function jobStreamName(namespace: string, generation: string): string {
  return `${namespace}-jobs-${generation}`;
}

export function jobConsumerName(namespace: string, pool: string, generation: string): string {
  return `${namespace}-jobs-${pool}-${generation}`;
}

/** The generation of a stream that we made, or null: foreign streams are never touched. */
export function generationOf(
  namespace: string,
  config: Pick<StreamConfig, 'name' | 'metadata'>,
): string | null {
  const prefix = `${namespace}-jobs-`;
  if (config.metadata?.[NAMESPACE_KEY] !== namespace || !config.name.startsWith(prefix)) return null;
  const generation = config.name.slice(prefix.length);
  return /^[a-z0-9]+$/.test(generation) ? generation : null;
}

export function isCurrentFormat(info: StreamInfo): boolean {
  return info.config.metadata?.[FORMAT_KEY] === FORMAT;
}

export function jobStreamConfig(
  subjects: Subjects,
  generation: string,
): WithRequired<Partial<StreamConfig>, 'name'> {
  return {
    name: jobStreamName(subjects.namespace, generation),
    description: 'Jobs of a Skein fleet; disposable',
    subjects: [subjects.allJobs()],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    // One subject is one lease: a second job for it is refused (10077) while the first is queued or in flight.
    max_msgs_per_subject: 1,
    max_msgs: MAX_JOBS,
    discard: DiscardPolicy.New,
    discard_new_per_subject: true,
    // Lease hints read the subject of a sequence, look-ups the sequence of a subject.
    allow_direct: true,
    metadata: { [NAMESPACE_KEY]: subjects.namespace, [FORMAT_KEY]: FORMAT },
  };
}

export function jobConsumerConfig(
  subjects: Subjects,
  pool: string,
  generation: string,
  leaseMs: number,
): ConsumerConfig & { durable_name: string } {
  return {
    durable_name: jobConsumerName(subjects.namespace, pool, generation),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    // The broker never hands a job out again: only the decider ends a lease.
    max_deliver: 1,
    ack_wait: nanos(leaseMs),
    filter_subject: subjects.jobsOfPool(pool),
    max_ack_pending: MAX_ACK_PENDING,
    max_waiting: MAX_WAITING_PULLS,
  };
}
