import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SettingsError, loadSettings, type Settings } from '#config';
import { createLogger, startTelemetry, type Logger } from '#telemetry';
import { guardAgainstBrowsers } from './api/browser-guard.ts';
import { PlanLimits } from './api/plan-limits.ts';
import { CoordinatorModule } from './coordinator.module.ts';
import { Coordinator } from './coordinator.ts';

/** JSON text of a plan in a JSON string: quotes and line breaks double. */
const BODY_PER_TEXT_BYTE = 2;
const ENVELOPE_BYTES = 4_096;

async function main(settings: Settings, log: Logger): Promise<void> {
  const telemetry = await startTelemetry({
    serviceName: settings.telemetry.serviceName ?? 'skein-coordinator',
    otlpEndpoint: settings.telemetry.otlpEndpoint,
  });
  const coordinator = await Coordinator.start(settings, log);
  const app = await startApi(settings, coordinator, log);
  const url = await app.getUrl();
  log.info({ url }, 'Listening');
  // Whoever launched us learns the port that we got.
  process.send?.({ kind: 'listening', url });
  await shutdownAsked();
  log.info({}, 'Shutting down');
  await app.close();
  await coordinator.stop();
  await telemetry.shutdown();
}

async function startApi(
  settings: Settings,
  coordinator: Coordinator,
  log: Logger,
): Promise<NestFastifyApplication> {
  const { maxBytes, maxSteps } = settings.plans;
  const adapter = new FastifyAdapter({
    bodyLimit: maxBytes * BODY_PER_TEXT_BYTE + ENVELOPE_BYTES,
    // A name of a step may be a path of a repository, percent-encoded.
    routerOptions: { maxParamLength: 2_048 },
    forceCloseConnections: true,
  });
  const module = CoordinatorModule.around(coordinator, new PlanLimits(maxBytes, maxSteps), log);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: false,
    abortOnError: false,
  });
  guardAgainstBrowsers(app.getHttpAdapter().getInstance());
  await app.listen(settings.rest.port, settings.rest.host);
  return app;
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
