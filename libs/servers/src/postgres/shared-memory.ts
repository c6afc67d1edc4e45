import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Backends of a killed server go by themselves, within milliseconds unless the machine is busy. */
const DETACH_TIMEOUT_MS = 5_000;

/**
 * A Postgres that was killed leaves a System V segment of 56 bytes until its next start on the same folder. Where
 * there may be none, this removes it. A segment that is in use, or somebody else's, stays.
 */
export async function removeSharedMemory(cluster: string): Promise<void> {
  const file = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const [key, id] = (file.split('\n')[6] ?? '').trim().split(/\s+/);
  if (key === undefined || id === undefined) return;
  const deadline = Date.now() + DETACH_TIMEOUT_MS;
  let attached = await attachedTo(Number(key), id);
  while (attached !== null && attached > 0 && Date.now() < deadline) {
    await new Promise((wake) => setTimeout(wake, 20));
    attached = await attachedTo(Number(key), id);
  }
  if (attached === 0) await run('ipcrm', ['-m', id]).catch(() => undefined);
}

/** How many processes use the segment; null when there is none of that key and id. */
async function attachedTo(key: number, id: string): Promise<number | null> {
  const table = await readFile('/proc/sysvipc/shm', 'utf8').catch(() => '');
  for (const line of table.split('\n')) {
    const [shmKey, shmId, , , , , attached] = line.trim().split(/\s+/);
    // The table shows keys as signed numbers.
    if (shmId === id && Number(shmKey) >>> 0 === key >>> 0) return Number(attached);
  }
  return null;
}
