import { chmod, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { FileLock } from './file-lock.ts';
import { folderMode } from './postgres/unprivileged.ts';

/** A folder that one launcher at a time works in. */
export interface ClaimedDir {
  /** Absolute, without symbolic links: it is what servers get as argument and what they are found by. */
  path: string;
  release(): Promise<void>;
}

/** Makes the folder, not readable for others, and claims it for this process. Throws DataDirInUseError. */
export async function claimDir(path: string): Promise<ClaimedDir> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const real = await realpath(path);
  await chmod(real, await folderMode());
  const lockPath = join(real, 'owner.lock');
  const lock = await FileLock.tryAcquire(lockPath);
  if (lock === null) throw new DataDirInUseError(real, await FileLock.holderPid(lockPath));
  return { path: real, release: () => lock.release() };
}

export class DataDirInUseError extends Error {
  readonly code = 'data-dir-in-use';
  readonly retry = 'later';

  constructor(
    readonly dataDir: string,
    readonly ownerPid: number | null,
  ) {
    super(
      `${dataDir} is in use by ${ownerPid === null ? 'another process' : `process ${ownerPid}`}. Stop that one first, or choose another folder.`,
    );
    this.name = 'DataDirInUseError';
  }
}
