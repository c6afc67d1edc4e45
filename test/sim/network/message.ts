import type { Msg, MsgHdrs, Payload } from '@nats-io/nats-core';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What travels: everything in Skein is text. */
export interface Parcel {
  subject: string;
  text: string;
  reply: string;
  headers: MsgHdrs | undefined;
}

export function textOf(payload: Payload | undefined): string {
  if (payload === undefined) return '';
  return typeof payload === 'string' ? payload : decoder.decode(payload);
}

/** A message as the client library shows it. */
export class ReceivedMessage implements Msg {
  readonly sid = 0;

  constructor(private readonly parcel: Parcel) {}

  get subject(): string {
    return this.parcel.subject;
  }

  get reply(): string {
    return this.parcel.reply;
  }

  get headers(): MsgHdrs {
    return this.parcel.headers as MsgHdrs;
  }

  get data(): Uint8Array {
    return encoder.encode(this.parcel.text);
  }

  string(): string {
    return this.parcel.text;
  }

  json<T>(): T {
    return JSON.parse(this.parcel.text) as T;
  }

  respond(): boolean {
    throw new Error('Skein answers by publishing');
  }

  requestInfo(): null {
    return null;
  }
}
