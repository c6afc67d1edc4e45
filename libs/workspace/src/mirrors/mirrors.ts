import type { Logger } from '#telemetry';
import type { GitCredentials } from '../git/git-credentials.ts';
import type { AllowedRemotes } from '../urls/repo-url.ts';
import type { Mirror } from './mirror.ts';

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
  /** How long to wait for the mirror's lock. Default 120,000. */
  lockTimeoutMs?: number;
  /** Longest time of a git command on this host. Default 300,000. */
  gitTimeoutMs?: number;
  /** Longest time of a git command that talks to a remote. Default 1,800,000. */
  remoteTimeoutMs?: number;
  /** Repack a mirror after this many fetches. Default 50. */
  fetchesPerRepack?: number;
}

/** The mirrors of this host. */
export declare class Mirrors {
  constructor(options: MirrorsOptions);

  /** Opens the mirror of a repository, making it first when needed. Throws `RepoUrlError`, `GitError`, `GitTooOldError`. */
  open(url: string): Promise<Mirror>;

  /**
   * Removes worktrees whose owner is dead: `isLive` says whether a lease folder is still in use. Call it at start,
   * before leases are taken. How many went.
   */
  sweep(isLive: (leaseDir: string) => boolean): Promise<number>;

  /** Ends running git commands and waits for them. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
