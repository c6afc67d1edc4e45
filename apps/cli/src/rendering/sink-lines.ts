import type { SinkTest, SinkView } from '#client';
import { time } from '../watching/watched-step.ts';
import { formatDuration } from './duration.ts';
import { escapeText } from './escape.ts';
import type { Paint } from './terminal.ts';

/** `ops   pagerduty  failing for 4 min 05 s, 3 waiting: answered 500` and, below it, what it is paged about. */
export function sinkLines(sink: SinkView, { nowMs, paint }: { nowMs: number; paint: Paint }): string[] {
  const { name, type, place, on } = sink;
  const head = `${escapeText(name)}  ${escapeText(type)} at ${escapeText(place)}`;
  const lines = [`${head}: ${stateOf(sink, nowMs, paint)}`];
  if (sink.failingSince !== null && sink.lastError !== null) lines.push(`    ${escapeText(sink.lastError)}`);
  if (sink.givenUp > 0) lines.push(`    ${paint('red', `${pages(sink.givenUp)} given up: nobody was told`)}`);
  lines.push(paint('dim', `    paged about ${escapeText(on.join(', '))}`));
  return lines;
}

export function sinkTestLine(name: string, { delivered, status, error, durationMs }: SinkTest): string {
  const told = delivered
    ? `took a test page (${status}) after ${formatDuration(durationMs)}`
    : `did not take a test page: ${escapeText(error ?? 'no reason was given')}`;
  return `${escapeText(name)} ${told}`;
}

export function isFailing({ failingSince, givenUp }: SinkView): boolean {
  return failingSince !== null || givenUp > 0;
}

function stateOf(sink: SinkView, nowMs: number, paint: Paint): string {
  const waiting = sink.waiting > 0 ? `, ${pages(sink.waiting)} waiting` : '';
  const since = time(sink.failingSince);
  if (since !== null) return paint('red', `failing for ${formatDuration(nowMs - since)}${waiting}`);
  const last = time(sink.lastSuccessAt);
  if (last === null) return `was never paged${waiting}`;
  return `${paint('green', 'well')}, last paged ${formatDuration(nowMs - last)} ago${waiting}`;
}

function pages(count: number): string {
  return `${count} ${count === 1 ? 'page' : 'pages'}`;
}
