import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import type { Git, GitAnswer, GitCall, GitRunner } from '../git/git.ts';
import { GitError } from '../git/git-error.ts';
import { FileLock, type HeldLock } from '../locking/file-lock.ts';

export type ObjectFormat = 'sha1' | 'sha256';

export interface BareRepositoryOptions {
  lockTimeoutMs: number;
  closing: AbortSignal;
  /** Git found broken objects in it. */
  onCorrupt?: () => void;
}

/** Written last when a worktree is added, under the lock: metadata without it is half made. It names the lease folder. */
export const LEASE_FILE = 'skein-lease';
const CORRUPT_FILE = 'skein-corrupt';

/** `info/attributes` wins over every .gitattributes of a tree: no program, no conversion, bytes as they are. */
const ATTRIBUTES = '* -text -filter -ident -crlf !eol !working-tree-encoding\n';

/**
 * A bare repository of ours, and its lock. What writes refs, worktree metadata or packs goes through `underLock`;
 * reading and adding objects needs no lock.
 */
export class BareRepository implements GitRunner {
  private readonly lock: FileLock;
  private config = '';

  constructor(
    readonly path: string,
    private readonly git: Git,
    private readonly o: BareRepositoryOptions,
  ) {
    this.lock = new FileLock(`${path}.lock`, o.lockTimeoutMs, o.closing);
  }

  /** Makes it when it is not there. `format` is asked only then. Safe when several processes do it at once. */
  async create(format: () => Promise<ObjectFormat>): Promise<void> {
    if ((await this.exists()) && !(await this.isCorrupt())) return;
    const wanted = await format();
    await this.lock.run('create the mirror', async () => {
      if (await this.isCorrupt()) await this.discardUnused();
      if (await this.exists()) return;
      // What a dead creator left; a folder with its real name is complete.
      const temporary = `${this.path}.new`;
      await rm(temporary, { recursive: true, force: true });
      await mkdir(join(temporary, 'info'), { recursive: true, mode: 0o700 });
      await mkdir(join(temporary, 'objects', 'pack'), { recursive: true });
      await mkdir(join(temporary, 'objects', 'info'), { recursive: true });
      await mkdir(join(temporary, 'refs', 'heads'), { recursive: true });
      await mkdir(join(temporary, 'worktrees'));
      await writeFile(join(temporary, 'HEAD'), 'ref: refs/heads/skein-no-branch\n');
      await writeFile(join(temporary, 'config'), configFor(wanted));
      await writeFile(join(temporary, 'info', 'attributes'), ATTRIBUTES);
      await rename(temporary, this.path);
    });
  }

  private exists(): Promise<boolean> {
    return isThere(join(this.path, 'HEAD'));
  }

  private isCorrupt(): Promise<boolean> {
    return isThere(join(this.path, CORRUPT_FILE));
  }

  /** Everything in a mirror can be had again; but worktrees that are in use would lose their objects. */
  private async discardUnused(): Promise<void> {
    if ((await readdir(join(this.path, 'worktrees')).catch(() => [])).length > 0) return;
    const trash = `${this.path}.trash-${randomBytes(6).toString('hex')}`;
    await rename(this.path, trash);
    await rm(trash, { recursive: true, force: true });
  }

  /** Runs git on this repository. */
  async run(call: GitCall): Promise<GitAnswer> {
    try {
      return await this.git.run({ gitDir: this.path, ...call });
    } catch (error) {
      if (error instanceof GitError && error.code === 'GIT_CORRUPT') {
        await writeFile(join(this.path, CORRUPT_FILE), error.stderr).catch(() => undefined);
        this.o.onCorrupt?.();
      }
      throw error;
    }
  }

  /** The answer as text, without the last newline. */
  async text(call: GitCall): Promise<string> {
    return (await this.run(call)).stdout.toString('utf8').replace(/\n$/, '');
  }

  /**
   * Runs `work` as the only writer of this repository on this host. Lock files that are there at its begin after a
   * dead holder, or that a failure leaves, belong to nobody: we hold the lock that their owner would need.
   */
  underLock<T>(purpose: string, work: (held: HeldLock) => Promise<T>): Promise<T> {
    return this.lock.run(purpose, async (held) => {
      if (held.abandoned) await this.removeLeftovers();
      await this.restoreSettings();
      try {
        return await work(held);
      } catch (error) {
        await this.removeLeftovers();
        throw error;
      }
    });
  }

  /**
   * Puts back our config and attributes. Without a sandbox a step could have written there, and a shared config
   * with a program in it would run in its neighbour's git.
   */
  async restoreSettings(): Promise<void> {
    this.config ||= configFor(await this.objectFormat());
    await restore(join(this.path, 'config'), this.config);
    await restore(join(this.path, 'info', 'attributes'), ATTRIBUTES);
  }

  private async objectFormat(): Promise<ObjectFormat> {
    const text = await readFile(join(this.path, 'config'), 'utf8').catch(() => '');
    return /objectformat\s*=\s*sha256/i.test(text) ? 'sha256' : 'sha1';
  }

  /** True when the commit is here. Packs appear whole, so then its history is, too. */
  async hasCommit(sha: string): Promise<boolean> {
    const call = {
      action: 'look for a commit',
      args: ['cat-file', '-e', `${sha}^{commit}`],
      answers: [0, 1, 128],
    };
    return (await this.run(call)).exitCode === 0;
  }

  async isAncestor(ancestor: string, descendant: string): Promise<boolean> {
    const args = ['merge-base', '--is-ancestor', ancestor, descendant];
    return (await this.run({ action: 'compare commits', args, answers: [0, 1] })).exitCode === 0;
  }

  private async removeLeftovers(): Promise<void> {
    const folders = [this.path, join(this.path, 'objects', 'info')];
    for (const id of await readdir(join(this.path, 'worktrees')).catch(() => [])) {
      const folder = join(this.path, 'worktrees', id);
      if (await isThere(join(folder, LEASE_FILE))) folders.push(folder);
      else await removeHalfMade(folder);
    }
    for (const folder of folders) await removeLocks(folder, false);
    await removeLocks(join(this.path, 'refs'), true);
  }
}

/** Git refuses to add a worktree beside one without `commondir`. The files of it are an empty folder at most. */
async function removeHalfMade(folder: string): Promise<void> {
  const gitFile = (await readFile(join(folder, 'gitdir'), 'utf8').catch(() => '')).trim();
  const tree = dirname(gitFile);
  if (gitFile !== '' && basename(tree) === basename(folder)) await rm(tree, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

async function removeLocks(folder: string, recursive: boolean): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive }).catch(() => []);
  for (const entry of entries) {
    if (entry.isFile() && entry.name.endsWith('.lock'))
      await rm(join(entry.parentPath, entry.name), { force: true });
  }
}

function configFor(format: ObjectFormat): string {
  const version = format === 'sha256' ? 1 : 0;
  const extension = format === 'sha256' ? '[extensions]\n\tobjectformat = sha256\n' : '';
  return `[core]\n\trepositoryformatversion = ${version}\n\tfilemode = true\n\tbare = true\n${extension}`;
}

async function restore(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => null)) === text) return;
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(temporary, text, { flag: 'wx' });
  await rename(temporary, path);
}
