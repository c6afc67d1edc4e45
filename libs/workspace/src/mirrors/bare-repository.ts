import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Git, GitAnswer, GitCall } from '../git/git.ts';
import { FileLock, type HeldLock } from '../locking/file-lock.ts';

export type ObjectFormat = 'sha1' | 'sha256';

/** `info/attributes` wins over every .gitattributes of a tree: no program, no conversion, bytes as they are. */
const ATTRIBUTES = '* -text -filter -ident -crlf !eol !working-tree-encoding\n';

/**
 * A bare repository of ours, and its lock. What writes refs, worktree metadata or packs goes through `underLock`;
 * reading and adding objects needs no lock.
 */
export class BareRepository {
  private readonly lock: FileLock;
  private config = '';

  constructor(
    readonly path: string,
    private readonly git: Git,
    lockTimeoutMs: number,
  ) {
    this.lock = new FileLock(`${path}.lock`, lockTimeoutMs);
  }

  /** Makes it when it is not there. `format` is asked only then. Safe when several processes do it at once. */
  async create(format: () => Promise<ObjectFormat>): Promise<void> {
    if (await this.exists()) return;
    const wanted = await format();
    await this.lock.run('create the mirror', async () => {
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

  private async exists(): Promise<boolean> {
    return (await stat(join(this.path, 'HEAD')).catch(() => null)) !== null;
  }

  /** Runs git on this repository. */
  run(call: GitCall): Promise<GitAnswer> {
    return this.git.run({ gitDir: this.path, ...call });
  }

  text(call: GitCall): Promise<string> {
    return this.git.text({ gitDir: this.path, ...call });
  }

  /**
   * Runs `work` as the only writer of this repository on this host. Lock files that are there at its begin after a
   * dead holder, or that a failure leaves, belong to nobody: we hold the lock that their owner would need.
   */
  underLock<T>(purpose: string, work: (held: HeldLock) => Promise<T>): Promise<T> {
    return this.lock.run(purpose, async (held) => {
      if (held.abandoned) await this.removeStaleLocks();
      await this.restoreSettings();
      try {
        return await work(held);
      } catch (error) {
        await this.removeStaleLocks();
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

  private async removeStaleLocks(): Promise<void> {
    const folders = [this.path, join(this.path, 'objects', 'info')];
    for (const id of await readdir(join(this.path, 'worktrees')).catch(() => [])) {
      folders.push(join(this.path, 'worktrees', id));
    }
    for (const folder of folders) await removeLocks(folder, false);
    await removeLocks(join(this.path, 'refs'), true);
  }
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
