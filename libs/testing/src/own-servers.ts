import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsOptions, NatsServer, PostgresServer } from '#servers';
import { tempDir } from './temp-root.ts';
import { testNatsProgram } from './test-servers.ts';

/** A server of one spec, to be mistreated. Stop it in `afterAll`. */
export interface OwnNats extends NatsServer {
  storeDir: string;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** The store goes. Only after `kill()` or `stop()`. */
  wipe(): Promise<void>;
  /** Again, on the same port and with the same passwords (after `kill()` or `stop()`). */
  restart(): Promise<OwnNats>;
}

export interface OwnPostgres extends PostgresServer {
  dataDir: string;
  kill(): Promise<void>;
  /** Again, on the same folder and port (after `kill()` or `stop()`). */
  restart(): Promise<OwnPostgres>;
}

export async function startOwnNats(
  o: Partial<Pick<NatsOptions, 'storeDir' | 'port' | 'password' | 'workers' | 'syncInterval'>> = {},
): Promise<OwnNats> {
  const { startNats } = await import('#servers');
  const { silentLogger } = await import('#telemetry');
  const storeDir = o.storeDir ?? (await tempDir('nats'));
  const options = { password: 'coordinator', ...o, storeDir };
  if (options.workers !== undefined) options.workers = { password: 'worker', ...options.workers };
  const server = await startNats({ ...options, program: testNatsProgram(), log: silentLogger });
  return {
    ...server,
    storeDir,
    kill: () => killHard(server),
    wipe: () => rm(join(storeDir, 'jetstream'), { recursive: true, force: true }),
    restart: () => startOwnNats({ ...options, port: server.port }),
  };
}

export async function startOwnPostgres(
  o: { dataDir?: string; port?: number; fsync?: boolean } = {},
): Promise<OwnPostgres> {
  const { startPostgres } = await import('#servers');
  const { silentLogger } = await import('#telemetry');
  const dataDir = o.dataDir ?? (await tempDir('postgres'));
  const server = await startPostgres({ fsync: false, ...o, dataDir, log: silentLogger });
  return {
    ...server,
    dataDir,
    kill: () => killHard(server),
    restart: () => startOwnPostgres({ ...o, dataDir, port: server.port }),
  };
}

async function killHard(server: {
  pid: number;
  exited: Promise<unknown>;
  stop(): Promise<void>;
}): Promise<void> {
  process.kill(server.pid, 'SIGKILL');
  await server.exited;
}
