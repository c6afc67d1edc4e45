import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { findNatsServer, RunRegistry, startNats, startPostgres, type Run } from '#servers';
import { silentLogger } from '#telemetry';

const DIST = join(import.meta.dirname, '..', '..', 'dist', 'apps');
const START_TIMEOUT_MS = 240_000;
const LOG_LINES_KEPT = 50;

/** Of all tenants together: so few that submissions are refused for it now and then. */
const OPEN_STEPS_MAX = 1_500;

export interface LoggedLines {
  /** Severe ones, and what is no line of a logger: the last words of a crash. At most the first 50. */
  bad: string[];
  /** Warnings, by what they say. */
  warnings: Map<string, number>;
}

/** The built coordinator and workers, on a Postgres and a nats-server of their own. */
export class FuzzedStack {
  readonly url: string;
  readonly port: number;
  readonly logged: LoggedLines;
  private readonly folder: string;
  private readonly coordinator: ChildProcess;
  private readonly workers: ChildProcess[];
  private readonly rows: pg.Pool;
  private readonly closing: (() => Promise<unknown>)[];

  private constructor(o: {
    folder: string;
    url: string;
    coordinator: ChildProcess;
    workers: ChildProcess[];
    logged: LoggedLines;
    rows: pg.Pool;
    closing: (() => Promise<unknown>)[];
  }) {
    this.folder = o.folder;
    this.url = o.url;
    this.port = Number(new URL(o.url).port);
    this.coordinator = o.coordinator;
    this.workers = o.workers;
    this.logged = o.logged;
    this.rows = o.rows;
    this.closing = o.closing;
  }

  static async start(o: { sinkUrl: string }): Promise<FuzzedStack> {
    const folder = mkdtempSync(join(tmpdir(), 'skein-fuzz-'));
    // Where root cannot use user namespaces its Postgres runs as `nobody`, who has to pass through.
    if (process.getuid?.() === 0) chmodSync(folder, 0o711);
    const closing: (() => Promise<unknown>)[] = [
      async () => rmSync(folder, { recursive: true, force: true }),
    ];
    try {
      const run = await new RunRegistry({ log: silentLogger }).begin({ kind: 'fuzz', dataDir: folder });
      closing.unshift(() => run.end());
      const { adminUrl, natsUrl } = await startServers(folder, run, closing);
      const environment = { ...common(folder, natsUrl), DATABASE_URL: adminUrl };
      const logged: LoggedLines = { bad: [], warnings: new Map() };
      const coordinator = launch('coordinator', { ...environment, ...settings(o.sinkUrl) }, logged);
      closing.unshift(() => ended(coordinator));
      await run.addProgram(coordinator.pid!);
      const url = await listening(coordinator, logged);
      const rows = new pg.Pool({ connectionString: adminUrl, max: 2 });
      closing.unshift(() => rows.end());
      const workers: ChildProcess[] = [];
      closing.unshift(() => Promise.all(workers.map(ended)));
      // The second one is there to be killed.
      for (const [name, pool, slots] of [
        ['w1', 'default', '8'],
        ['w2', 'doomed', '3'],
      ] as const) {
        const own = {
          SKEIN_WORKER_ID: name,
          SKEIN_WORKER_POOLS: pool,
          SKEIN_WORKER_SLOTS: slots,
          SKEIN_LOG_LEVEL: 'silent',
        };
        const worker = launch('worker', { ...common(folder, natsUrl), ...own }, null);
        workers.push(worker);
        await run.addProgram(worker.pid!);
      }
      return new FuzzedStack({ folder, url, coordinator, workers, logged, rows, closing });
    } catch (error) {
      for (const close of closing) await close().catch(() => undefined);
      throw error;
    }
  }

  /** A bare repository with one commit. */
  repository(): string {
    const work = join(this.folder, 'work-tree');
    const bare = join(this.folder, 'origin.git');
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
    const git = (...args: string[]): unknown => execFileSync('git', args, { env, stdio: 'pipe' });
    git('init', '--quiet', '--initial-branch=main', work);
    writeFileSync(join(work, 'README.md'), '# Fuzzed\n');
    git('-C', work, 'add', '.');
    git(
      '-C',
      work,
      '-c',
      'user.name=Ada',
      '-c',
      'user.email=ada@example.org',
      'commit',
      '--quiet',
      '-m',
      'Begin',
    );
    git('clone', '--quiet', '--bare', work, bare);
    return bare;
  }

  /** kill -9 of the worker that is there for it. */
  killDoomedWorker(): void {
    this.workers[1]!.kill('SIGKILL');
  }

  async events(): Promise<number> {
    const { rows } = await this.rows.query<{ n: number }>('SELECT count(*)::int AS n FROM skein.events');
    return rows[0]!.n;
  }

