import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '#config';
import {
  findNatsServer,
  startNats,
  startPostgres,
  type NatsServer,
  type PostgresServer,
  type Run,
} from '#servers';
import type { Logger } from '#telemetry';
import { CoordinatorClient } from '../client/coordinator-client.ts';
import { builtProgram } from '../package-root.ts';
import { ChildProgram } from './child-program.ts';
import type { DataDir } from './data-dir.ts';
import { coordinatorEnvironment, workerEnvironment } from './environments.ts';
import { nextFreePort } from './ports.ts';

export interface StackOptions {
  /** Everything that is started is written down here, so that a later launcher can clean up after a kill -9. */
  run: Run;
  dataDir: DataDir;
  port: number;
  workers: number;
  slots: number;
  settings: Settings;
  /** What children inherit (#config childEnvironment), with what this stack adds for all of them. */
  environment: Record<string, string>;
  log: Logger;
  /** One line for a person. */
  say: (line: string) => void;
}

const READY_MS_MAX = 60_000;
/** Beyond the worker's own drain: pushing a checkpoint, telling the decider. */
const DRAIN_SLACK_MS = 5_000;
const COORDINATOR_GRACE_MS = 10_000;
const SERVER_RESTARTS_MAX = 3;

/** The whole of Skein on one machine: Postgres and nats-server unless they are given, a coordinator, workers. */
export class Stack {
  private postgres: PostgresServer | null = null;
  private nats: NatsServer | null = null;
  private coordinator: ChildProgram | null = null;
  private workers: ChildProgram[] = [];
  private stopping = false;
  private serverRestarts = 0;
  private port = 0;
  /** Settles only by rejecting: when a part was given up, the stack is of no use any more. */
  readonly broken: Promise<never>;
  private break: (error: unknown) => void = () => undefined;

  private constructor(private readonly o: StackOptions) {
    this.broken = new Promise<never>((_, reject) => {
      this.break = reject;
    });
    this.broken.catch(() => undefined);
  }

  get url(): string {
    return `http://${hostPart(this.o.settings.rest.host)}:${this.port}`;
  }

  /** Starts everything and returns when plans are taken. What was started is stopped again when it fails. */
  static async start(o: StackOptions, signal: AbortSignal): Promise<Stack> {
    const stack = new Stack(o);
    try {
      await stack.startServers();
      signal.throwIfAborted();
      await stack.startPrograms();
      await Promise.race([stack.becomesReady(signal), stack.broken]);
      return stack;
    } catch (error) {
      await stack.stop(signal);
      // What fails after Ctrl-C (a build that got it too, say) failed because of it.
      signal.throwIfAborted();
      throw error;
    }
  }

  /** In this order: workers (they tell the coordinator what they finish), coordinator, nats-server, Postgres. */
  async stop(hurry: AbortSignal): Promise<void> {
    this.stopping = true;
    const drainMs = this.o.settings.worker.drainGraceMs + DRAIN_SLACK_MS;
    await Promise.all(this.workers.map((worker) => worker.stop(drainMs, hurry)));
    await this.coordinator?.stop(COORDINATOR_GRACE_MS, hurry);
    await Promise.all([this.nats?.stop(), this.postgres?.stop()]);
  }

  private async startServers(): Promise<void> {
    const started = await Promise.allSettled([this.startPostgres(), this.startNats()]);
    // Both have ended now, so that a failure of one leaves no start of the other behind.
    for (const result of started) if (result.status === 'rejected') throw result.reason;
  }

  private async startPostgres(port?: number): Promise<void> {
    if (this.o.settings.ledger.databaseUrl !== null) return this.o.say('using the Postgres of DATABASE_URL');
    const server = await startPostgres({
      dataDir: this.o.dataDir.postgres(),
      cacheDir: this.o.settings.dirs.cache,
      log: this.o.log,
      onProgress: this.o.say,
      ...(port === undefined ? {} : { port }),
    });
    this.postgres = server;
    await this.o.run.addPostgres(server);
    void server.exited.then(() =>
      this.replaceServer('Postgres', server, () => this.startPostgres(server.port)),
    );
  }

