import { opendir, lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { measure } from '#artifacts';
import { removeTree } from '#sandbox';
import { FileLock } from '#servers';
import { removeMirror, unusedMirrors } from '#workspace';
import type { Prunable } from './prunable.ts';

/** Of a mirror that was used just now a worker may be about to need something. */
const MIRROR_AGE_MS_MIN = 3_600_000;
const SWEEP_LOCK_TIMEOUT_MS = 10_000;

/** Mirrors that no worker of this host has used since. Any of them can be fetched again. */
export async function* unusedMirrorsOf(workDir: string, before: Date): AsyncIterable<Prunable> {
  const usedBefore = new Date(Math.min(before.getTime(), Date.now() - MIRROR_AGE_MS_MIN));
  for (const path of await unusedMirrors(join(workDir, 'mirrors'), usedBefore)) {
    yield {
      kind: 'mirrors',
      name: path,
      measure: () => measure(path),
      remove: () => removeMirror(path, usedBefore),
    };
  }
}

/**
 * Folders of workers that are dead: a live one holds the lock in its folder. Nobody makes or sweeps such folders while
 * this goes on (the lock is that of the workers themselves).
 */
export async function* deadWorkersOf(workDir: string): AsyncIterable<Prunable> {
  const folder = join(workDir, 'workers');
  const entries = await opendir(folder).catch(() => null);
  if (entries === null) return;
  const turn = await FileLock.acquire(join(folder, 'sweep.lock'), SWEEP_LOCK_TIMEOUT_MS);
  try {
    for await (const entry of entries) {
      if (!entry.isDirectory()) continue;
      const path = join(folder, entry.name);
      await using lock = await FileLock.tryAcquire(join(path, 'owner.lock'));
      if (lock === null) continue;
      yield {
        kind: 'workers',
        name: path,
        measure: () => measure(path),
        remove: async () => {
          await removeTree(path);
          return true;
        },
      };
    }
  } finally {
    await turn.release();
  }
}

/** What workers remember of bases whose checks were green: files that are read as not there when they are gone. */
export async function* oldCachesOf(workDir: string, before: Date): AsyncIterable<Prunable> {
  const folder = join(workDir, 'baselines');
  const entries = await opendir(folder).catch(() => null);
  if (entries === null) return;
  for await (const { name } of entries) {
    if (!/^[0-9a-f]{64}\.json/.test(name)) continue;
    const file = await oldFile('caches', join(folder, name), before);
    if (file !== null) yield file;
  }
}

/** Logs that nobody has written since. While a stack runs on the folder only what was put aside: the rest is open. */
export async function* oldLogsOf(dataDir: string, before: Date): AsyncIterable<Prunable> {
  const folder = join(dataDir, 'logs');
  const entries = await opendir(folder).catch(() => null);
  if (entries === null) return;
  await using claim = await FileLock.tryAcquire(join(dataDir, 'owner.lock'));
  for await (const { name } of entries) {
    const aside = /\.log\.\d$/.test(name);
    if (!aside && (claim === null || !name.endsWith('.log'))) continue;
    const file = await oldFile('logs', join(folder, name), before);
    if (file !== null) yield file;
  }
}

async function oldFile(kind: 'caches' | 'logs', path: string, before: Date): Promise<Prunable | null> {
  const info = await lstat(path).catch(() => null);
  if (info === null || !info.isFile() || info.mtimeMs >= before.getTime()) return null;
  return {
    kind,
    name: path,
    measure: () => measure(path),
    remove: async () => {
      await rm(path, { force: true });
      return true;
    },
  };
}
