import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LeaseKey } from '#contracts';
import { formatOrdinal } from '#domain';

/**
 * The disk of one lease: a single folder, gone when the lease is.
 *
 *   <root>/<plan>-<ordinal>-<epoch>-<token>/
 *     <worktree>  the step's, made by git
 *     given/      written by the worker, read-only for the step: prompt, feedback, inputs, file list
 *     scratch/    the step's: home/, outputs.json
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
    this.home = join(this.scratch, 'home');
    this.outputs = join(this.scratch, 'outputs.json');
  }

  /** Fresh scratch space; a setup's caches in HOME go with it. */
  async make(): Promise<void> {
    await mkdir(this.given, { recursive: true, mode: 0o755 });
    await removeTree(this.scratch);
    await mkdir(this.home, { recursive: true });
  }

  /** Outputs of an earlier attempt must not pass for this one's. */
  async clearOutputs(): Promise<void> {
    await removeTree(this.outputs);
  }

  async give(name: string, content: string | Buffer): Promise<string> {
    const path = join(this.given, name);
    // Made anew each time: never written through what a step may have put there.
    await removeTree(path);
    await writeFile(path, content, { flag: 'wx' });
    return path;
  }

  async remove(): Promise<void> {
    await removeTree(this.root);
  }
}

/** Also removes what a step made unreadable on purpose: for other users than root `rm` stops at such folders. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    await makeWritable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function makeWritable(path: string): Promise<void> {
  await chmod(path, 0o700).catch(() => undefined);
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await makeWritable(join(path, entry.name));
  }
}
