import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A Postgres that was killed leaves a System V segment of 56 bytes until its next start on the same folder. Where
 * there may be none, this removes it. Nothing happens while a process is attached, or if the segment is another's.
 */
export async function removeSharedMemory(cluster: string): Promise<void> {
  const file = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const [key, id] = (file.split('\n')[6] ?? '').trim().split(/\s+/);
  if (key === undefined || id === undefined) return;
  const table = await readFile('/proc/sysvipc/shm', 'utf8').catch(() => '');
  const isUnused = table.split('\n').some((line) => {
    const [shmKey, shmId, , , , , attached] = line.trim().split(/\s+/);
    // The table shows keys as signed numbers.
    return shmId === id && attached === '0' && Number(shmKey) >>> 0 === Number(key) >>> 0;
  });
  if (isUnused) await run('ipcrm', ['-m', id]).catch(() => undefined);
}
