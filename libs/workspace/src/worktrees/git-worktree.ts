import { randomBytes } from 'node:crypto';
import { copyFile, lstat, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Change } from '../changes/change.ts';
import { diffTrees } from '../changes/tree-diff.ts';
import type { GitAnswer, GitCall } from '../git/git.ts';
import { gitOperation } from '../git/operation.ts';
import { GitError, type GitErrorCode, WorktreeGoneError } from '../git/git-error.ts';
import { pathToBytes } from '../git/path-bytes.ts';
import { writeCommit } from '../mirrors/committing.ts';
import { LeaseObjects } from './lease-objects.ts';
import type { WorktreeGit, WorktreeParts } from './worktree-parts.ts';
import { joinBytes, openFolders, removeFiles } from './removing-files.ts';
import { listUntracked, writeSnapshot } from './snapshot.ts';
import type { CommitOptions, Worktree } from './worktree.ts';

/** Writing all files of a large repository to a cold disk. */
const CHECKOUT_TIMEOUT_MS = 900_000;

export interface GitWorktreeOptions extends WorktreeParts {
  id: string;
  path: string;
  gitDir: string;
}

export class GitWorktree implements Worktree, WorktreeGit {
  readonly path: string;
  readonly gitDir: string;
  private readonly indexFile: string;
  private readonly objects: LeaseObjects;
  private current = '';
  private removed = false;
  private unstorable: string[] = [];
  private tail: Promise<unknown> = Promise.resolve();

  constructor(private readonly o: GitWorktreeOptions) {
    this.path = o.path;
    this.gitDir = o.gitDir;
    this.indexFile = join(o.indexDir, o.id);
    this.objects = new LeaseObjects(o.repository, o.indexDir, o.id);
  }

  head(): string {
    return this.current;
  }

  snapshot(): Promise<string> {
    return this.inTurn(async () => {
      const { tree, leftOut } = await writeSnapshot(this);
      this.unstorable = leftOut;
      return tree;
    });
  }

  leftOut(): string[] {
    return this.unstorable;
  }

  changes(fromSha: string, tree: string): Promise<Change[]> {
    return diffTrees(this, fromSha, tree);
  }

  commit(tree: string, parents: string[], options: CommitOptions): Promise<string> {
    const { message, date } = options;
    return gitOperation('commit', {}, async () => {
      const sha = await writeCommit(this, { tree, parents, message, date });
      await this.objects.handOver(this, sha, parents);
      return sha;
    });
  }

  resetTo(sha: string): Promise<void> {
    return this.inTurn(async () => {
      await this.writeFiles(sha).catch(async (error: unknown) => {
        if (!(error instanceof GitError) || ENDED.has(error.code)) throw error;
        // A step may have taken permissions from its own folders.
        await openFolders(this.path);
        await this.writeFiles(sha);
      });
      await this.removeUntracked();
    });
  }

  private async removeUntracked(): Promise<void> {
    const folders = new Set<string>();
    for (const path of await listUntracked(this)) {
      await removeFiles(joinBytes(this.path, pathToBytes(path)));
      for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
        folders.add(path.slice(0, at));
    }
    // Those below first; one that still has something in it stays.
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
      await rmdir(joinBytes(this.path, pathToBytes(folder))).catch(() => undefined);
    }
  }

  /** `resetTo` for a folder that is empty. */
  fill(sha: string): Promise<void> {
    return this.inTurn(async () => {
      await this.objects.make();
      await this.writeFiles(sha);
    });
  }

  async remove(): Promise<void> {
    this.removed = true;
    const turn = this.tail.then(() => this.removeAll());
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  /** Runs git on the files with our index. */
  run(call: GitCall): Promise<GitAnswer> {
    const { repository, signal } = this.o;
    return repository.run({
      ...call,
      gitDir: this.gitDir,
      workTree: this.path,
      ...(signal === undefined ? {} : { signal }),
      env: { ...call.env, ...this.objects.env, GIT_INDEX_FILE: this.indexFile },
    });
  }

  async text(call: GitCall): Promise<string> {
    return (await this.run(call)).stdout.toString('utf8').replace(/\n$/, '');
  }

  /** Replaces what differs from our index; a symlink that took a folder's place is removed, not followed. */
  private async writeFiles(sha: string): Promise<void> {
    const args = ['read-tree', '--reset', '-u', '--no-recurse-submodules', sha];
    await this.run({ action: 'check out', args, timeoutMs: CHECKOUT_TIMEOUT_MS });
    this.current = sha;
    await this.objects.clear();
    await this.showToSteps(sha);
  }

  /** What a step's own `git status` sees: HEAD and a copy of the index. We do not read them again. */
  private async showToSteps(sha: string): Promise<void> {
    await replaceFile(join(this.gitDir, 'HEAD'), (path) => writeFile(path, `${sha}\n`, { flag: 'wx' }));
    const { atime, mtime } = await stat(this.indexFile);
    await replaceFile(join(this.gitDir, 'index'), async (path) => {
      await copyFile(this.indexFile, path);
      // Its time says which files git has to read to know whether they changed.
      await utimes(path, atime, mtime);
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.tail.then(async () => {
      if (this.removed) throw new WorktreeGoneError(this.path);
      // A step may have put a symlink there: its target's files are none of ours.
      if ((await lstat(this.path).catch(() => null))?.isDirectory() !== true)
        throw new WorktreeGoneError(this.path);
      // Of a git that was killed: only we use this index, one call at a time.
      await rm(`${this.indexFile}.lock`, { force: true });
      await this.o.repository.restoreSettings();
      return work();
    });
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  private async removeAll(): Promise<void> {
    await removeFiles(this.path);
    await rm(this.indexFile, { force: true });
    await rm(`${this.indexFile}.lock`, { force: true });
    await this.objects.remove();
    await removeMetadata(this.o, this.o.id);
  }
}

/** Of these another try is no use. */
const ENDED: ReadonlySet<GitErrorCode> = new Set<GitErrorCode>(['GIT_CLOSED', 'GIT_ABORTED']);

/** Moves the metadata away in one step, so that no other git sees half of it; then removes it. */
export async function removeMetadata(parts: WorktreeParts, id: string): Promise<void> {
  const { repository } = parts;
  const gitDir = join(repository.path, 'worktrees', id);
  if ((await lstat(gitDir).catch(() => null)) === null) return;
  const trash = `${repository.path}.trash-${id}`;
  await repository.underLock('remove a worktree', async () => {
    await rename(gitDir, trash).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  });
  await removeFiles(trash);
}

async function replaceFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await write(temporary);
  await rename(temporary, path);
}
