import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * Where binaries that we built or unpacked stay from one run to the next:
 * `~/.cache/skein`, or a folder of this user below the temporary folder when there is no home that can be written.
 */
export function defaultCacheDir(home: string = homeOrNothing(), temporary: string = tmpdir()): string {
  const ofHome = home === '' ? null : join(home, '.cache', 'skein');
  if (ofHome !== null && isWritable(ofHome)) return ofHome;
  return join(temporary, `skein-${userInfo().uid}`);
}

function homeOrNothing(): string {
  try {
    return homedir();
  } catch {
    return '';
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
