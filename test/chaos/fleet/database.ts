import { setTimeout as wait } from 'node:timers/promises';
import { type PostgresServer, type Run, startPostgres } from '#servers';
import { silentLogger as log } from '#telemetry';
import type { Link } from '../proxy/link.ts';
import { childrenOf } from './process-table.ts';

const BACKEND_TRIES = 20;
const BACKEND_TRY_MS = 100;

/** Our own Postgres, as `skein up` starts it (fsync on). It is started again on its port when it ends. */
export class Database {
  /** Those that lead to it. */
  readonly links: Link[] = [];
  private stopping = false;
  private server!: PostgresServer;
  private readonly folder: string;
  private readonly run: Run;

  private constructor(folder: string, run: Run) {
    this.folder = folder;
    this.run = run;
  }

  static async start(o: { folder: string; run: Run }): Promise<Database> {
    const database = new Database(o.folder, o.run);
    await database.launch();
    return database;
  }

  get url(): string {
    return this.server.adminUrl;
  }

  get port(): number {
    return this.server.port;
  }

  /** The postmaster; its backends find out and end by themselves. */
  async kill(): Promise<void> {
    const { server } = this;
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
  }

  /** One connection's process: Postgres then ends all others and recovers. False: there was none for a while. */
  async killBackend(): Promise<boolean> {
    for (let tries = 0; tries < BACKEND_TRIES; tries += 1) {
      const children = await childrenOf(this.server.pid);
      const one = children.filter(({ command }) => /^postgres: .*\(\d+\)/.test(command)).at(-1);
      if (one !== undefined) {
        signal(one.pid, 'SIGKILL');
        return true;
      }
      await wait(BACKEND_TRY_MS);
    }
    return false;
  }

  /** The postmaster and all that it has started. */
  async freeze(): Promise<() => void> {
    const { pid } = this.server;
    signal(pid, 'SIGSTOP');
    const pids = [pid, ...(await childrenOf(pid)).map((child) => child.pid)];
    for (const each of pids) signal(each, 'SIGSTOP');
    return () => {
      for (const each of pids) signal(each, 'SIGCONT');
    };
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.server.stop();
  }

  private async launch(port?: number): Promise<void> {
    const server = await startPostgres({
      dataDir: this.folder,
      log,
      ...(port === undefined ? {} : { port }),
    });
    this.server = server;
    for (const link of this.links) link.targetPort = server.port;
    await this.run.addPostgres(server);
    void server.exited.then(async () => {
      if (!this.stopping) await this.launch(server.port);
    });
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}
