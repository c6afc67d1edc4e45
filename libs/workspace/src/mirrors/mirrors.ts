import { createHash } from 'node:crypto';
import { mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '#telemetry';
import type { GitCredentials } from '../git/git-credentials.ts';
import { GitTooOldError } from '../git/git-error.ts';
import { prepareGitHome, type GitHome } from '../git/git-home.ts';
import { Git } from '../git/git.ts';
import {
  defaultAllowedRemotes,
  parseRepoUrl,
  RepoUrlError,
  type AllowedRemotes,
  type RepoUrl,
} from '../urls/repo-url.ts';
import { sweepWorktrees } from '../worktrees/sweeping.ts';
import { BareRepository, type ObjectFormat } from './bare-repository.ts';
import { borrowObjects } from './borrowing.ts';
import { GitMirror } from './git-mirror.ts';
import type { Mirror } from './mirror.ts';
import { markUsed } from './pruning.ts';
import { Remote } from './remote.ts';

export interface MirrorsOptions {
  /** Ours alone: mirrors, locks, indexes and git's configuration live below it. Several processes may share it. */
  rootDir: string;
  /** Default: local folders, https and ssh, any host. */
  allowed?: AllowedRemotes;
  credentials: GitCredentials | null;
  log: Logger;
  /** Default `git`, looked up in `path`. */
  gitPath?: string;
  /** PATH of the git processes; all that they get from outside. */
  path?: string;
  /** Author and committer of every commit. Default: Skein <skein@localhost>. */
  identity?: { name: string; email: string };
  /** How long to wait for the mirror's lock while another process holds it. Default 120,000. */
  lockTimeoutMs?: number;
  /** Longest time of a git command on this host. Default 120,000. */
  gitTimeoutMs?: number;
  /** Longest time of a git command that talks to a remote. Default 1,800,000. */
  remoteTimeoutMs?: number;
  /** Repack a mirror when so many fetches have come in. Default 50. */
  fetchesPerRepack?: number;
  /** `rootDir` lives for one look at a repository: nothing is copied that the look does not need. Default: it stays. */
  look?: Look | null;
  /** Mirrors that are remembered as opened; of others their disk is looked at again. Default 1,000. */
  maxOpen?: number;
}

/**
 * The objects of a local folder are read where they are, and the folder is not changed. Of a remote the first commit
 * that is asked for comes without its history, and what is asked for after it from there on.
 */
export interface Look {
  /** Whether files will be read, too; without it only their names come, where the remote can do that. */
  contents: boolean;
}

const DEFAULTS = {
  allowed: defaultAllowedRemotes,
  gitPath: 'git',
  path: '/usr/local/bin:/usr/bin:/bin',
  identity: { name: 'Skein', email: 'skein@localhost' },
  lockTimeoutMs: 120_000,
  gitTimeoutMs: 120_000,
  remoteTimeoutMs: 1_800_000,
  fetchesPerRepack: 50,
  look: null,
  maxOpen: 1_000,
};

interface Ready {
  git: Git;
  home: GitHome;
}

/** The mirrors of this host: one bare repository per URL, shared by all processes that have the same `rootDir`. */
export class Mirrors {
  private readonly o: Required<MirrorsOptions>;
  private readonly mirrors = new Map<string, Promise<GitMirror>>();
  private readonly closing = new AbortController();
  private ready: Promise<Ready> | null = null;

  constructor(options: MirrorsOptions) {
    this.o = { ...DEFAULTS, ...options };
  }

  /** Opens the mirror of a repository, making it first when needed. Throws `RepoUrlError`, `GitError`, `GitTooOldError`. */
  async open(url: string): Promise<Mirror> {
    const parsed = await existing(parseRepoUrl(url, this.o.allowed));
    const known = this.mirrors.get(parsed.url);
    if (known !== undefined) {
      this.remember(parsed.url, known);
      return (await known).used();
    }
    const opening = this.openMirror(parsed);
    this.remember(parsed.url, opening);
    // A failure is not remembered: the remote may be back for the next one.
    opening.catch(() => this.mirrors.delete(parsed.url));
    return opening;
  }

  /**
   * Removes worktrees whose owner is dead: `isLive` says whether a lease folder is still in use, for all processes
   * that share `rootDir`; it is asked by real path (symlinks resolved). Call it at start. How many went.
   */
  async sweep(isLive: (leaseDir: string) => boolean): Promise<number> {
    const { git } = await this.start();
    const names = await readdir(this.mirrorsDir).catch(() => []);
    let removed = 0;
    for (const name of names.filter((entry) => /^[0-9a-f]{32}\.git$/.test(entry))) {
      const repository = new BareRepository(join(this.mirrorsDir, name), git, this.lockOptions());
      removed += await sweepWorktrees({ repository, indexDir: this.indexDir, log: this.o.log }, isLive);
    }
    return removed;
  }

  /** The last one is last. Who holds one that is forgotten may go on with it: what guards a mirror is on disk. */
  private remember(url: string, opened: Promise<GitMirror>): void {
    this.mirrors.delete(url);
    this.mirrors.set(url, opened);
    const [oldest] = this.mirrors.keys();
    if (this.mirrors.size > this.o.maxOpen && oldest !== undefined) this.mirrors.delete(oldest);
  }

  /** Ends running git commands and waits for them. Files and worktrees stay. */
  async close(): Promise<void> {
    this.closing.abort();
    const ready = await this.ready?.catch(() => null);
    await ready?.git.close();
    this.mirrors.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private lockOptions(): { lockTimeoutMs: number; closing: AbortSignal } {
    return { lockTimeoutMs: this.o.lockTimeoutMs, closing: this.closing.signal };
  }

  private get mirrorsDir(): string {
    return join(this.o.rootDir, 'mirrors');
  }

  private get indexDir(): string {
    return join(this.o.rootDir, 'indexes');
  }

  private start(): Promise<Ready> {
    this.ready ??= this.prepare().catch((error: unknown) => {
      this.ready = null;
      throw error;
    });
    return this.ready;
  }

  private async prepare(): Promise<Ready> {
    const { rootDir, identity, path, gitPath, gitTimeoutMs, log } = this.o;
    for (const dir of [rootDir, this.mirrorsDir, this.indexDir])
      await mkdir(dir, { recursive: true, mode: 0o700 });
    const home = await prepareGitHome(rootDir, identity, path);
    const git = new Git({ gitPath, env: home.env, cwd: rootDir, timeoutMs: gitTimeoutMs, log });
    const version = (await git.text({ action: 'version', args: ['version'] })).replace(/^git version /, '');
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < 2 || (major === 2 && minor < 38)) throw new GitTooOldError(version);
    return { git, home };
  }

  private async openMirror(url: RepoUrl): Promise<GitMirror> {
    const { git, home } = await this.start();
    const { credentials, gitPath, remoteTimeoutMs, allowed, fetchesPerRepack, log } = this.o;
    const name = createHash('sha256').update(url.url).digest('hex').slice(0, 32);
    const repository = new BareRepository(join(this.mirrorsDir, `${name}.git`), git, {
      ...this.lockOptions(),
      // The next one to open it looks whether it can be made anew.
      onCorrupt: () => this.mirrors.delete(url.url),
    });
    const followRedirects = allowed.hosts === null && url.scheme === 'https';
    const timeoutMs = remoteTimeoutMs;
    const firstFetch = this.o.look === null ? [] : firstFetchOf(this.o.look);
    const remote = new Remote(repository, {
      ...{ url, credentials, askpass: home.askpass, gitPath, followRedirects, timeoutMs, firstFetch },
    });
    const prepare = async (): Promise<void> => {
      await repository.create(() => objectFormat(remote));
      await repository.restoreSettings();
      await markUsed(repository.path);
    };
    await prepare();
    if (this.o.look !== null && remote.isLocal) await borrowObjects(repository, git, url.url);
    return new GitMirror({ repository, remote, prepare, indexDir: this.indexDir, fetchesPerRepack, log });
  }
}

function firstFetchOf(look: Look): string[] {
  return ['--depth=1', ...(look.contents ? [] : ['--filter=blob:none'])];
}

/** Also the first proof that the remote is there and lets us in. */
async function objectFormat(remote: Remote): Promise<ObjectFormat> {
  for (const sha of (await remote.list(['HEAD', 'refs/heads/*'])).values())
    if (sha.length === 64) return 'sha256';
  return 'sha1';
}

/** A folder has one name, however it was reached: two names would be two mirrors. */
async function existing(url: RepoUrl): Promise<RepoUrl> {
  if (url.scheme !== 'file') return url;
  const folder = await realpath(url.url).catch(() => null);
  if (folder === null || !(await stat(folder)).isDirectory()) {
    throw new RepoUrlError(
      url.url,
      'there is no such folder on the worker',
      'Check the path, or give a git URL',
    );
  }
  return { ...url, url: folder };
}
