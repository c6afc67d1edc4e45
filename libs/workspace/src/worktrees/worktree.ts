import type { Change } from '../changes/change.ts';

export interface CommitOptions {
  message: string;
  /** Author and committer date: ISO 8601. */
  date: string;
}

/**
 * The scratch files of one lease. Its own index and git directory are outside of the files: whatever a step does
 * to `.git` in its worktree, ours are not read from there. Calls are carried out one after the other.
 */
export interface Worktree {
  /** The folder with the files: where steps run. */
  readonly path: string;
  /** The worktree's folder inside the mirror; a sandbox hides it or shows it read-only. */
  readonly gitDir: string;

  /** The commit that the files were last set to by us (checkout, `resetTo`), not what a step made of HEAD. */
  head(): string;

  /**
   * The tree of everything in the worktree that is not ignored: changes, additions, deletions. Embedded repositories
   * become gitlinks. No hook, filter or line-ending conversion has a part in it.
   * Names that some file system takes for `.git` are left out, and told by `leftOut`. Throws `UnstorablePathsError` for what git cannot read
   * (a pipe named `.gitignore`, a file without permission): the attempt is at fault, repeating it does not help.
   */
  snapshot(): Promise<string>;

  /** What the last snapshot left out because git takes no such name: safe to print, at most 20. */
  leftOut(): string[];

  /** What `tree` (a snapshot or a commit) changes compared to `fromSha`, sorted by path. */
  changes(fromSha: string, tree: string): Promise<Change[]>;

  /** A snapshot as a commit in the mirror. Until then all that was written of the files is this worktree's alone. */
  commit(tree: string, parents: string[], options: CommitOptions): Promise<string>;

  /** Sets the files to the commit: other files go, ignored ones (installed dependencies) stay. */
  resetTo(sha: string): Promise<void>;

  /** Removes the files and what the mirror knows of them. Harmless when repeated. */
  remove(): Promise<void>;
}
