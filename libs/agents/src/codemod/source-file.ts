import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';

export type SourceFile = { status: 'read'; text: string } | { status: 'skipped'; message: string };

/** A text file of the worktree, or why it is none. Never leaves the worktree and follows no symlink. */
export async function readSource(worktree: string, file: string, maxBytes: number): Promise<SourceFile> {
  const skipped = (message: string): SourceFile => ({ status: 'skipped', message });
  const problem = await placeProblem(worktree, file);
  if (problem !== null) return skipped(problem);
  const handle = await openRegular(join(worktree, file), constants.O_RDONLY);
  if (typeof handle === 'string') return skipped(handle);
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) return skipped(`larger than ${maxBytes} bytes`);
    const content = await handle.readFile();
    if (content.includes(0)) return skipped('not a text file');
    // The byte order mark stays part of the text, so that it is written back.
    return {
      status: 'read',
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content),
    };
  } catch (error) {
    if (error instanceof TypeError) return skipped('not UTF-8');
    throw error;
  } finally {
    await handle.close();
  }
}

/** Into the same file: its mode stays. */
export async function writeSource(worktree: string, file: string, text: string): Promise<void> {
  const handle = await openRegular(join(worktree, file), constants.O_WRONLY | constants.O_TRUNC);
  if (typeof handle === 'string') throw new Error(`${file}: ${handle}`);
  try {
    await handle.writeFile(text, 'utf8');
  } finally {
    await handle.close();
  }
}

async function placeProblem(worktree: string, file: string): Promise<string | null> {
  const clean = normalize(file);
  if (
    file === '' ||
    file.includes('\0') ||
    isAbsolute(file) ||
    clean !== file ||
    clean.split(sep).includes('..')
  ) {
    return 'not a path of the worktree';
  }
  if (clean.split(sep).includes('.git')) return 'belongs to git';
  const found = await lstat(join(worktree, file)).catch(() => null);
  if (found === null) return 'not there';
  if (found.isSymbolicLink()) return 'a symlink';
  if (!found.isFile()) return 'not a file';
  const folder = await realpath(dirname(join(worktree, file)));
  const root = await realpath(worktree);
  return folder === root || folder.startsWith(root + sep)
    ? null
    : 'behind a symlink that leaves the worktree';
}

async function openRegular(path: string, flags: number): Promise<FileHandle | string> {
  try {
    return await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'no permission';
    if (code === 'ELOOP' || code === 'ENOENT') return 'not there';
    throw error;
  }
}
