import type { LabelsOf, MetricKey, MetricOf } from './declared-metrics.ts';

/** Where recorded values go while somebody wants them. */
export interface Recorder {
  add(metric: MetricOf<'counter'>, by: number, labels: Readonly<Record<string, string>>): void;
  record(metric: MetricOf<'histogram'>, value: number, labels: Readonly<Record<string, string>>): void;
}

/** Tells the values of a gauge that is being read. Values whose labels fall together are merged as declared. */
export type Tell<M extends MetricKey> = (value: number, labels: LabelsOf<M>) => void;

type Reading = (tell: (value: number, labels: Readonly<Record<string, string>>) => void) => void;

let recorder: Recorder | null = null;
const readings = new Map<MetricKey, Set<Reading>>();

/** Something happened, `by` times. Without `startMetrics` this does nothing. */
export function count<M extends MetricOf<'counter'>>(metric: M, labels: LabelsOf<M>, by = 1): void {
  recorder?.add(metric, by, labels);
}

/** Something took this long (s), or had this size, in the unit of the metric. */
export function measure<M extends MetricOf<'histogram'>>(
  metric: M,
  value: number,
  labels: LabelsOf<M>,
): void {
  recorder?.record(metric, value, labels);
}

/** Seconds since an instant of `performance.now()`. */
export function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1_000;
}

/**
 * Runs `work` and measures its seconds; `labels` says under which labels, once it is known whether it failed. What it
 * throws is thrown on.
 */
export async function measuring<T, M extends MetricOf<'histogram'>>(
  metric: M,
  labels: (failed: boolean) => LabelsOf<M>,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  let failed = true;
  try {
    const result = await work();
    failed = false;
    return result;
  } finally {
    measure(metric, secondsSince(startedAt), labels(failed));
  }
}

/** `read` is asked at each scrape until the returned function is called; then the series is gone. It must be cheap. */
export function observe<M extends MetricOf<'gauge' | 'total'>>(
  metric: M,
  read: (tell: Tell<M>) => void,
): () => void {
  const of = readings.get(metric) ?? new Set();
  readings.set(metric, of);
  of.add(read);
  return () => void of.delete(read);
}

export function readingsOf(metric: MetricKey): Iterable<Reading> {
  return readings.get(metric) ?? [];
}

/** Forgets everybody's: a process that is simulated in this one died, and nobody called what `observe` had returned. */
export function forgetReadings(): void {
  readings.clear();
}

/** One for the process; null: nobody wants any. Returns the one before. */
export function setRecorder(next: Recorder | null): Recorder | null {
  const before = recorder;
  recorder = next;
  return before;
}
