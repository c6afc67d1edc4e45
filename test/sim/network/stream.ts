import { headers } from '@nats-io/nats-core';
import type { Chance } from '../core/chance.ts';
import type { World } from '../core/world.ts';
import type { Parcel } from './message.ts';

export interface StreamConfig {
  name: string;
  subjects: string[];
  retention: string;
  max_msgs_per_subject?: number;
  discard_new_per_subject?: boolean;
  metadata?: Record<string, string>;
}

export interface StoredMessage {
  seq: number;
  subject: string;
  text: string;
  atMs: number;
}

/** What a consumer sees of its stream. */
export interface StreamContent {
  config: StreamConfig;
  readonly messages: Map<number, StoredMessage>;
}

/** To an inbox or to who listens; false: nobody does. */
export type Send = (address: string, parcel: Parcel) => boolean;

/** What a consumer needs of the broker that it is in. */
export interface Broker {
  readonly world: World;
  readonly chance: Chance;
  readonly send: Send;
}

/** `a.*.b.>` covers `a.x.b.c.d`. */
export function covers(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  if (pattern.endsWith('.>') && !pattern.includes('*')) return subject.startsWith(pattern.slice(0, -1));
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  return wanted.every((token, i) =>
    token === '>' ? i < tokens.length : token === '*' || token === tokens[i],
  );
}

export function status(code: number, description: string): Parcel {
  return { subject: '', text: '', reply: '', headers: headers(code, description) };
}
