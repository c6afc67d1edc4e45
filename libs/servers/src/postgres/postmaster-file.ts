import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '#telemetry';
import {
  findByArgument,
  identify,
  stopProcess,
  workingDirectory,
  type ProcessIdentity,
  type StopStage,
} from '../processes.ts';

/** Above every kernel's pid limit (Linux: 2^22), so that it names no process, now or later. */
const NOBODYS_PID = 2_147_483_646;

/** Fast shutdown; then immediate; then the kernel's. An immediate one costs a recovery at the next start, no data. */
export const POSTGRES_STOP: StopStage[] = [
  { signal: 'SIGINT', graceMs: 15_000 },
  { signal: 'SIGQUIT', graceMs: 5_000 },
  { signal: 'SIGKILL', graceMs: 5_000 },
];

/** True once the postmaster of this pid accepts connections: what `pg_ctl --wait` looks at, too. */
export async function isReady(cluster: string, pid: number): Promise<boolean> {
  const lines = await readLines(cluster);
  return lines !== null && Number(lines[0]) === pid && (lines[7] ?? '').trim() === 'ready';
}

/**
 * For a folder whose claim we hold, so its owner is dead: stops a postmaster that the owner left running, and makes
 * a left pid file harmless. Postgres refuses to start while the pid in it belongs to any living process, also to one
 * that has nothing to do with Postgres.
 */
export async function takeOver(cluster: string, log: Logger): Promise<void> {
  for (const postmaster of await findPostmasters(cluster)) {
    log.warn({ serverPid: postmaster.pid, cluster }, 'Stopping the Postgres that a dead owner left');
    if (!(await stopProcess(postmaster, POSTGRES_STOP)))
      throw new OrphanPostgresError(cluster, postmaster.pid);
  }
  await disarm(cluster);
}

async function findPostmasters(cluster: string): Promise<ProcessIdentity[]> {
  const found = await findByArgument('postgres', cluster);
  const named = Number((await readLines(cluster))?.[0]);
  // The folder may have been moved while its server ran: then the argument is the old one, the working directory is not.
  if (named > 0 && !found.some(({ pid }) => pid === named) && (await workingDirectory(named)) === cluster) {
    const identity = await identify(named);
    if (identity !== null) found.push(identity);
  }
  return found;
}

/** The rest of the file stays: by it Postgres checks that no backend of the old server still uses the shared memory. */
async function disarm(cluster: string): Promise<void> {
  const lines = await readLines(cluster);
  if (lines === null) return;
  await writeFile(join(cluster, 'postmaster.pid'), [String(NOBODYS_PID), ...lines.slice(1)].join('\n'));
}

async function readLines(cluster: string): Promise<string[] | null> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => null);
  return text === null ? null : text.split('\n');
}

export class OrphanPostgresError extends Error {
  readonly code = 'orphan-postgres';
  readonly retry = 'never';

  constructor(
    readonly cluster: string,
    readonly pid: number,
  ) {
    super(`A Postgres (process ${pid}) still runs on ${cluster} and cannot be stopped.`);
    this.name = 'OrphanPostgresError';
  }
}