  /** The types of the events after so many of them. */
  async typesAfter(events: number): Promise<string[]> {
    const { rows } = await this.rows.query<{ type: string }>(
      'SELECT type FROM skein.events ORDER BY position OFFSET $1 LIMIT 20',
      [events],
    );
    return rows.map(({ type }) => type);
  }

  /** Plans that the ledger has heard of. */
  async planIds(): Promise<Set<string>> {
    const { rows } = await this.rows.query<{ id: string }>('SELECT DISTINCT plan_id AS id FROM skein.events');
    return new Set(rows.map(({ id }) => id));
  }

  /** Every event that somebody asked for, and who. */
  async askedFor(): Promise<{ planId: string; type: string; by: string }[]> {
    const { rows } = await this.rows.query<{ id: string; type: string; body: string }>(
      `SELECT plan_id AS id, type, body FROM skein.events WHERE body LIKE '%"by":{%'`,
    );
    return rows.flatMap(({ id, type, body }) => {
      const { data } = JSON.parse(body) as { data: { by?: { name: string } } };
      return data.by ? [{ planId: id, type, by: data.by.name }] : [];
    });
  }

  get isAlive(): boolean {
    return this.coordinator.exitCode === null && this.coordinator.signalCode === null;
  }

  usage(): { rssMb: number; peakRssMb: number; descriptors: number } {
    const status = readFileSync(`/proc/${this.coordinator.pid}/status`, 'utf8');
    const mb = (name: string): number =>
      Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024);
    const descriptors = readdirSync(`/proc/${this.coordinator.pid}/fd`).length;
    return { rssMb: mb('VmRSS'), peakRssMb: mb('VmHWM'), descriptors };
  }

  async stop(): Promise<void> {
    for (const close of this.closing) await close();
  }
}

async function startServers(
  folder: string,
  run: Run,
  closing: (() => Promise<unknown>)[],
): Promise<{ adminUrl: string; natsUrl: string }> {
  const log = silentLogger;
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
  const program = await findNatsServer({ log, onProgress });
  const nats = await startNats({ program, storeDir: join(folder, 'nats'), log });
  closing.unshift(() => nats.stop());
  await run.addNats(nats);
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), log, onProgress, fsync: false });
  closing.unshift(() => postgres.stop());
  await run.addPostgres(postgres);
  return { adminUrl: postgres.adminUrl, natsUrl: nats.url };
}

/** Of this shell only what a program needs to start. */
function common(folder: string, natsUrl: string): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'SKEIN_CACHE_DIR'];
  const inherited = Object.fromEntries(
    kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  return {
    ...inherited,
    NATS_URL: natsUrl,
    SKEIN_DATA_DIR: join(folder, 'data'),
    SKEIN_REPO_SCHEMES: 'file',
  };
}

function settings(sinkUrl: string): Record<string, string> {
  const sinks = [{ name: 'ops', type: 'webhook', url: sinkUrl, secrets: ['s'.repeat(20)] }];
  return {
    SKEIN_PORT: '0',
    SKEIN_LEASE_MS: '2s',
    SKEIN_PLAN_MAX_BYTES: '200000',
    SKEIN_TENANT_OPEN_STEPS: String(OPEN_STEPS_MAX),
    SKEIN_SINKS: JSON.stringify(sinks),
  };
}

function launch(
  app: 'coordinator' | 'worker',
  env: Record<string, string>,
  logged: LoggedLines | null,
): ChildProcess {
  const stdio = ['ignore', logged ? 'pipe' : 'ignore', logged ? 'pipe' : 'ignore', 'ipc'] as const;
  const child = spawn(process.execPath, [join(DIST, app, 'src', 'main.js')], { env, stdio: [...stdio] });
  if (logged)
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', (line) => keep(line, logged));
  return child;
}

function keep(line: string, { bad, warnings }: LoggedLines): void {
  let entry: { level?: string; msg?: string };
  try {
    entry = JSON.parse(line) as typeof entry;
  } catch {
    entry = { level: 'no line of a logger' };
  }
  const { level = '', msg = '' } = entry;
  if (level === 'warn') warnings.set(msg, (warnings.get(msg) ?? 0) + 1);
  else if (!['info', 'debug'].includes(level) && bad.length < LOG_LINES_KEPT) bad.push(line.slice(0, 2_000));
}

function listening(child: ChildProcess, { bad }: LoggedLines): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error('the coordinator did not start in time')),
      START_TIMEOUT_MS,
    );
    child.once('message', ({ url }: { url: string }) => {
      clearTimeout(timer);
      resolve(url);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the coordinator ended with ${code}:\n${bad.join('\n')}`));
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}
