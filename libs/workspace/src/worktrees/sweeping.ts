import { readFile, readdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LEASE_FILE } from '../mirrors/bare-repository.ts';
import type { WorktreeParts } from './worktree-parts.ts';
import { LeaseObjects } from './lease-objects.ts';
import { removeMetadata } from './git-worktree.ts';
import { removeFiles } from './removing-files.ts';

/**
 * Removes the worktrees of dead owners: files, metadata and index. A worktree whose adding was cut short has no lease
 * file; it goes when its folder (from git's own `gitdir`) is not in a live lease either.
 */
export async function sweepWorktrees(
  parts: WorktreeParts,
  isLive: (leaseDir: string) => boolean,
): Promise<number> {
  const { repository, log } = parts;
  let removed = 0;
  for (const id of await readdir(join(repository.path, 'worktrees')).catch(() => [])) {
    const lease = await leaseOf(repository.path, id);
    if (lease !== null && isLive(lease)) continue;
    // Only names that we give: never a folder that somebody else's metadata points to.
    if (lease !== null && /^tree-[0-9a-f]{16}$/.test(id)) {
      await removeFiles(join(lease, id));
      await rmdir(lease).catch(() => undefined);
    }
    await rm(join(parts.indexDir, id), { force: true });
    await rm(join(parts.indexDir, `${id}.lock`), { force: true });
    await new LeaseObjects(repository, parts.indexDir, id).remove();
    await removeMetadata(parts, id);
    removed += 1;
    log.info({ worktree: id, lease }, 'removed the worktree of a dead worker');
  }
  const folder = dirname(repository.path);
  const trash = `${basename(repository.path)}.trash-`;
  for (const name of await readdir(folder)) if (name.startsWith(trash)) await removeFiles(join(folder, name));
  return removed;
}

async function leaseOf(mirror: string, id: string): Promise<string | null> {
  const read = (name: string) => readFile(join(mirror, 'worktrees', id, name), 'utf8').catch(() => '');
  const lease = (await read(LEASE_FILE)).trim();
  if (lease !== '') return lease;
  const gitFile = (await read('gitdir')).trim();
  return gitFile === '' ? null : dirname(dirname(gitFile));
}
