import 'reflect-metadata';
import { SettingsError, loadSettings, type Settings } from '#config';
import { createLogger, startMetrics, startTelemetry, type Logger } from '#telemetry';
import { Coordinator } from './coordinator.ts';
import { startRestApi } from './rest-api.ts';

async function main(settings: Settings, log: Logger): Promise<void> {
  const telemetry = await startTelemetry({
    serviceName: settings.telemetry.serviceName ?? 'skein-coordinator',
    otlpEndpoint: settings.telemetry.otlpEndpoint,
  });
  const metrics = await startMetrics({ service: 'coordinator', instance: null, log });
  const coordinator = await Coordinator.start(settings, log);
  const app = await startRestApi(settings, coordinator, log);
  const url = await app.getUrl();
  log.info({ url }, 'Listening');
  // Whoever launched us learns the port that we got.
  process.send?.({ kind: 'listening', url });
  await shutdownAsked();
  log.info({}, 'Shutting down');
  await app.close();
  await coordinator.stop();
  await metrics.shutdown();
  await telemetry.shutdown();
}

/** A signal, or the end of the process that launched us: a fleet without its launcher must not linger. */
function shutdownAsked(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    if (process.connected) process.once('disconnect', () => resolve());
  });
}

try {
  const settings = loadSettings();
  const log = createLogger({ name: 'coordinator', level: settings.log.level, pretty: settings.log.pretty });
  try {
    await main(settings, log);
  } catch (error) {
    log.error({ err: error }, 'The coordinator cannot go on');
    process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
if (process.connected) process.disconnect();
