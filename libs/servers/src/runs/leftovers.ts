import { rm } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import type { Logger } from '#telemetry';
import { removeContainer } from '../nats/docker.ts';
import { NATS_STOP } from '../nats/nats-server.ts';
import { POSTGRES_STOP } from '../postgres/postmaster-file.ts';
import { removeSharedMemory } from '../postgres/shared-memory.ts';
import { findServersBelow, isAlive, stopProcess, type StopStage } from '../processes.ts';
import type { ChildRole, RunChild } from './run-record.ts';

/** Folders that we made for one run are called so; nothing else is ever removed. */
export const EPHEMERAL_PREFIX = 'skein-';

const PROGRAM_STOP: StopStage[] = [
  { signal: 'SIGTERM', graceMs: 5_000 },
  { signal: 'SIGKILL', graceMs: 5_000 },
];

const STOP: Record<ChildRole, StopStage[]> = {
  postgres: POSTGRES_STOP,
  nats: NATS_STOP,
  program: PROGRAM_STOP,
};

/** Stops what still runs: programs before the servers that they use. Returns the pids that were stopped. */
export async function stopChildren(children: RunChild[], log: Logger): Promise<number[]> {
  const programs = children.filter((child) => child.role === 'program');
  const servers = children.filter((child) => child.role !== 'program');
  const stopped = await Promise.all(programs.map((child) => stopChild(child, log)));
  stopped.push(...(await Promise.all(servers.map((child) => stopChild(child, log)))));
  return stopped.flat();
}

async function stopChild(child: RunChild, log: Logger): Promise<number[]> {
  if (child.role === 'nats-container') {
    await removeContainer(child.docker, child.folder, 10);
    return [];
  }
  const { pid } = child;
  const wasAlive = await isAlive(child);
  if (wasAlive && !(await stopProcess(child, STOP[child.role])))
    log.error({ childPid: pid }, 'A left process cannot be stopped');
  if (child.role === 'postgres' && child.folder !== null)
    await removeSharedMemory(join(child.folder, 'cluster'));
  return wasAlive ? [pid] : [];
}

/**
 * Servers of ours that run on these folders: a launcher that was killed between starting one and writing it down
 * has left no other trace.
 */
export async function findUnrecorded(folders: string[]): Promise<RunChild[]> {
  const found: RunChild[] = [];
  for (const folder of folders) {
    for (const { program, identity } of await findServersBelow(['postgres', 'nats-server'], folder)) {
      found.push({ role: program === 'postgres' ? 'postgres' : 'nats', folder: null, ...identity });
    }
  }
  return found;
}

/** Stops every server of ours that runs below a folder, whoever started it. */
export async function stopServersBelow(folder: string, log: Logger): Promise<number[]> {
  return stopChildren(await findUnrecorded([folder]), log);
}

export async function removeFolders(folders: string[], log: Logger): Promise<string[]> {
  const removed: string[] = [];
  for (const folder of folders) {
    if (!isAbsolute(folder) || !basename(folder).startsWith(EPHEMERAL_PREFIX)) continue;
    try {
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      removed.push(folder);
    } catch (error) {
      log.warn({ folder, err: error }, 'A temporary folder cannot be removed');
    }
  }
  return removed;
}
