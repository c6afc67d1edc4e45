import { execFile } from 'node:child_process';
import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Removes a file or folder whatever modes a step gave it, and however deep it is. Never follows a symlink. */
export async function removeFiles(path: string | Buffer): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!['EACCES', 'EPERM', 'ENOTEMPTY', 'ENAMETOOLONG'].includes(code ?? '')) throw error;
    const text = path.toString();
    // Only text can be an argument of a program.
    if (typeof path === 'string' || path.equals(Buffer.from(text))) return removeBySystem(text);
    await openFolders(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The system's tools walk by folder handles: no path is too long for them. */
async function removeBySystem(path: string): Promise<void> {
  const run = promisify(execFile);
  await run('/bin/chmod', ['-R', 'u+rwX', '--', path], { env: {} }).catch(() => undefined);
  await run('/bin/rm', ['-rf', '--', path], { env: {} });
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
