import { nameOf, type Message } from '../message.ts';
import { cut } from '../plain-text.ts';
import type { Sink, SlackSettings } from './sink.ts';

/** Slack shows 4,000 characters well. As they are sent: escaping makes some of them five. */
const REASON_CHARS_MAX = 2_000;
const NAME_CHARS_MAX = 400;

/**
 * Only `text`, in mrkdwn: every server that calls its incoming webhooks compatible with Slack's understands it. What comes
 * from plans stands in code, where neither formatting, links nor mentions are read.
 */
export function slackSink({ url }: SlackSettings): Pick<Sink, 'request'> {
  return {
    request: (message) => ({
      url,
      headers: {},
      body: JSON.stringify({ text: textOf(message), unfurl_links: false, unfurl_media: false }),
    }),
  };
}

function textOf(message: Message): string {
  const { plan, step, action, what, reason, todo, links, severity, id } = message;
  const named = `plan ${code(plan.name)}`;
  const place = step === null ? named : `step ${code(nameOf(step))} of ${named}`;
  const mark = action === 'trigger' ? MARKS[severity] : action === 'resolve' ? ':white_check_mark:' : '';
  const lines = [
    `${mark} ${place} *${escape(what)}*`.trim(),
    ...(reason.message === '' ? [] : [block(reason.message)]),
    ...todo.map(({ what: why, run }) => `• ${escape(why)}: ${code(run)}`),
    ...(links.length > 0 ? [links.map(({ title, url }) => link(url, title)).join(' · ')] : []),
    `plan ${code(plan.id)} · page ${code(id)}`,
  ];
  return lines.join('\n');
}

const MARKS = {
  critical: ':rotating_light:',
  error: ':red_circle:',
  warning: ':warning:',
  info: ':information_source:',
} as const;

/** https://docs.slack.dev/messaging/formatting-message-text: these three and no others. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A backtick would end the code. */
function code(text: string): string {
  return `\`${fitting(text.replaceAll('`', "'"), NAME_CHARS_MAX)}\``;
}

function block(text: string): string {
  return `\`\`\`\n${fitting(text.replaceAll('`', "'"), REASON_CHARS_MAX)}\n\`\`\``;
}

/** Escaped, and at most so long then. */
function fitting(text: string, charsMax: number): string {
  for (let kept = cut(text, charsMax); ;) {
    const escaped = escape(kept);
    if (escaped.length <= charsMax) return escaped;
    kept = cut(kept, Math.floor((kept.length * charsMax) / escaped.length));
  }
}

function link(url: string, title: string): string {
  return `<${escape(url).replaceAll('|', '%7C')}|${escape(title)}>`;
}