  private async startNats(port?: number): Promise<void> {
    if (this.o.settings.bus.natsUrl !== null) return this.o.say('using the nats-server of NATS_URL');
    const program = await findNatsServer({
      log: this.o.log,
      cacheDir: this.o.settings.dirs.cache,
      onProgress: this.o.say,
    });
    const { natsPassword, workerPassword } = this.o.dataDir.secrets;
    const server = await startNats({
      program,
      storeDir: this.o.dataDir.nats(),
      log: this.o.log,
      password: natsPassword,
      workers: { namespace: this.namespace(), names: this.workerNames(), password: workerPassword },
      ...(port === undefined ? {} : { port }),
    });
    this.nats = server;
    await this.o.run.addNats(server);
    void server.exited.then(() =>
      this.replaceServer('nats-server', server, () => this.startNats(server.port)),
    );
  }

  /** A server that dies is started again on its port; nothing is lost, the ledger is on the disk. */
  private async replaceServer(
    name: string,
    ended: { stop(): Promise<void> },
    start: () => Promise<void>,
  ): Promise<void> {
    if (this.stopping) return;
    if (++this.serverRestarts > SERVER_RESTARTS_MAX)
      return this.break(new Error(`${name} ends again and again`));
    this.o.say(`${name} ended; starting it again`);
    const before = `${this.postgres?.port} ${this.nats?.port}`;
    try {
      // It has ended, but its folder is still claimed for it.
      await ended.stop();
      await start();
    } catch (error) {
      return this.break(error);
    }
    // Somebody took the port meanwhile: the programs must be told, and they are told at their start.
    const after = `${this.postgres?.port} ${this.nats?.port}`;
    if (before !== after) for (const child of [this.coordinator, ...this.workers]) child?.restart();
  }

  private async startPrograms(): Promise<void> {
    const { settings, say } = this.o;
    this.port = await nextFreePort(this.o.port, settings.rest.host);
    if (this.o.port !== 0 && this.port !== this.o.port)
      say(`port ${this.o.port} is taken; using ${this.port}`);
    this.coordinator = this.child('coordinator', 'coordinator', () =>
      coordinatorEnvironment({
        ...this.shared(),
        port: this.port,
        databaseUrl: this.databaseUrl(),
        natsUrl: this.natsUrl(),
      }),
    );
    this.workers = this.workerNames().map((name, index) =>
      this.child('worker', `worker-${index + 1}`, () =>
        workerEnvironment({
          ...this.shared(),
          name,
          index,
          slots: this.o.slots,
          natsUrl: this.workerUrls()[index] ?? this.natsUrl(),
        }),
      ),
    );
    for (const child of [this.coordinator, ...this.workers]) child.start();
  }

  private child(
    app: 'coordinator' | 'worker',
    name: string,
    environment: () => Record<string, string>,
  ): ChildProgram {
    const child = new ChildProgram({
      name,
      program: builtProgram(app),
      environment,
      cwd: this.o.dataDir.path,
      logDir: this.o.dataDir.logs(),
      say: this.o.say,
      onSpawn: (pid) => this.note(this.o.run.addProgram(pid)),
      onEnd: (pid) => this.note(this.o.run.removeProgram(pid)),
    });
    child.givenUp.catch(this.break);
    return child;
  }

  private async becomesReady(signal: AbortSignal): Promise<void> {
    const client = new CoordinatorClient(this.url);
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (!(await client.ready())) {
      signal.throwIfAborted();
      if (performance.now() > deadlineMs) {
        const tail = this.coordinator?.logTail().join('\n') ?? '';
        throw new Error(
          `the coordinator was not ready within ${READY_MS_MAX / 1000} s; it said last:\n${tail}`,
        );
      }
      await sleep(100);
    }
  }

  private shared() {
    return { base: this.o.environment, namespace: this.namespace(), dataDir: this.o.dataDir };
  }

  private namespace(): string {
    return this.o.environment['SKEIN_NAMESPACE'] ?? this.o.dataDir.secrets.namespace;
  }

  /** The record is for the day of a kill -9; that it could not be written must not stop the stack. */
  private note(recorded: Promise<void>): void {
    recorded.catch((error: unknown) =>
      this.o.log.warn({ err: error }, 'A process could not be written down'),
    );
  }

  private databaseUrl(): string {
    return this.o.settings.ledger.databaseUrl ?? this.postgres?.adminUrl ?? '';
  }

  private natsUrl(): string {
    return this.o.settings.bus.natsUrl ?? this.nats?.url ?? '';
  }

  /** On a server of ours each worker has a user of its own, with the least that it needs. */
  private workerUrls(): string[] {
    const { nats } = this;
    return nats ? this.workerNames().map((name) => nats.workerUrl(name)) : [];
  }

  private workerNames(): string[] {
    return Array.from({ length: this.o.workers }, (_, index) => `w${index + 1}`);
  }
}

function hostPart(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
