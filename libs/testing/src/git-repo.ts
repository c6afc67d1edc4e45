import { execFile } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { tempDir } from './temp-root.ts';

const run = promisify(execFile);

/** Same identity and dates everywhere, and nothing of the machine's or the user's configuration. */
const GIT_ENV = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ada Example',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada Example',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  LC_ALL: 'C',
};

/** A real bare repository, and a working clone in which a person works meanwhile. */
export interface GitRepo {
  /** Path of the bare repository: what plans name as `repo.url`. */
  bare: string;
  /** The same as file:// URL. */
  url: string;
  /** Path of the working clone, on `main`. */
  work: string;
  /** git in the working clone; its output, trimmed. */
  git(...args: string[]): Promise<string>;
  /** git in the bare repository. */
  bareGit(...args: string[]): Promise<string>;
  /** Writes the files (null removes), commits, pushes `main`; the new SHA. */
  commit(files: Record<string, string | null>, message?: string): Promise<string>;
  /** SHA that a ref of the bare repository points to; null when there is none. */
  head(ref?: string): Promise<string | null>;
  /** Content of a file at a ref of the bare repository; null when it is not there. */
  show(ref: string, path: string): Promise<string | null>;
  /** Paths at a ref of the bare repository. */
  files(ref?: string): Promise<string[]>;
  /** All refs of the bare repository with their SHAs, below a prefix. */
  refs(prefix?: string): Promise<Record<string, string>>;
}

/** Has one commit on `main` with the given files (default: a README). A text that begins with `#!` becomes executable. */
export async function gitRepo(
  files: Record<string, string> = { 'README.md': '# Example\n' },
): Promise<GitRepo> {
  const folder = await tempDir('repo');
  const bare = join(folder, 'origin.git');
  const work = join(folder, 'work');
  await git(folder, ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  await git(folder, ['init', '--quiet', '--initial-branch=main', work]);
  await git(work, ['remote', 'add', 'origin', bare]);
  const repo: GitRepo = {
    bare,
    url: pathToFileURL(bare).href,
    work,
    git: (...args) => git(work, args),
    bareGit: (...args) => git(bare, args),
    commit: (changes, message = 'Change') => commitAndPush(work, changes, message),
    head: (ref = 'main') =>
      git(bare, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]).catch(() => null),
    show: (ref, path) => gitRaw(bare, ['show', `${ref}:${path}`]).catch(() => null),
    files: async (ref = 'main') => lines(await git(bare, ['ls-tree', '-r', '--name-only', ref])),
    refs: async (prefix = 'refs/') => {
      const listed = lines(await git(bare, ['for-each-ref', '--format=%(refname) %(objectname)', prefix]));
      return Object.fromEntries(listed.map((line) => line.split(' ') as [string, string]));
    },
  };
  await repo.commit(files, 'Begin');
  return repo;
}

async function commitAndPush(
  work: string,
  files: Record<string, string | null>,
  message: string,
): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(work, path);
    if (content === null) {
      await rm(file, { recursive: true, force: true });
      continue;
    }
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    if (content.startsWith('#!')) await chmod(file, 0o755);
  }
  await git(work, ['add', '--all']);
  await git(work, ['commit', '--quiet', '--allow-empty', '--message', message]);
  await git(work, ['push', '--quiet', 'origin', 'HEAD:main']);
  return git(work, ['rev-parse', 'HEAD']);
}

async function git(cwd: string, args: string[]): Promise<string> {
  return (await gitRaw(cwd, args)).trim();
}

async function gitRaw(cwd: string, args: string[]): Promise<string> {
  const { stdout } = await run('git', ['-c', 'gc.auto=0', ...args], {
    cwd,
    env: { ...process.env, ...GIT_ENV },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

function lines(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}
