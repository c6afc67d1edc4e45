import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * Where binaries that we built or unpacked, and the register of runs, stay from one run to the next: the preferred
 * folder (default `~/.cache/skein`), or one of this user below the temporary folder when that cannot be written.
 * Throws CacheDirUnsafeError.
 */
export function usableCacheDir(preferred?: string, temporary: string = tmpdir()): string {
  const wanted = preferred ?? inHome();
  if (wanted !== null && isWritable(wanted)) return wanted;
  const { uid } = userInfo();
  const fallback = join(temporary, `skein-${uid}`);
  mkdirSync(fallback, { recursive: true, mode: 0o700 });
  // Anybody may have made it there, with a program in it for us to run.
  const info = lstatSync(fallback);
  if (!info.isDirectory() || info.uid !== uid || (info.mode & 0o022) !== 0)
    throw new CacheDirUnsafeError(fallback);
  return fallback;
}

function inHome(): string | null {
  try {
    const home = homedir();
    return home === '' ? null : join(home, '.cache', 'skein');
  } catch {
    return null;
  }
}

function isWritable(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export class CacheDirUnsafeError extends Error {
  readonly code = 'cache-dir-unsafe';
  readonly retry = 'never';

  constructor(readonly path: string) {
    super(
      `${path} belongs to somebody else, or others can write to it: programs from there cannot be trusted. Set SKEIN_CACHE_DIR.`,
    );
    this.name = 'CacheDirUnsafeError';
  }
}
