import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { NestFactory } from '@nestjs/core';
import { FileArtifactStore } from '#artifacts';
import { connectBus } from '#bus';
import { loadSettings, SettingsError, stepEnvironment, type Settings } from '#config';
import { detectSandbox, Sandbox } from '#sandbox';
import { createLogger, startTelemetry, type Logger } from '#telemetry';
import { Mirrors } from '#workspace';
import { WorkerHome } from './homes/worker-home.ts';
import { NestLog } from './nest-log.ts';
import { mirrorsOptions } from './repository-access.ts';
import { Worker } from './worker.ts';
import { WorkerModule } from './worker.module.ts';

/** Exit codes: 0 after a drain, 1 when it cannot start. */
async function main(): Promise<void> {
  const settings = loadSettings();
  const id = settings.worker.id ?? workerName();
  const log = createLogger({ name: 'worker', ...settings.log }).child({ worker: id });
  if (settings.bus.natsUrl === null)
    throw new Error('NATS_URL is not set: a worker needs the nats-server of its fleet.');
  const stopped = stopSignal(log);
  await run({ settings, id, log, natsUrl: settings.bus.natsUrl, stopped });
}

async function run(o: {
  settings: Settings;
  id: string;
  log: Logger;
  natsUrl: string;
  stopped: Promise<void>;
}): Promise<void> {
  const { settings, id, log } = o;
  const telemetry = await startTelemetry({
    serviceName: settings.telemetry.serviceName ?? 'skein-worker',
    otlpEndpoint: settings.telemetry.otlpEndpoint,
    resource: { 'service.instance.id': id },
  });
  const { PATH: path, LANG: lang } = stepEnvironment();
  await using home = await WorkerHome.open(settings.dirs.work, id, log);
  await using mirrors = new Mirrors({
    ...mirrorsOptions(settings),
    rootDir: WorkerHome.mirrorsDir(settings.dirs.work),
    path,
    log,
  });
  await home.sweep(mirrors);
  const detected = await detectSandbox({ path, log });
  log.info({ sandbox: detected.kind }, detected.reason);
  const sandbox = new Sandbox({
    kind: detected.kind,
    log,
    readable: [...settings.sandbox.readable],
    extraWritable: [...settings.sandbox.writable],
    path,
    lang,
    scratchRoot: home.runsDir,
  });
  await using bus = await connectBus({
    url: o.natsUrl,
    namespace: settings.bus.namespace,
    name: `skein-worker ${id}`,
    log,
    inboxPrefix: `_INBOX_${id}`,
  });
  const { outputBytes, memoryBytes, diskBytes, processes } = settings.sandbox;
  const worker = new Worker({
    worker: id,
    pools: settings.worker.pools,
    slots: settings.worker.slots,
    drainGraceMs: settings.worker.drainGraceMs,
    bus,
    leasesDir: home.leasesDir,
    mirrors,
    sandbox,
    sandboxMode: settings.sandbox.mode,
    caps: { outputBytes, memoryBytes, diskBytes, processes },
    artifacts: new FileArtifactStore({ rootDir: settings.dirs.artifacts, maxBytes: outputBytes }),
    log,
  });
  const app = await NestFactory.createMicroservice(WorkerModule.with(worker.runner), {
    strategy: worker.transport,
    logger: new NestLog(log),
  });
  worker.start();
  await app.listen();
  log.info({ pools: settings.worker.pools, slots: settings.worker.slots }, 'taking jobs');
  await o.stopped;
  await worker.drain();
  await worker.close();
  await app.close();
  await bus.drain();
  await telemetry.shutdown();
  log.info({}, 'drained');
}

/** Unique in the fleet without anybody's care: several workers may share a host. */
function workerName(): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return `${host || 'worker'}-${process.pid}-${randomBytes(3).toString('hex')}`;
}

/** The first signal drains. A second one is for a person in a hurry: programs die with the worker's own end. */
function stopSignal(log: Logger): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        log.info({ signal }, asked ? 'still draining' : 'asked to stop');
        asked = true;
        resolve();
      });
    }
  });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const said =
      error instanceof SettingsError || !(error instanceof Error)
        ? String(error)
        : (error.stack ?? error.message);
    process.stderr.write(`${said}\n`);
    process.exit(1);
  },
);
