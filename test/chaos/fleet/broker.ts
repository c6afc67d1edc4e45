import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findNatsServer, type NatsServer, type Run, startNats } from '#servers';
import { silentLogger as log } from '#telemetry';
import type { Link } from '../proxy/link.ts';

export interface BrokerOptions {
  folder: string;
  namespace: string;
  workers: string[];
  run: Run;
}

/** Our own nats-server. It is started again on its port when it ends. */
export class Broker {
  /** Those that lead to it. */
  readonly links: Link[] = [];
  private stopping = false;
  private wiping = false;
  private readonly o: BrokerOptions;
  private server!: NatsServer;

  private constructor(o: BrokerOptions) {
    this.o = o;
  }

  static async start(o: BrokerOptions): Promise<Broker> {
    const broker = new Broker(o);
    await broker.launch();
    return broker;
  }

  get url(): string {
    return this.server.url;
  }

  get port(): number {
    return this.server.port;
  }

  workerUrl(name: string): string {
    return this.server.workerUrl(name);
  }

  async kill(): Promise<void> {
    const { server } = this;
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
  }

  freeze(): () => void {
    const { pid } = this.server;
    signal(pid, 'SIGSTOP');
    return () => signal(pid, 'SIGCONT');
  }

  /** JetStream's files go while it is down. */
  async wipe(): Promise<void> {
    this.wiping = true;
    await this.kill();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.server.stop();
  }

  private async launch(port?: number): Promise<void> {
    const server = await startNats({
      program: await findNatsServer({ log }),
      storeDir: this.o.folder,
      log,
      password: 'coordinator',
      workers: { namespace: this.o.namespace, names: this.o.workers, password: 'worker' },
      ...(port === undefined ? {} : { port }),
    });
    this.server = server;
    for (const link of this.links) link.targetPort = server.port;
    await this.o.run.addNats(server);
    void server.exited.then(() => this.again(server.port));
  }

  private async again(port: number): Promise<void> {
    if (this.stopping) return;
    if (this.wiping) await rm(join(this.o.folder, 'jetstream'), { recursive: true, force: true });
    this.wiping = false;
    await this.launch(port);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile: another process serves by now.
  }
}
