import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FileLock } from './file-lock.ts';

/**
 * Fills `target` (a folder) once, whoever asks first, across processes: others wait for it.
 * It appears whole or not at all; what a killed installer left is removed by the next one.
 */
export async function installOnce(o: {
  target: string;
  timeoutMs: number;
  onWait?: () => void;
  /** Whether what is there can be used; what cannot is replaced. Default: it is there. */
  isUsable?: () => Promise<boolean>;
  fill: (folder: string) => Promise<void>;
}): Promise<string> {
  const isUsable = o.isUsable ?? (() => exists(o.target));
  if (await isUsable()) return o.target;
  const parent = dirname(o.target);
  await mkdir(parent, { recursive: true });
  const lock = await FileLock.acquire(join(parent, `${basename(o.target)}.lock`), o.timeoutMs, o.onWait);
  try {
    if (!(await isUsable())) {
      await rm(o.target, { recursive: true, force: true });
      await fillAside(o.target, o.fill);
    }
  } finally {
    await lock.release();
  }
  return o.target;
}

async function fillAside(target: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const parent = dirname(target);
  const prefix = `${basename(target)}.new-`;
  await removeLeftovers(parent, prefix);
  const folder = await mkdtemp(join(parent, prefix));
  try {
    await fill(folder);
    // Programs are no secret, and another user may have to run them; the cache folder itself is private.
    await chmod(folder, 0o755);
    await rename(folder, target);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function removeLeftovers(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
