import type { Message } from '../message.ts';
import type { PageKind } from '../page.ts';

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
