import { realpath } from 'node:fs/promises';
import type { Logger } from '#telemetry';
import { GitError } from '../git/git-error.ts';
import { Git, type GitCall } from '../git/git.ts';
import { pathFromBytes } from '../git/path-bytes.ts';
import { splitNul } from '../mirrors/reading.ts';

/** What a person has checked out in a folder, and what of it no commit has. */
export interface WorkingFolder {
  /** The top of the worktree. */
  root: string;
  /** Checked out; null: a commit by itself. */
  branch: string | null;
  /** null: there is no commit yet. */
  head: string | null;
  changed: ChangedPaths;
}

export interface ChangedPaths {
  /** Of the list's beginning, when the list is longer than anybody reads: at least so many. */
  count: number;
  /** The first of them, in git's order. A folder that is new as a whole ends in a slash. */
  paths: string[];
}

export interface WorkingFolderOptions {
  /** PATH, HOME: whose ignore rules count. Git's own checks of who owns a folder stay on. */
  env: Readonly<Record<string, string>>;
  log: Logger;
  /** Absolute paths that do not count. */
  except?: readonly string[];
}

const STATUS_BYTES_MAX = 4 * 1024 * 1024;
const GIT_TIMEOUT_MS = 30_000;
const FILTERS_MAX = 200;
export const CHANGED_PATHS_MAX = 100;

/** Null: the folder has no worktree (a bare repository), or is none of git's. Throws `GitError`. Changes nothing. */
export async function readWorkingFolder(
  folder: string,
  o: WorkingFolderOptions,
): Promise<WorkingFolder | null> {
  const git = new FolderGit(folder, o);
  const root = await git.word(['rev-parse', '--show-toplevel']);
  if (root === null) return null;
  const head = await git.word(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  const branch = await git.word(['symbolic-ref', '--quiet', '--short', 'HEAD']);
  return { root, branch, head, changed: await readChanges(git, root, o.except ?? []) };
}

/**
 * The branch that people of a folder call the main one: what their remote says, where it is here as well, else what is
 * checked out. Null: neither; there is only a commit.
 */
export async function mainBranch(folder: string, o: WorkingFolderOptions): Promise<string | null> {
  const git = new FolderGit(folder, o);
  const remote = await git.word(['symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD']);
  const named = remote?.replace(/^origin\//, '') ?? null;
  if (named !== null) {
    const here = await git.word(['rev-parse', '--verify', '--quiet', `refs/heads/${named}^{commit}`]);
    if (here !== null) return named;
  }
  return git.word(['symbolic-ref', '--quiet', '--short', 'HEAD']);
}

/** What a plan's base means in a folder: a branch, else a tag, else a commit. Null: it has none of that name. */
export async function commitInFolder(
  folder: string,
  base: string,
  o: WorkingFolderOptions,
): Promise<string | null> {
  const git = new FolderGit(folder, o);
  const isFull = base === 'HEAD' || base.startsWith('refs/');
  for (const name of isFull ? [base] : [`refs/heads/${base}`, `refs/tags/${base}`, base]) {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
    const sha = await git.word(args);
    if (sha !== null) return sha;
  }
  return null;
}

/** Commits that `head` has and `base` has not; null when the folder does not have one of them. */
export async function commitsBeyond(
  folder: string,
  range: { base: string; head: string },
  o: WorkingFolderOptions,
): Promise<number | null> {
  const git = new FolderGit(folder, o);
  const count = await git.word(['rev-list', '--count', '--end-of-options', range.head, `^${range.base}`]);
  return count === null ? null : Number(count);
}

async function readChanges(git: FolderGit, root: string, except: readonly string[]): Promise<ChangedPaths> {
  const skipped = await withinRoot(root, except);
  const args = ['status', '--porcelain', '-z', '--untracked-files=normal', '--no-renames'];
  const { stdout } = await git.run({
    action: 'look for changes',
    // A submodule is a repository of its own, with a configuration of its own.
    args: [...args, '--ignore-submodules=dirty'],
    env: await git.withoutFilters(),
    maxBytes: STATUS_BYTES_MAX,
    truncate: true,
  });
  const changed = splitNul(stdout)
    .map((record) => pathFromBytes(record.subarray(3)))
    .filter((path) => path !== '' && !skipped.has(path));
  return { count: changed.length, paths: changed.slice(0, CHANGED_PATHS_MAX) };
}

async function withinRoot(root: string, paths: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const path of paths) {
    const real = await realpath(path).catch(() => path);
    if (real.startsWith(`${root}/`)) found.add(real.slice(root.length + 1));
  }
  return found;
}

/**
 * Git in a person's own folder, with that person's settings, for questions only. What the folder's own configuration
 * could make it run is off: monitors, hooks, filters, helpers of transports.
 */
class FolderGit {
  private readonly git: Git;

  constructor(
    private readonly folder: string,
    o: WorkingFolderOptions,
  ) {
    const env = {
      ...o.env,
      LC_ALL: 'C',
      GIT_TERMINAL_PROMPT: '0',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_ALLOW_PROTOCOL: '',
      GIT_NO_LAZY_FETCH: '1',
      GIT_PAGER: 'cat',
      GIT_EDITOR: ':',
    };
    this.git = new Git({ gitPath: 'git', env, cwd: '/', timeoutMs: GIT_TIMEOUT_MS, log: o.log });
  }

  run(call: Omit<GitCall, 'gitDir'>) {
    const off = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];
    return this.git.run({ ...call, args: ['-C', this.folder, ...off, ...call.args], gitDir: null });
  }

  /** One line of an answer; null: git has none. */
  async word(args: string[]): Promise<string | null> {
    const answer = await this.run({ action: 'look at a folder', args, answers: [0, 1, 128, 129] });
    if (/dubious ownership/.test(answer.stderr))
      throw new GitError('GIT_REJECTED', 'look at a folder', answer.stderr, answer.exitCode);
    const text = answer.stdout.toString('utf8').replace(/\n$/, '');
    return answer.exitCode === 0 && text !== '' ? text : null;
  }

  /**
   * Settings, by the environment, that empty all filters which the configuration names: git would run them to compare a
   * file. Not by `-c`, which cannot say a name with `=` in it.
   */
  async withoutFilters(): Promise<Record<string, string>> {
    const args = ['config', '--null', '--name-only', '--get-regexp', '^filter\\.'];
    const { stdout } = await this.run({ action: 'look for filters', args, answers: [0, 1] });
    const keys = splitNul(stdout).map((key) => key.toString('utf8'));
    const drivers = [...new Set(keys.map((key) => key.replace(/\.[^.]*$/, '')))];
    if (drivers.length > FILTERS_MAX)
      throw new GitError(
        'GIT_REJECTED',
        'look for changes',
        `more than ${FILTERS_MAX} filters are configured`,
      );
    const settings = drivers.flatMap((driver) => [
      ...['clean', 'smudge', 'process'].map((name) => [`${driver}.${name}`, ''] as const),
      [`${driver}.required`, 'false'] as const,
    ]);
    const pairs = settings.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key] as const,
      [`GIT_CONFIG_VALUE_${index}`, value] as const,
    ]);
    return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(pairs) };
  }
}
