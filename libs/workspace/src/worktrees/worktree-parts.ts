import type { Logger } from '#telemetry';
import type { GitRunner } from '../git/git.ts';
import type { BareRepository } from '../mirrors/bare-repository.ts';

export interface WorktreeParts {
  repository: BareRepository;
  /** Where the worktrees' own indexes are: outside of all that a step can see. */
  indexDir: string;
  log: Logger;
  /** Ends every git command on the worktree. */
  signal?: AbortSignal | undefined;
}

/** Git on a worktree's files, with our index: `--git-dir` and `--work-tree` are always given, `.git` is never read. */
export interface WorktreeGit extends GitRunner {
  readonly path: string;
}
