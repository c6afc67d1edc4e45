import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { isSecretKey, REDACTED, redactText } from './redaction.ts';

/** The last gate before spans leave the process: what was put on a span by mistake stays here. */
export class RedactingExporter implements SpanExporter {
  constructor(private readonly exporter: SpanExporter) {}

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.exporter.export(spans.map(redactSpan), done);
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.exporter.forceFlush?.();
  }
}

function redactSpan(span: ReadableSpan): ReadableSpan {
  const { status } = span;
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext ? { parentSpanContext: span.parentSpanContext } : {}),
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    ended: span.ended,
    status: status.message === undefined ? status : { ...status, message: redactText(status.message) },
    attributes: redactAttributes(span.attributes),
    links: span.links.map((link) => ({ ...link, attributes: redactAttributes(link.attributes ?? {}) })),
    events: span.events.map((event) => ({ ...event, attributes: redactAttributes(event.attributes ?? {}) })),
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

function redactAttributes(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      key,
      isSecretKey(key) ? REDACTED : redactAttribute(value),
    ]),
  );
}

function redactAttribute(value: Attributes[string]): Attributes[string] {
  if (typeof value === 'string') return redactText(value);
  if (!Array.isArray(value)) return value;
  return (value as unknown[]).map((item) => (typeof item === 'string' ? redactText(item) : item));
}
