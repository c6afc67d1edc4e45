import { join } from 'node:path';
import type { Logger } from '#telemetry';
import { usableCacheDir } from '../cache-dir.ts';
import { claimDir, type ClaimedDir } from '../data-dir.ts';
import { freePort, LOOPBACK } from '../free-port.ts';
import { ServerProcess, ServerWontStopError, type Exit } from '../server-process.ts';
import { installPostgres, type PostgresBinaries } from './binaries.ts';
import { openCluster, POSTGRES_ENV, SUPERUSER, type Cluster } from './cluster.ts';
import { isReady, POSTGRES_STOP, takeOver } from './postmaster-file.ts';
import { removeSharedMemory } from './shared-memory.ts';
import { binariesDir, checkReachable, dropRoot, type Unprivileged } from './unprivileged.ts';

export interface PostgresOptions {
  /** A folder of ours; made if missing. Postgres' own files are below it. */
  dataDir: string;
  /** Of the superuser, for a new cluster. Default: random, kept in the folder. */
  password?: string;
  log: Logger;
  onProgress?: (line: string) => void;
  /** False only for data that nobody needs after a crash (tests). */
  fsync?: boolean;
  /** Tried first; another is taken when it is in use. */
  port?: number;
  cacheDir?: string;
}

export interface PostgresServer {
  /** As superuser, to the database `postgres`. */
  adminUrl: string;
  port: number;
  pid: number;
  /** The folder it was started on: absolute, without symbolic links. */
  dataDir: string;
  /** Resolves when the server has ended, whatever the reason; it can be started on its folder again. */
  exited: Promise<Exit>;
  stop(): Promise<void>;
}

const START_TRIES = 6;
const READY_TIMEOUT_MS = 60_000;

/**
 * Starts the embedded Postgres on a folder; what a dead owner left running there is stopped first.
 * Throws DataDirInUseError, PostgresNotFoundError, PostgresRefusesRootError, PostgresStartError.
 */
export async function startPostgres(o: PostgresOptions): Promise<PostgresServer> {
  const claim = await claimDir(o.dataDir);
  try {
    return await startClaimed(claim, o);
  } catch (error) {
    await claim.release();
    throw error;
  }
}

async function startClaimed(claim: ClaimedDir, o: PostgresOptions): Promise<PostgresServer> {
  const fsync = o.fsync ?? true;
  const progress = o.onProgress === undefined ? {} : { onProgress: o.onProgress };
  const as = await dropRoot();
  const binaries = await installPostgres(binariesDir(usableCacheDir(o.cacheDir), as), o.onProgress);
  await checkReachable([binaries.root, claim.path], as);
  await takeOver(join(claim.path, 'cluster'), o.log);
  const cluster = await openCluster({
    dataDir: claim.path,
    password: o.password,
    binaries,
    as,
    fsync,
    ...progress,
  });
  const { server, port } = await startOnFreePort(claim, {
    binaries,
    as,
    cluster,
    fsync,
    port: o.port,
    log: o.log,
  });
  o.log.debug({ serverPid: server.pid, port, dataDir: claim.path }, 'Postgres runs');
  // Whatever ended it: the folder is free again before anybody is told.
  const exited = server.exited.then(async (exit) => {
    // There only if it was killed.
    await removeSharedMemory(cluster.path);
    await claim.release();
    return exit;
  });
  return {
    adminUrl: `postgres://${SUPERUSER}:${encodeURIComponent(cluster.password)}@${LOOPBACK}:${port}/postgres`,
    port,
    pid: server.pid,
    dataDir: claim.path,
    exited,
    stop: async () => {
      if (!(await server.stop(POSTGRES_STOP))) throw new ServerWontStopError('Postgres', server.pid);
      await exited;
    },
  };
}

interface Start {
  binaries: PostgresBinaries;
  as: Unprivileged;
  cluster: Cluster;
  fsync: boolean;
  port: number | undefined;
  log: Logger;
}

async function startOnFreePort(
  claim: ClaimedDir,
  start: Start,
): Promise<{ server: ServerProcess; port: number }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort(tries === 1 ? start.port : undefined);
    const server = await spawnPostgres(claim, start, port);
    if (await becomesReady(server, start.cluster.path)) return { server, port };
    const output = await server.logTail();
    await server.stop(POSTGRES_STOP);
    if (tries === START_TRIES || !isPassing(output)) throw new PostgresStartError(claim.path, output);
    start.log.debug({ port, output }, 'Postgres did not start; trying again');
    await new Promise((wake) => setTimeout(wake, 200 * tries));
  }
}

/** Somebody took the port meanwhile, or the killed server's backends have not all noticed yet. */
function isPassing(output: string): boolean {
  return /could not create any TCP\/IP sockets|Address already in use|pre-existing shared memory block/.test(
    output,
  );
}

function spawnPostgres(claim: ClaimedDir, start: Start, port: number): Promise<ServerProcess> {
  const settings: Record<string, string> = {
    listen_addresses: LOOPBACK,
    port: String(port),
    // No socket file in a shared folder, nothing to clean up, no path that can be too long.
    unix_socket_directories: '',
    max_connections: '200',
    // In the data folder, not in /dev/shm, where kill -9 would leave it for ever.
    dynamic_shared_memory_type: 'mmap',
    // ERROR is below LOG here: expected conflicts (unique violations) do not fill the disk.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    // Commits still reach the kernel before they are answered: what survives kill -9 is the same.
    ...(start.fsync ? {} : { fsync: 'off', full_page_writes: 'off' }),
  };
  const argv = [
    ...start.as.prefix,
    join(start.binaries.root, 'bin', 'postgres'),
    ...['-D', start.cluster.path],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  return ServerProcess.start({
    command: argv[0]!,
    args: argv.slice(1),
    env: POSTGRES_ENV,
    cwd: '/',
    logFile: join(claim.path, 'postgres.log'),
    ...(start.as.user === undefined ? {} : { user: start.as.user }),
  });
}

async function becomesReady(server: ServerProcess, cluster: string): Promise<boolean> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline && !server.hasExited) {
    if (await isReady(cluster, server.pid)) return true;
    await new Promise((wake) => setTimeout(wake, 30));
  }
  return false;
}

export class PostgresStartError extends Error {
  readonly code = 'postgres-did-not-start';
  readonly retry = 'later';

  constructor(
    readonly dataDir: string,
    readonly output: string,
  ) {
    super(`Postgres did not start on ${dataDir}:\n${output}`);
    this.name = 'PostgresStartError';
  }
}
