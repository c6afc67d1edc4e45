import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError, UnstorablePathsError } from '../git/git-error.ts';
import { pathFromBytes, pathToBytes, printablePath } from '../git/path-bytes.ts';
import { splitNul } from '../mirrors/reading.ts';
import type { WorktreeGit } from './worktree-parts.ts';
import { joinBytes, openFolders } from './removing-files.ts';

const GITLINK = '160000';
/** Lists of names of a worktree that a step filled. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const BAD_PATHS_MAX = 20;

/**
 * Writes the tree of everything that is not ignored. Not `git add -A`: that runs git inside embedded repositories,
 * with their config (a program in `core.fsmonitor`), and gives up on one without a commit. So names are listed here,
 * embedded repositories are written as gitlinks without looking into them, and only files are added by git.
 */
export async function writeSnapshot(git: WorktreeGit): Promise<{ tree: string; leftOut: string[] }> {
  try {
    const found = await findChanges(git);
    await writeEntries(git, found);
    const ignored = await addFiles(git, found.add);
    const tree = await git.text({ action: 'write a tree', args: ['write-tree'] });
    return { tree, leftOut: ignored ? await leftOutOf(git, found.add) : [] };
  } catch (error) {
    if (error instanceof GitError && error.code === 'GIT_TIMEOUT') await blameSpecialFiles(git.path);
    throw error;
  }
}

/** Untracked, not ignored files; embedded repositories without their slash. */
export async function listUntracked(git: WorktreeGit): Promise<string[]> {
  return (await listOthers(git)).paths.map((path) => path.replace(/\/$/, ''));
}

interface FoundChanges {
  add: string[];
  remove: string[];
  gitlinks: string[];
}

async function findChanges(git: WorktreeGit): Promise<FoundChanges> {
  const found: FoundChanges = { add: [], remove: [], gitlinks: [] };
  let others = await listOthers(git);
  if (others.unopened.length > 0) {
    // Folders whose permission the step took away: git only warns, and the work in them would be lost without a word.
    await openFolders(git.path);
    others = await listOthers(git);
    if (others.unopened.length > 0) throw new UnstorablePathsError(others.unopened.slice(0, BAD_PATHS_MAX));
  }
  for (const path of others.paths) {
    if (path.endsWith('/')) found.gitlinks.push(path.slice(0, -1));
    else found.add.push(path);
  }
  // `dirty`: whether a submodule's own files changed is not asked, because git would run in it for the answer.
  const args = ['diff-files', '-z', '--raw', '--no-renames', '--ignore-submodules=dirty'];
  const { stdout } = await git.run({ action: 'find changes', args, ...LIMITS });
  const records = splitNul(stdout);
  for (let at = 0; at + 1 < records.length; at += 2) {
    const path = pathFromBytes(records[at + 1]!);
    found[await kindOf(git, path, records[at]!.toString('latin1'))].push(path);
  }
  return found;
}

/** Of a tracked path that is not as it was: is it still something that a tree can hold? */
async function kindOf(git: WorktreeGit, path: string, record: string): Promise<keyof FoundChanges> {
  const [oldMode, newMode] = record.slice(1).split(' ');
  const status = record.slice(record.lastIndexOf(' ') + 1);
  if (status === 'D') return 'remove';
  const there = await lstat(joinBytes(git.path, pathToBytes(path))).catch(() => null);
  if (there === null) return 'remove';
  if (there.isFile() || there.isSymbolicLink()) return 'add';
  if (there.isDirectory() && (oldMode === GITLINK || newMode === GITLINK)) return 'gitlinks';
  // A pipe, a socket or a device took its place.
  return 'remove';
}

