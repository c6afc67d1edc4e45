import { cp, mkdir, symlink, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, type Run } from '#servers';
import { EXACT_POOL } from '../load/shapes.ts';
import { Link } from '../proxy/link.ts';
import { Broker } from './broker.ts';
import { Database } from './database.ts';
import { GitHost } from './git-host.ts';
import { Program } from './program.ts';
import { ScratchDisk } from './scratch-disk.ts';

export const LEASE_MS = 4_000;
const ROOT = join(import.meta.dirname, '..', '..', '..');
const COORDINATORS = ['c1', 'c2'];
const WORKERS = ['w1', 'w2', 'w3', 'w4'];
const SLOTS = 3;
const NAMESPACE = 'chaos';
const STOP_GRACE_MS = 30_000;

export interface FleetOptions {
  /** All that the fleet keeps; goes with the run. */
  folder: string;
  logDir: string;
  run: Run;
}

/** The built programs as a small installation: two coordinators, four workers, every server our own. */
export class Fleet {
  readonly folder: string;
  readonly urls: string[] = [];
  readonly coordinators: Program[] = [];
  readonly workers: Program[] = [];
  /** One per coordinator. */
  readonly ledgerLinks: Link[] = [];
  /** One per worker. */
  readonly workerLinks: Link[] = [];
  readonly database: Database;
  readonly broker: Broker;
  readonly git: GitHost;
  readonly remoteLink: Link;
  /** Of the last worker; null where this machine allows none. */
  readonly disk: ScratchDisk | null;
  private readonly o: FleetOptions;

  private constructor(
    o: FleetOptions,
    servers: { database: Database; broker: Broker; git: GitHost; remoteLink: Link; disk: ScratchDisk | null },
  ) {
    this.o = o;
    this.folder = o.folder;
    this.database = servers.database;
    this.broker = servers.broker;
    this.git = servers.git;
    this.remoteLink = servers.remoteLink;
    this.disk = servers.disk;
  }

  static async start(o: FleetOptions): Promise<Fleet> {
    const { folder, run } = o;
    for (const name of ['work', 'small', 'artifacts', 'witness', 'bin']) await mkdir(join(folder, name));
    await writeFile(Fleet.witnessFile(folder), '');
    await copyBuild(join(folder, 'build'));
    const [database, broker, git] = await Promise.all([
      Database.start({ folder: join(folder, 'postgres'), run }),
      Broker.start({ folder: join(folder, 'nats'), namespace: NAMESPACE, workers: WORKERS, run }),
      GitHost.start(join(folder, 'git')),
    ]);
    const remoteLink = await Link.open('remote', git.port);
    const disk = await ScratchDisk.on(join(folder, 'small'));
    const fleet = new Fleet(o, { database, broker, git, remoteLink, disk });
    for (const name of COORDINATORS) await fleet.addCoordinator(name);
    for (const name of WORKERS) await fleet.addWorker(name);
    return fleet;
  }

  static witnessFile(folder: string): string {
    return join(folder, 'witness', 'witness.log');
  }

  /** What plans name: the repository by way of the link that can fail. */
  get repoUrl(): string {
    return this.remoteLink.through(this.git.url);
  }

  get programs(): Program[] {
    return [...this.coordinators, ...this.workers];
  }

  /** The small disk of the worker that has it, as it is now; it outlives the worker until the handle is closed. */
  async keepSmallDisk(): Promise<FileHandle | null> {
    const pid = this.workers.at(-1)?.pid ?? null;
    return this.disk === null || pid === null ? null : this.disk.keep(pid);
  }

  /** Workers first: they tell a coordinator what they finish. Names of those that had to be killed. */
  async stopPrograms(): Promise<string[]> {
    const killed: string[] = [];
    for (const group of [this.workers, this.coordinators]) {
      const stops = group.map(async (program) => {
        if (!(await program.stop(STOP_GRACE_MS))) killed.push(program.name);
      });
      await Promise.all(stops);
    }
    return killed;
  }

