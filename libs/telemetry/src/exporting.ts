import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { TracerProviderOptions } from '@opentelemetry/sdk-trace';

type Resource = NonNullable<TracerProviderOptions['resource']>;

/** `endpoint` is the collector's base address, as in OTEL_EXPORTER_OTLP_ENDPOINT. */
export function otlpExporter(endpoint: string): OTLPTraceExporter {
  return new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: 10_000 });
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
