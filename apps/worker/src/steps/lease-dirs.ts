import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LeaseKey } from '#contracts';
import { formatOrdinal } from '#domain';
import { removeTree } from '#sandbox';

/**
 * The disk of one lease: a single folder, gone when the lease is.
 *
 *   <root>/<plan>-<ordinal>-<epoch>-<token>/
 *     <worktree>  the step's, made by git
 *     given/      written by the worker, read-only for the step: prompt, feedback, inputs, file list, script
 *     home/       the step's HOME, the same for all programs of the lease
 *     scratch/    the step's: outputs.json
 *
 * What the step may write is never written or followed by the worker: it could be a symlink by now.
 */
export class LeaseDirs {
  readonly root: string;
  readonly given: string;
  readonly scratch: string;
  readonly home: string;
  readonly outputs: string;

  constructor(leasesDir: string, key: LeaseKey) {
    const name = `${key.planId}-${formatOrdinal(key.ordinal)}-${key.epoch}-${key.token.slice(0, 12)}`;
    this.root = join(leasesDir, name);
    this.given = join(this.root, 'given');
    this.scratch = join(this.root, 'scratch');
    this.home = join(this.root, 'home');
    this.outputs = join(this.scratch, 'outputs.json');
  }

  /** Fresh scratch space; a setup's caches in HOME go with it. */
  async make(): Promise<void> {
    await mkdir(this.given, { recursive: true, mode: 0o755 });
    for (const folder of [this.scratch, this.home]) {
      await removeTree(folder);
      await mkdir(folder);
    }
  }

  /**
   * Before each program: where a sandbox shows the real folders, the one before may have removed them or put something
   * else in their place. That is no reason for the next not to start, and nothing that is there is followed.
   */
  async mend(): Promise<void> {
    for (const folder of [this.scratch, this.home]) {
      if ((await lstat(folder).catch(() => null))?.isDirectory() === true) continue;
      await removeTree(folder);
      await mkdir(folder);
    }
  }

  /** Outputs of an earlier attempt must not pass for this one's. */
  async clearOutputs(): Promise<void> {
    await removeTree(this.outputs);
  }

  async give(name: string, content: string | Buffer, mode = 0o644): Promise<string> {
    const path = join(this.given, name);
    // Made anew each time: never written through what a step may have put there.
    await removeTree(path);
    await writeFile(path, content, { flag: 'wx', mode });
    return path;
  }

  async remove(): Promise<void> {
    await removeTree(this.root);
  }
}
