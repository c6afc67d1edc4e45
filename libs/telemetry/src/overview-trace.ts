import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from './logger.ts';
import type { OverviewPlan } from './overview-plan.ts';
import type { TelemetryOptions } from './telemetry.ts';

export interface OverviewTraceOptions extends TelemetryOptions {
  log: Logger;
}

const BATCH_SPANS = 500;

/**
 * Writes the one trace that shows a whole plan: a projection of the ledger, straight to the exporter, with explicit times.
 * Spans that stayed open for days would be lost on every restart; these are written when they have ended, and writing
 * them again (after a crash, by another replica) gives the same ids.
 */
export class OverviewTrace {
  #exporter: SpanExporter | null = null;

  constructor(private readonly options: OverviewTraceOptions) {}

  /** False when nothing was sent: no endpoint is set, or it did not take the spans (that is logged). */
  async write(plan: OverviewPlan): Promise<boolean> {
    const { otlpEndpoint, serviceName, resource } = this.options;
    if (otlpEndpoint === null) return false;
    const { otlpExporter, resourceOf } = await import('./exporting.ts');
    const { overviewSpans } = await import('./overview-spans.ts');
    this.#exporter ??= otlpExporter(otlpEndpoint);
    const spans = overviewSpans(plan, resourceOf(serviceName, resource ?? {}));
    for (let start = 0; start < spans.length; start += BATCH_SPANS) {
      const error = await send(this.#exporter, spans.slice(start, start + BATCH_SPANS));
      if (error === null) continue;
      this.options.log.warn(
        { planId: plan.planId, error },
        'the overview trace was not taken by the collector',
      );
      return false;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#exporter?.shutdown().catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function send(exporter: SpanExporter, spans: Parameters<SpanExporter['export']>[0]): Promise<Error | null> {
  return new Promise((resolve) => {
    // Code 0 is success; the enum's package is not ours to import.
    exporter.export(spans, (result) =>
      resolve(Number(result.code) === 0 ? null : (result.error ?? new Error('refused'))),
    );
  });
}
