import type { Settings } from '#config';
import { serveMetrics, startMetrics, type Logger } from '#telemetry';

/** Loopback only: there is no login. */
const HOST = '127.0.0.1';

/**
 * Records and serves this worker's metrics where a port is set for them. Never a reason not to work. Returns what ends it.
 */
export async function openMetrics(
  settings: Settings,
  worker: string,
  log: Logger,
): Promise<() => Promise<void>> {
  const { metricsPort: port } = settings.telemetry;
  if (port === null) return async () => undefined;
  const metrics = await startMetrics({ service: 'worker', instance: worker, log });
  try {
    const server = await serveMetrics({ port, host: HOST, log });
    log.info({ url: server.url }, 'serving metrics');
    return async () => {
      await server.close();
      await metrics.shutdown();
    };
  } catch (error) {
    log.error(
      { err: error, port, alert: 'metrics-unserved' },
      'the metrics of this worker cannot be served: is the port of SKEIN_METRICS_PORT taken?',
    );
    return () => metrics.shutdown();
  }
}
