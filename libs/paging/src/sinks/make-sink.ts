import { pagerDutySink } from './pagerduty-sink.ts';
import { slackSink } from './slack-sink.ts';
import type { Sink, SinkSettings } from './sink.ts';
import { webhookSink } from './webhook-sink.ts';

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
