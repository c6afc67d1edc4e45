import { randomBytes } from 'node:crypto';
import { open, readFile, readdir, rename, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FileLock } from '../locking/file-lock.ts';
import { removeFiles } from '../worktrees/removing-files.ts';
import { LEASE_FILE } from './bare-repository.ts';

/** Waiting for somebody who holds a mirror is no use: who holds it uses it. */
const LOCK_TIMEOUT_MS = 500;

/** Notes that a mirror is in use now: the time of its lock's file, which every fetch and worktree renews as well. */
export async function markUsed(mirror: string): Promise<void> {
  const now = new Date();
  await utimes(lockOf(mirror), now, now).catch(async () => (await open(lockOf(mirror), 'a', 0o600)).close());
}

/** Mirrors below a worker's `rootDir` that nobody has used since then, by path. Asks no git and changes nothing. */
export async function unusedMirrors(rootDir: string, usedBefore: Date): Promise<string[]> {
  const folder = join(rootDir, 'mirrors');
  const names = await readdir(folder).catch(() => []);
  const unused: string[] = [];
  for (const name of names.filter((entry) => /^[0-9a-f]{32}\.git$/.test(entry)).sort()) {
    if (await isUnused(join(folder, name), usedBefore)) unused.push(join(folder, name));
  }
  return unused;
}

/**
 * Removes a mirror unless somebody uses it after all; everything in it can be had again. A worker that opens it at this
 * very moment hands its step back and makes the mirror anew. False: it stays.
 */
export async function removeMirror(mirror: string, usedBefore: Date): Promise<boolean> {
  const lock = new FileLock(lockOf(mirror), LOCK_TIMEOUT_MS, new AbortController().signal);
  // Before the lock is taken: taking it renews the time.
  if (!(await isUnused(mirror, usedBefore))) return false;
  try {
    return await lock.run('prune', async () => {
      if ((await worktreesInUse(mirror)) > 0) return false;
      const trash = `${mirror}.trash-${randomBytes(6).toString('hex')}`;
      await rename(mirror, trash);
      await removeFiles(trash);
      return true;
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'GIT_LOCKED' || code === 'ENOENT') return false;
    throw error;
  }
}

async function isUnused(mirror: string, usedBefore: Date): Promise<boolean> {
  const used = await stat(lockOf(mirror)).catch(() => stat(mirror).catch(() => null));
  return used !== null && used.mtimeMs < usedBefore.getTime() && (await worktreesInUse(mirror)) === 0;
}

/** Those whose lease still has its folder; the others are of dead workers. */
async function worktreesInUse(mirror: string): Promise<number> {
  let used = 0;
  for (const id of await readdir(join(mirror, 'worktrees')).catch(() => [])) {
    const folder = join(mirror, 'worktrees', id);
    const lease = (await readFile(join(folder, LEASE_FILE), 'utf8').catch(() => '')).trim();
    const gitFile = (await readFile(join(folder, 'gitdir'), 'utf8').catch(() => '')).trim();
    const place = lease === '' ? dirname(dirname(gitFile)) : lease;
    if (await stat(place).catch(() => null)) used += 1;
  }
  return used;
}

function lockOf(mirror: string): string {
  return `${mirror}.lock`;
}
