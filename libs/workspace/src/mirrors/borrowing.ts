import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git/git.ts';
import { GitError } from '../git/git-error.ts';
import type { BareRepository } from './bare-repository.ts';

/**
 * Lets a repository of ours read the objects of a local folder where they are. Only objects: that folder's
 * configuration and attributes mean nothing here, and nothing in it is written.
 */
export async function borrowObjects(repository: BareRepository, git: Git, folder: string): Promise<void> {
  const paths = ['--git-path', 'objects', '--git-path', 'shallow'];
  const args = ['-C', folder, 'rev-parse', '--path-format=absolute', ...paths];
  const answer = await git.text({ action: 'find the objects', args, gitDir: null });
  const [objects, shallow, ...more] = answer.split('\n');
  // One path in a line: a line break in a folder's name would be another folder.
  if (objects === undefined || shallow === undefined || more.length > 0)
    throw new GitError(
      'GIT_FAILED',
      'find the objects',
      `a line break in the name of ${JSON.stringify(folder)}`,
    );
  await writeFile(join(repository.path, 'objects', 'info', 'alternates'), `${objects}\n`);
  // A clone without its whole history says so in a file; where there is none, nothing is cut off.
  await copyFile(shallow, join(repository.path, 'shallow')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