/** Deletions and gitlinks, straight into the index. */
async function writeEntries(git: WorktreeGit, found: FoundChanges): Promise<void> {
  const nothing = await emptyHash(git);
  const entries = [
    ...found.remove.map((path) => ({ path, entry: `0 ${nothing}\t` })),
    ...found.gitlinks.map((path) => ({ path, entry: `${GITLINK} ${nothing.replaceAll('0', '1')}\t` })),
  ];
  if (entries.length === 0) return;
  const stdin = Buffer.concat(entries.flatMap((e) => [Buffer.from(e.entry), pathToBytes(e.path), NUL]));
  // In the worktree: whoever writes an index marks the files that changed within the second in which it was written, and
  // git looks for them from where it is. Without the mark a change of the same length is never seen again.
  const args = ['-C', git.path, 'update-index', '-z', '--index-info'];
  const call = { action: 'note deletions', args, stdin };
  await git.run(call).catch((error: unknown) => {
    // An embedded repository in a folder whose name git refuses.
    if (isPathFailure(error) && found.gitlinks.length > 0) throw unstorable(found.gitlinks);
    throw error;
  });
}

/**
 * Adds files; when git refuses some, finds out which, by halves. True: it said that it ignored some, which it does with
 * names that a file system might take for `.git`.
 */
async function addFiles(git: WorktreeGit, paths: readonly string[]): Promise<boolean> {
  const bad: string[] = [];
  let ignored = false;
  const add = async (some: readonly string[]): Promise<void> => {
    if (some.length === 0 || bad.length >= BAD_PATHS_MAX) return;
    const stdin = Buffer.concat(some.flatMap((path) => [pathToBytes(path), NUL]));
    const args = ['update-index', '--add', '--replace', '-z', '--stdin'];
    try {
      const { stderr } = await git.run({ action: 'add files', args, stdin, ...LIMITS });
      ignored ||= stderr.includes('Ignoring path');
    } catch (error) {
      if (!isPathFailure(error)) throw error;
      if (some.length > 1) {
        const middle = Math.ceil(some.length / 2);
        await add(some.slice(0, middle));
        await add(some.slice(middle));
      } else if ((await lstat(joinBytes(git.path, pathToBytes(some[0]!))).catch(() => null)) !== null) {
        bad.push(some[0]!);
      }
    }
  };
  await add(paths);
  if (bad.length > 0) throw unstorable(bad);
  return ignored;
}

/** By what is still new to git, and not by its words: those a name could forge. */
async function leftOutOf(git: WorktreeGit, added: readonly string[]): Promise<string[]> {
  const wanted = new Set(added);
  const still = (await listOthers(git)).paths.filter((path) => wanted.has(path));
  return still.slice(0, BAD_PATHS_MAX).map(printablePath);
}

const NUL = Buffer.from([0]);
const LIMITS = { maxBytes: MAX_LIST_BYTES };

/** `unopened`: folders that git could not look into, as words for a person. */
async function listOthers(git: WorktreeGit): Promise<{ paths: string[]; unopened: string[] }> {
  const args = ['ls-files', '--others', '--exclude-standard', '-z'];
  const { stdout, stderr } = await git.run({ action: 'find new files', args, ...LIMITS });
  const unopened = [...stderr.matchAll(/^warning: could not open directory '([^\n]{0,200})/gm)];
  return {
    paths: splitNul(stdout).map(pathFromBytes),
    unopened: unopened.map(([, path = '']) => printablePath(path.replace(/': [^']*$/, ''))),
  };
}

async function emptyHash(git: WorktreeGit): Promise<string> {
  const { stdout } = await git.run({
    action: 'ask the hash length',
    args: ['rev-parse', '--show-object-format'],
  });
  return '0'.repeat(stdout.toString('latin1').trim() === 'sha256' ? 64 : 40);
}

function isPathFailure(error: unknown): boolean {
  return error instanceof GitError && error.exitCode !== null && error.code !== 'GIT_DISK_FULL';
}

function unstorable(paths: readonly string[]): UnstorablePathsError {
  return new UnstorablePathsError(paths.slice(0, BAD_PATHS_MAX).map(printablePath));
}

/** Git waits forever for a pipe named .gitignore. Looked for only after a timeout. */
async function blameSpecialFiles(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const special = entries.filter(
    (entry) => /^\.git(ignore|attributes)$/.test(entry.name) && !entry.isFile() && !entry.isSymbolicLink(),
  );
  if (special.length > 0) {
    throw unstorable(special.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)));
  }
}
