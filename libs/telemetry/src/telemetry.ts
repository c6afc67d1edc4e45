import { context, trace } from '@opentelemetry/api';
import { AsyncContextManager } from './async-context.ts';

export interface TelemetryOptions {
  serviceName: string;
  /** Base address of an OTLP/HTTP collector, e.g. `http://127.0.0.1:4318`; null keeps everything local. */
  otlpEndpoint: string | null;
  resource?: Record<string, string>;
}

export interface Telemetry {
  /** Sends what is still buffered (bounded by the exporter's timeout) and lets go of the process-wide hooks. */
  shutdown(): Promise<void>;
}

/**
 * Once per process. Without an endpoint no span is recorded, but trace context that came from outside still travels
 * through the process, so that a traced client finds its own ids in the ledger.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  context.setGlobalContextManager(new AsyncContextManager());
  const stopTracing =
    options.otlpEndpoint === null ? null : await startTracing(options, options.otlpEndpoint);
  return {
    async shutdown() {
      await stopTracing?.();
      trace.disable();
      context.disable();
    },
  };
}

/** The exporter is loaded only when it is wanted: it costs every start 100 ms. */
async function startTracing(options: TelemetryOptions, endpoint: string): Promise<() => Promise<void>> {
  const { BatchSpanProcessor, TracerProvider } = await import('@opentelemetry/sdk-trace');
  const { otlpExporter, resourceOf } = await import('./exporting.ts');
  const provider = new TracerProvider({
    resource: resourceOf(options.serviceName, options.resource ?? {}),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: otlpExporter(endpoint),
        maxQueueSize: 8_192,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: 10_000,
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  return async () => {
    // A collector that is down must not fail the shutdown of the process it observes.
    await provider.shutdown().catch(() => undefined);
  };
}
