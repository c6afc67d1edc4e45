import type { Message } from '../message.ts';
import type { PageKind } from '../page.ts';
import { pagerDutySink } from './pagerduty-sink.ts';
import { slackSink } from './slack-sink.ts';
import { webhookSink } from './webhook-sink.ts';

/** Whom pages go to, as it was set. Addresses and secrets are checked where settings are read. */
export type SinkSettings = {
  name: string;
  on: readonly PageKind[];
} & (WebhookSettings | SlackSettings | PagerDutySettings);

export interface WebhookSettings {
  type: 'webhook';
  url: string;
  /** One, or the new and the old one while they are exchanged. */
  secrets: readonly string[];
}

export interface SlackSettings {
  type: 'slack';
  url: string;
}

export interface PagerDutySettings {
  type: 'pagerduty';
  url: string;
  routingKey: string;
}

export type SinkType = SinkSettings['type'];

/** What is sent to a sink. */
export interface SinkRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface Sink {
  readonly name: string;
  readonly type: SinkType;
  readonly on: ReadonlySet<PageKind>;
  /** Scheme, host and port: all of its address that may be shown. */
  readonly place: string;
  /** What must be in no text for people, log or event. */
  readonly secrets: readonly string[];
  /** The message in the sink's own format. `nowMs`: of this try. */
  request(message: Message, nowMs: number): SinkRequest;
}

export function makeSink(settings: SinkSettings): Sink {
  const { name, type, on, url } = settings;
  const { origin, pathname, search } = new URL(url);
  const base = { name, type, on: new Set(on), place: origin };
  const hidden = [url, `${pathname}${search}`, ...pathname.split('/')].filter((part) => part.length >= 8);
  switch (settings.type) {
    case 'webhook':
      return { ...base, ...webhookSink(settings), secrets: [...settings.secrets, ...hidden] };
    case 'slack':
      return { ...base, ...slackSink(settings), secrets: hidden };
    case 'pagerduty':
      // Its address is everybody's.
      return { ...base, ...pagerDutySink(settings), secrets: [settings.routingKey] };
  }
}
