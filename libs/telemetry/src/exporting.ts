import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { SpanExporter, TracerProviderOptions } from '@opentelemetry/sdk-trace';
import { RedactingExporter } from './redacting-exporter.ts';

type Resource = NonNullable<TracerProviderOptions['resource']>;

/**
 * One batch, its repetitions included. Its timers hold the process: a longer one would delay every exit of a fleet whose
 * collector is down.
 */
export const EXPORT_TIMEOUT_MS = 3_000;

/** `endpoint` is the collector's base address, as in OTEL_EXPORTER_OTLP_ENDPOINT. */
export function otlpExporter(endpoint: string): SpanExporter {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  return new RedactingExporter(new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS }));
}

/** Who sends: given attributes only; nothing of the host's environment is detected or added. */
export function resourceOf(serviceName: string, given: Record<string, string>): Resource {
  return fixedResource({ ...given, 'service.name': serviceName });
}

function fixedResource(attributes: Resource['attributes']): Resource {
  return {
    attributes,
    asyncAttributesPending: false,
    getRawAttributes: () => Object.entries(attributes),
    merge: (other) => fixedResource({ ...attributes, ...other?.attributes }),
  };
}
