import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitRunner } from '../git/git.ts';
import type { BareRepository } from '../mirrors/bare-repository.ts';
import { removeFiles } from './removing-files.ts';

/**
 * The git objects that one worktree writes: a folder of its own beside its index, on top of the mirror's objects. What a
 * step fills its worktree with, attempt after attempt, is gone with the next reset; only commits, which were judged
 * before, get into the mirror that all share.
 */
export class LeaseObjects {
  readonly env: Readonly<Record<string, string>>;
  private readonly folder: string;
  private readonly mirrorObjects: string;

  constructor(repository: BareRepository, indexDir: string, id: string) {
    this.folder = join(indexDir, `${id}.objects`);
    this.mirrorObjects = join(repository.path, 'objects');
    this.env = {
      GIT_OBJECT_DIRECTORY: this.folder,
      // Quoted: a colon would separate two folders.
      GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${this.mirrorObjects.replace(/[\\"]/g, '\\$&')}"`,
    };
  }

  /** Before anything else: git takes no repository for one whose objects have no folder. */
  async make(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
  }

  /** Nothing in the index may need them any more. */
  async clear(): Promise<void> {
    for (const name of await readdir(this.folder)) await removeFiles(join(this.folder, name));
  }

  async remove(): Promise<void> {
    await removeFiles(this.folder);
  }

  /**
   * Puts a commit into the mirror, with all that it has beyond its parents, which must be there. As one pack that appears
   * whole, index last, so no lock is needed and nobody sees a commit without its tree.
   */
  async handOver(git: GitRunner, sha: string, parents: readonly string[]): Promise<void> {
    // Where the pack grows, before it moves.
    await mkdir(join(this.folder, 'pack'), { recursive: true, mode: 0o700 });
    const stdin = [sha, ...parents.map((parent) => `^${parent}`)].map((line) => `${line}\n`).join('');
    const args = ['pack-objects', '--revs', '--quiet', join(this.mirrorObjects, 'pack', 'pack')];
    await git.run({ action: 'keep a commit', args, stdin });
  }
}
