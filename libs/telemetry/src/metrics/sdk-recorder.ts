import type { Counter, Histogram, Meter, ObservableResult } from '@opentelemetry/api';
import type { MetricDeclaration } from './declaration.ts';
import { declaredMetrics, type MetricKey, type MetricOf } from './declared-metrics.ts';
import { allSeries, LabelClamp, type Series } from './label-clamp.ts';
import { type Recorder, readingsOf } from './recording.ts';

/** Counters begin at 0 for so many series: a first failure that makes its own series is no increase for Prometheus. */
const ZEROES_MAX = 64;

/** The instruments of the table, made once, on an OpenTelemetry meter. */
export class SdkRecorder implements Recorder {
  private readonly adding = new Map<MetricKey, { clamp: LabelClamp; instrument: Counter }>();
  private readonly recording = new Map<MetricKey, { clamp: LabelClamp; instrument: Histogram }>();

  constructor(
    meter: Meter,
    private readonly o: {
      service: 'coordinator' | 'worker';
      /** Of a reading that threw; the others go on. */
      onFailedReading: (metric: string, error: unknown) => void;
    },
  ) {
    for (const [key, declared] of Object.entries(declaredMetrics))
      this.make(meter, key as MetricKey, declared);
  }

  add(metric: MetricOf<'counter'>, by: number, labels: Series): void {
    const found = this.adding.get(metric);
    found?.instrument.add(by, found.clamp.seriesOf(labels));
  }

  record(metric: MetricOf<'histogram'>, value: number, labels: Series): void {
    const found = this.recording.get(metric);
    // Clocks that step back, or a number that is none, must not break the sum.
    if (found && value >= 0) found.instrument.record(value, found.clamp.seriesOf(labels));
  }

  private make(meter: Meter, key: MetricKey, declared: MetricDeclaration): void {
    const { name, kind, meaning, labels } = declared;
    const options = { description: meaning, unit: UNITS[declared.unit] };
    const clamp = new LabelClamp(labels);
    switch (kind) {
      case 'counter': {
        const instrument = meter.createCounter(name, options);
        this.adding.set(key, { clamp, instrument });
        if (this.isOurs(declared))
          for (const series of allSeries(labels, ZEROES_MAX) ?? []) instrument.add(0, clamp.seriesOf(series));
        return;
      }
      case 'histogram': {
        const advice = { explicitBucketBoundaries: [...(declared.bounds ?? [])] };
        this.recording.set(key, { clamp, instrument: meter.createHistogram(name, { ...options, advice }) });
        return;
      }
      case 'gauge':
        meter.createObservableGauge(name, options).addCallback((result) => this.read(key, clamp, result));
        return;
      case 'total':
        meter.createObservableCounter(name, options).addCallback((result) => this.read(key, clamp, result));
    }
  }

  private read(key: MetricKey, clamp: LabelClamp, result: ObservableResult): void {
    const merged = new Map<Series, number>();
    const { name, merge }: MetricDeclaration = declaredMetrics[key];
    for (const reading of readingsOf(key)) {
      try {
        reading((value, labels) => {
          const series = clamp.seriesOf(labels);
          const before = merged.get(series) ?? 0;
          merged.set(series, merge === 'max' ? Math.max(before, value) : before + value);
        });
      } catch (error) {
        this.o.onFailedReading(name, error);
      }
    }
    for (const [series, value] of merged) result.observe(value, series);
  }

  private isOurs({ by }: MetricDeclaration): boolean {
    return by === 'both' || (by === 'worker') === (this.o.service === 'worker');
  }
}

const UNITS: Record<MetricDeclaration['unit'], string> = { seconds: 's', bytes: 'By', '1': '1' };
