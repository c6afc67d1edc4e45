import { randomBytes } from 'node:crypto';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LEASE_FILE } from '../mirrors/bare-repository.ts';
import { GitWorktree } from './git-worktree.ts';
import type { WorktreeParts } from './worktree-parts.ts';
import type { Worktree } from './worktree.ts';

/**
 * Adds a detached worktree under the mirror's lock (without it 6 to 18 of 32 at once fail on git 2.39) and writes the
 * files outside of it.
 */
export async function addWorktree(parts: WorktreeParts, leaseDir: string, sha: string): Promise<Worktree> {
  const { repository, signal } = parts;
  await mkdir(leaseDir, { recursive: true, mode: 0o700 });
  const lease = await realpath(leaseDir);
  // Git names the metadata after the folder. A name that is used only once: a zombie's calls must not hit a successor.
  const id = `tree-${randomBytes(8).toString('hex')}`;
  const path = join(lease, id);
  const gitDir = join(repository.path, 'worktrees', id);
  const worktree = new GitWorktree({ ...parts, id, path, gitDir });
  try {
    await repository.underLock('add a worktree', async ({ fd }) => {
      const args = ['worktree', 'add', '--detach', '--no-checkout', '--quiet', path, sha];
      const ending = signal === undefined ? {} : { signal };
      await repository.run({ action: 'add a worktree', args, lockFd: fd, ...ending });
      await writeFile(join(gitDir, LEASE_FILE), lease);
    });
    await worktree.fill(sha);
  } catch (error) {
    await worktree.remove().catch(() => undefined);
    throw error;
  }
  return worktree;
}
