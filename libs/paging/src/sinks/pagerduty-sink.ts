import { headlineOf, type Message } from '../message.ts';
import { cut } from '../plain-text.ts';
import type { PagerDutySettings, Sink } from './sink.ts';

/** What PagerDuty takes of a summary. */
const SUMMARY_CHARS_MAX = 1_024;

/** PagerDuty Events API v2: https://developer.pagerduty.com/docs/events-api-v2-overview */
export function pagerDutySink({ url, routingKey }: PagerDutySettings): Pick<Sink, 'request'> {
  return {
    request: (message) => ({ url, headers: {}, body: JSON.stringify(eventOf(message, routingKey)) }),
  };
}

function eventOf(message: Message, routingKey: string): object {
  const { action, incident, plan, step, reason, severity, kind, at, fleet, todo, links, id } = message;
  const head = {
    routing_key: routingKey,
    event_action: action === 'resolve' ? 'resolve' : 'trigger',
    dedup_key: incident,
  };
  const payload = {
    summary: cut(headlineOf(message), SUMMARY_CHARS_MAX),
    source: `skein/${fleet}`,
    severity,
    timestamp: at,
    component: step?.ordinal ?? 'plan',
    group: plan.id,
    class: kind,
    custom_details: {
      page: id,
      plan: plan.id,
      plan_name: plan.name,
      ...(plan.tenant !== null && { tenant: plan.tenant }),
      ...(step !== null && { step: step.ordinal, step_name: step.name ?? step.ordinal }),
      reason_code: reason.code,
      reason: reason.message,
      ...(todo.length > 0 && { todo: todo.map(({ what, run }) => `${what}: ${run}`) }),
    },
  };
  const [first] = links;
  return {
    ...head,
    payload,
    client: 'Skein',
    ...(first && { client_url: first.url }),
    ...(links.length > 0 && { links: links.map((link) => ({ href: link.url, text: link.title })) }),
  };
}
