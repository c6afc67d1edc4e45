import type { Meter } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { resourceOf } from '../exporting.ts';
import { TRACER_NAME } from '../spans.ts';

/** A meter whose values are told as Prometheus text. */
export function openMeter(resource: Record<string, string>): {
  meter: Meter;
  collect: () => Promise<string>;
  shutdown: () => Promise<void>;
} {
  const { 'service.name': serviceName = TRACER_NAME, ...others } = resource;
  const reader = new ScrapeReader();
  const provider = new MeterProvider({ resource: resourceOf(serviceName, others), readers: [reader] });
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  return {
    meter: provider.getMeter(TRACER_NAME),
    async collect() {
      const { resourceMetrics } = await reader.collect();
      return `${serializer.serialize(resourceMetrics).trimEnd()}\n`;
    },
    shutdown: () => provider.shutdown(),
  };
}

/**
 * Pull only. Gauges are read anew for every scrape: with the default the SDK would go on telling what nobody tells any
 * more, such as the plans of a decider whose term is over.
 */
class ScrapeReader extends MetricReader {
  constructor() {
    super({
      aggregationTemporalitySelector: (type) =>
        type === InstrumentType.OBSERVABLE_GAUGE
          ? AggregationTemporality.DELTA
          : AggregationTemporality.CUMULATIVE,
    });
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}
