import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { NestFactory } from '@nestjs/core';
import { FileArtifactStore } from '#artifacts';
import { connectBus } from '#bus';
import { loadSettings, stepEnvironment, type Settings } from '#config';
import { detectSandbox, Sandbox } from '#sandbox';
import { createLogger, startTelemetry, type Logger } from '#telemetry';
import { Mirrors } from '#workspace';
import { BaselineCache } from './baselines/baseline-cache.ts';
import { WorkerHome } from './homes/worker-home.ts';
import { performOnHost } from './jobs/performing.ts';
import { NestLog } from './nest-log.ts';
import { mirrorsOptions } from './repository-access.ts';
import { sandboxOptions } from './sandbox-options.ts';
import { openMetrics } from './worker-metrics.ts';
import { Worker } from './worker.ts';
import { WorkerModule } from './worker.module.ts';

/** Exit codes: 0 after a drain, 1 when it cannot start. */
async function main(): Promise<void> {
  const settings = loadSettings();
  const id = settings.worker.id ?? workerName();
  const log = createLogger({ name: 'worker', ...settings.log }).child({ worker: id });
  const { natsUrl } = settings.bus;
  if (natsUrl === null) throw new NatsUrlMissingError();
  await run({ settings, id, log, natsUrl, stopped: stopSignal(log) });
}

class NatsUrlMissingError extends Error {
  readonly code = 'nats-url-missing';
  readonly retry = 'never';
  constructor() {
    super('NATS_URL is not set: a worker needs the nats-server of its fleet.');
    this.name = 'NatsUrlMissingError';
  }
}

interface Start {
  settings: Settings;
  id: string;
  log: Logger;
  natsUrl: string;
  /** Resolves when somebody asks the worker to end. */
  stopped: Promise<void>;
}

/** What is opened here is closed here, in reverse, however it ends. */
async function run({ settings, id, log, natsUrl, stopped }: Start): Promise<void> {
  const telemetry = await startTelemetry({
    serviceName: settings.telemetry.serviceName ?? 'skein-worker',
    otlpEndpoint: settings.telemetry.otlpEndpoint,
    resource: { 'service.instance.id': id },
  });
  const closeMetrics = await openMetrics(settings, id, log);
  await using home = await WorkerHome.open(settings.dirs.work, id, log);
  await using mirrors = new Mirrors({
    ...mirrorsOptions(settings),
    rootDir: WorkerHome.mirrorsDir(settings.dirs.work),
    path: stepEnvironment().PATH,
    log,
  });
  await home.sweep(mirrors);
  const sandbox = await openSandbox(settings, home.runsDir, log);
  const connecting = connectBus({
    url: natsUrl,
    namespace: settings.bus.namespace,
    name: `skein-worker ${id}`,
    log,
    inboxPrefix: `_INBOX_${id}`,
  });
  await using bus = await Promise.race([connecting, stopped.then(() => null)]);
  // Asked to end before there was anything to do.
  if (bus === null) return;
  const { outputBytes, memoryBytes, diskBytes, processes } = settings.sandbox;
  const worker = new Worker({
    worker: id,
    pools: settings.worker.pools,
    slots: settings.worker.slots,
    drainGraceMs: settings.worker.drainGraceMs,
    bus,
    perform: performOnHost({
      leasesDir: home.leasesDir,
      tools: {
        mirrors,
        sandbox,
        sandboxMode: settings.sandbox.mode,
        caps: { outputBytes, memoryBytes, diskBytes, processes },
        artifacts: new FileArtifactStore({ rootDir: settings.dirs.artifacts, maxBytes: outputBytes }),
        baselines: new BaselineCache({ dir: WorkerHome.baselinesDir(settings.dirs.work), log }),
      },
    }),
    log,
  });
  await serve(worker, settings, log, stopped);
  await bus.drain();
  await closeMetrics();
  await telemetry.shutdown();
}

async function openSandbox(settings: Settings, scratchRoot: string, log: Logger): Promise<Sandbox> {
  const given = sandboxOptions(settings, stepEnvironment());
  const { kind, reason } = await detectSandbox({ path: given.path, log });
  if (kind === 'bubblewrap') log.info({ sandbox: kind }, reason);
  else log.warn({ sandbox: kind }, reason);
  return new Sandbox({ ...given, kind, log, scratchRoot });
}

/** Takes jobs until it is asked to stop, then drains. */
async function serve(worker: Worker, settings: Settings, log: Logger, stopped: Promise<void>): Promise<void> {
  const app = await NestFactory.createMicroservice(WorkerModule.with(worker.runner), {
    strategy: worker.transport,
    logger: new NestLog(log),
  });
  worker.start();
  await app.listen();
  log.info({ pools: settings.worker.pools, slots: settings.worker.slots }, 'taking jobs');
  await stopped;
  await worker.drain();
  await worker.close();
  await app.close();
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
    process.stderr.write(`skein worker: ${wordsOf(error)}\n`);
    process.exit(1);
  },
);

/** An error with a code was foreseen and says what to do; of any other the stack is what helps. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? error.message : (error.stack ?? error.message);
}
