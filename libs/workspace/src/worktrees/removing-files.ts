import { chmod, lstat, readdir, rm } from 'node:fs/promises';

/** Removes a file or folder whatever modes a step gave it. Never follows a symlink. */
export async function removeFiles(path: string | Buffer): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await openFolders(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Folders without write or search permission keep what is in them from being read, replaced and removed. */
export async function openFolders(path: string | Buffer): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null || !found.isDirectory()) return;
  await chmod(path, 0o700);
  for (const name of await readdir(path, { encoding: 'buffer' })) await openFolders(joinBytes(path, name));
}

/** Joins a folder and a name of bytes. */
export function joinBytes(folder: string | Buffer, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(folder), Buffer.from('/'), name]);
}
