import type { Logger } from '../logger.ts';
import { watchProcess } from './process-readings.ts';
import { setRecorder } from './recording.ts';

export interface MetricsOptions {
  service: 'coordinator' | 'worker';
  /** Which of several: an attribute of `target_info`. */
  instance: string | null;
  log: Logger;
}

export interface Metrics {
  /** Nothing is recorded or told any more. */
  shutdown(): Promise<void>;
}

let scrape: (() => Promise<string>) | null = null;

/** What a scrape is answered with: the text format of Prometheus. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Once per process, and only where somebody can scrape it: the SDK is loaded here. */
export async function startMetrics(o: MetricsOptions): Promise<Metrics> {
  const { openMeter } = await import('./prometheus.ts');
  const { SdkRecorder } = await import('./sdk-recorder.ts');
  const { meter, collect, shutdown } = openMeter({
    'service.name': `skein-${o.service}`,
    ...(o.instance === null ? {} : { 'service.instance.id': o.instance }),
  });
  const onFailedReading = (metric: string, error: unknown): void =>
    o.log.warn({ err: error, metric }, 'A metric could not be read');
  setRecorder(new SdkRecorder(meter, { service: o.service, onFailedReading }));
  const offProcess = watchProcess();
  scrape = sharing(collect);
  return {
    async shutdown() {
      scrape = null;
      setRecorder(null);
      offProcess();
      await shutdown();
    },
  };
}

/** All metrics of this process, now. A comment, when none are recorded. */
export async function scrapeMetrics(): Promise<string> {
  return (await scrape?.()) ?? '# no metrics are recorded in this process\n';
}

/** Who asks while one is under way gets the same: scrapers without patience must not pile up. */
function sharing(collect: () => Promise<string>): () => Promise<string> {
  let running: Promise<string> | null = null;
  return () => (running ??= collect().finally(() => (running = null)));
}
