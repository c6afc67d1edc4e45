import { setTimeout as sleep } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import { AsyncContextManager } from './async-context.ts';

export interface TelemetryOptions {
  serviceName: string;
  /** Base address of an OTLP/HTTP collector, e.g. `http://127.0.0.1:4318`; null keeps everything local. */
  otlpEndpoint: string | null;
  resource?: Record<string, string>;
}

export interface Telemetry {
  /** Sends what is still buffered, for at most 3 s, and lets go of the process-wide hooks. */
  shutdown(): Promise<void>;
}

const SHUTDOWN_MS = 3_000;

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
  const { EXPORT_TIMEOUT_MS, otlpExporter, resourceOf } = await import('./exporting.ts');
  const provider = new TracerProvider({
    resource: resourceOf(options.serviceName, options.resource ?? {}),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: otlpExporter(endpoint),
        maxQueueSize: 8_192,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  return async () => {
    // A collector that is down or silent must neither fail nor hold up the end of the process that it observes.
    const given = sleep(SHUTDOWN_MS, undefined, { ref: false });
    await Promise.race([provider.shutdown().catch(() => undefined), given]);
  };
}
