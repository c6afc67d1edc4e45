import type { Histogram, Meter, ObservableResult } from '@opentelemetry/api';
import type { MetricDeclaration } from './declaration.ts';
import { declaredMetrics, type MetricKey, type MetricOf } from './declared-metrics.ts';
import { allSeries, LabelClamp, type Series } from './label-clamp.ts';
import { type Recorder, readingsOf } from './recording.ts';

/** Counters begin at 0 for so many series: a first failure that makes its own series is no increase for Prometheus. */
const ZEROES_MAX = 64;

/** Sums by series. The SDK's own counters make a text of the labels for each record: 1 µs with two of them, this 0.1 µs. */
interface Sums {
  readonly clamp: LabelClamp;
  readonly values: Map<Series, number>;
}

/** The instruments of the table, made once, on an OpenTelemetry meter. */
export class SdkRecorder implements Recorder {
  private readonly adding = new Map<MetricKey, Sums>();
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
    const sums = this.adding.get(metric);
    if (!sums || !(by >= 0)) return;
    const series = sums.clamp.seriesOf(labels);
    sums.values.set(series, (sums.values.get(series) ?? 0) + by);
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
        const values = new Map<Series, number>();
        this.adding.set(key, { clamp, values });
        meter.createObservableCounter(name, options).addCallback((result) => tellAll(values, result));
        if (this.isOurs(declared))
          for (const series of allSeries(labels, ZEROES_MAX) ?? []) values.set(clamp.seriesOf(series), 0);
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
    tellAll(merged, result);
  }

  private isOurs({ by }: MetricDeclaration): boolean {
    return by === 'both' || (by === 'worker') === (this.o.service === 'worker');
  }
}

function tellAll(values: ReadonlyMap<Series, number>, result: ObservableResult): void {
  for (const [series, value] of values) result.observe(value, series);
}

const UNITS: Record<MetricDeclaration['unit'], string> = { seconds: 's', bytes: 'By', '1': '1' };
