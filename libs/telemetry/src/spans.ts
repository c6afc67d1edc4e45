import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { SpanName } from './names.ts';
import { redactText } from './redaction.ts';
import { parseTraceparent } from './traceparent.ts';

export const TRACER_NAME = 'skein';

export interface SpanOptions {
  /** A W3C traceparent to continue. `null` starts a new trace; leaving it out continues the active span. */
  parent?: string | null;
  kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** W3C traceparents of spans that this one is about; malformed ones are left out. */
  links?: string[];
}

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** Of a span and all below it in this process: what is added to `performance.now()` (ms since 1970). */
const CLOCK = createContextKey('skein clock');

/**
 * Runs `fn` inside a span that ends with it. An error is recorded on the span and thrown on. The wall clock is looked at
 * once for a whole tree of spans: when it is set meanwhile, none of them leaves its parent's time.
 */
export async function inSpan<T>(
  name: SpanName,
  attributes: Attributes,
  fn: (span: Span) => Promise<T>,
  options: SpanOptions = {},
): Promise<T> {
  const parent = parentContext(options.parent);
  const clock = (parent.getValue(CLOCK) as number | undefined) ?? clockNow();
  const kind = KINDS[options.kind ?? 'internal'];
  const startTime = clock + performance.now();
  const span = trace
    .getTracer(TRACER_NAME)
    .startSpan(name, { kind, attributes, links: linksTo(options.links ?? []), startTime }, parent);
  try {
    return await context.with(trace.setSpan(parent.setValue(CLOCK, clock), span), () => fn(span));
  } catch (error) {
    recordFailure(span, error);
    throw error;
  } finally {
    span.end(clock + performance.now());
  }
}

/** What is over already. Instants are those of `performance.now()`. */
export interface PastSpan {
  name: SpanName;
  startedAt: number;
  endedAt: number;
  attributes: Attributes;
  /** W3C traceparents; malformed ones are left out. */
  links?: string[];
  children?: PastSpan[];
}

/** Records a trace of its own for what is over: whether it is worth one is known only then. */
export function recordPast(past: PastSpan): void {
  recordBelow(past, ROOT_CONTEXT, clockNow());
}

function recordBelow(past: PastSpan, parent: Context, clock: number): void {
  const { name, attributes, startedAt, endedAt, links = [], children = [] } = past;
  const span = trace
    .getTracer(TRACER_NAME)
    .startSpan(name, { attributes, links: linksTo(links), startTime: clock + startedAt }, parent);
  if (span.isRecording())
    for (const child of children) recordBelow(child, trace.setSpan(parent, span), clock);
  span.end(clock + endedAt);
}

/** Not `performance.timeOrigin`: of a process that runs for weeks, or was suspended, that is far from the wall clock. */
function clockNow(): number {
  return Date.now() - performance.now();
}

export function linksTo(traceparents: string[]): Link[] {
  return traceparents
    .map(parseTraceparent)
    .filter((linked) => linked !== null)
    .map((linked) => ({ context: linked }));
}

function parentContext(parent: string | null | undefined): Context {
  if (parent === undefined) return context.active();
  const remote = parseTraceparent(parent);
  return remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
}

function recordFailure(span: Span, error: unknown): void {
  const message = redactText(error instanceof Error ? error.message : String(error));
  span.recordException({ name: error instanceof Error ? error.name : 'Error', message });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