  async stopServers(): Promise<void> {
    const links = [...this.ledgerLinks, ...this.workerLinks, this.remoteLink];
    await Promise.all(links.map((link) => link.close()));
    await Promise.all([this.git.stop(), this.broker.stop(), this.database.stop()]);
  }

  private async addCoordinator(name: string): Promise<void> {
    const link = await Link.open(`${name} to Postgres`, this.database.port);
    this.database.links.push(link);
    this.ledgerLinks.push(link);
    const port = await freePort();
    this.urls.push(`http://127.0.0.1:${port}`);
    const environment = (): Record<string, string> => ({
      ...this.shared(),
      DATABASE_URL: link.through(this.database.url),
      NATS_URL: this.broker.url,
      SKEIN_SCHEMA: NAMESPACE,
      SKEIN_PORT: String(port),
      SKEIN_LEASE_MS: `${LEASE_MS}ms`,
      SKEIN_CLAIM_TIMEOUT_MS: '3s',
    });
    this.launch(this.coordinators, new Program({ ...this.place(name), app: 'coordinator', environment }));
  }

  private async addWorker(name: string): Promise<void> {
    const link = await Link.open(`${name} to NATS`, this.broker.port);
    this.broker.links.push(link);
    this.workerLinks.push(link);
    const bin = join(this.folder, 'bin', name);
    await mkdir(bin);
    await this.writeWitness(name, bin);
    const small = name === WORKERS.at(-1) && this.disk !== null;
    const environment = (life: number): Record<string, string> => ({
      ...this.shared(),
      NATS_URL: link.through(this.broker.workerUrl(name)),
      SKEIN_WORKER_ID: name,
      SKEIN_WORKER_POOLS: small ? 'default' : `default,${EXACT_POOL}`,
      SKEIN_WORKER_SLOTS: String(SLOTS),
      SKEIN_WORK_DIR: join(this.folder, small ? 'small' : 'work'),
      SKEIN_STEP_PATH: `${bin}/${life}:${bin}:/usr/bin:/bin`,
      SKEIN_STEP_READABLE: bin,
      SKEIN_STEP_WRITABLE: join(this.folder, 'witness'),
      SKEIN_REPO_SCHEMES: 'http',
    });
    const wrapper = small ? { wrapper: this.disk.wrapper } : {};
    this.launch(this.workers, new Program({ ...this.place(name), ...wrapper, app: 'worker', environment }));
  }

  /**
   * The program by which a step says from inside of itself that it runs: what the fleet says of itself is not asked. One
   * per worker. Whose process it was comes with PATH, which lease's with the folder that the worktree is in.
   */
  private async writeWitness(worker: string, bin: string): Promise<void> {
    const lines = [
      '#!/bin/sh',
      'life=${PATH%%:*}',
      'lease=${SKEIN_WORKTREE%/*}',
      `line="$SKEIN_PLAN $SKEIN_STEP $SKEIN_EPOCH $SKEIN_ATTEMPT ${worker} \${life##*/} \${lease##*-} \${1:-work}"`,
      `echo "$line" >> '${Fleet.witnessFile(this.folder)}'`,
    ];
    await writeFile(join(bin, 'witness'), `${lines.join('\n')}\n`, { mode: 0o755 });
  }

  private launch(group: Program[], program: Program): void {
    group.push(program);
    program.start();
  }

  private place(name: string): { name: string; dist: string; logDir: string; run: Run } {
    const dist = join(this.folder, 'build', 'dist');
    return { name, dist, logDir: this.o.logDir, run: this.o.run };
  }

  /** Nothing of this shell but what a program needs to start. */
  private shared(): Record<string, string> {
    const keep = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'SKEIN_CACHE_DIR'];
    const inherited = keep.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
    return {
      ...(Object.fromEntries(inherited) as Record<string, string>),
      SKEIN_NAMESPACE: NAMESPACE,
      SKEIN_DATA_DIR: this.folder,
      SKEIN_ARTIFACTS_DIR: join(this.folder, 'artifacts'),
    };
  }
}

/** Programs are started again and again for minutes: a build in between must not change what is run. */
async function copyBuild(folder: string): Promise<void> {
  await mkdir(folder);
  for (const name of ['dist', 'package.json'])
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}
