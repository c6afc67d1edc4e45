import type { Worktree } from '../worktrees/worktree.ts';

/** A commit and the private ref that holds it at the remote. */
export interface CommitRef {
  sha: string;
  ref: string;
}

/** Files changed, lines added and removed. */
export interface Diffstat {
  files: number;
  insertions: number;
  deletions: number;
}

export interface TreeFile {
  /** Slash path from the root; bytes that are not UTF-8 as in `pathFromBytes`. */
  path: string;
  /** As git writes it: `100644`, `100755`, `120000` (symlink), `160000` (gitlink). */
  mode: string;
}

export interface MergeInput {
  /** As people should read it, e.g. `convert[src/auth] (s17)`: the commit says `Merge step <label>`. */
  label: string;
  sha: string;
}

export interface MergeOptions {
  /** Author and committer date of every merge commit: ISO 8601. Same inputs, same date, same SHAs. */
  date: string;
  /** Written into the last merge commit, e.g. `[['Skein-Ledger-Head', '41:ab12…']]`. */
  trailers?: [string, string][];
  /** When given, an input that conflicts is told here and left out, and merging goes on with the next one. */
  onConflict?: (conflict: MergeConflict) => void;
}

export interface MergeConflict {
  files: string[];
  /** The earlier input (or `base`) that last touched one of the files, and the input that was being merged. */
  between: [string, string];
}

export type MergeResult =
  /** `sha` is `onto` itself when every input was contained in it already (then no trailer was written). */
  { status: 'merged'; sha: string } | ({ status: 'conflict' } & MergeConflict);

export type PublishResult = { status: 'published' } | { status: 'foreign-head'; actual: string | null };

/** A text that is to be the only file of a branch. */
export interface Page {
  /** Without `refs/heads/`. */
  branch: string;
  /** Slash path of the file. */
  path: string;
  text: string;
  /** Of the commit; the owner's trailer is added. */
  message: string;
  /** Author and committer date: ISO 8601. */
  date: string;
  /** Whose branch it is, as a trailer of each of its commits, e.g. `['Skein-Plan', '0f3a…']`. */
  owner: [string, string];
}

export type PageResult =
  /** `sha` is the branch's head now; `unchanged`: it held this very text already. */
  | { status: 'published' | 'unchanged'; sha: string }
  /** `why`: what shows that somebody else put it there. It may quote the commit: escape before showing. */
  | { status: 'foreign-head'; actual: string; why: string };

export interface Diff {
  /** Unified diff, at most 1 MB. Terminal escapes in it are the repository's: escape before showing. */
  text: string;
  /** The same as git wrote it: files need not be UTF-8. */
  bytes: Buffer;
  truncated: boolean;
  stat: Diffstat;
}

export interface DiffOptions {
  /** Default 1 MB: more is read by nobody. */
  maxBytes?: number;
}

export interface ChangedFile {
  path: string;
  /** What it was called before, when it was renamed. */
  from: string | null;
  /** Lines; null for a binary file. */
  insertions: number | null;
  deletions: number | null;
}

/**
 * The one bare copy of a repository on this host, and all that we do with its remote.
 * Every method may throw `GitError` (`retry: 'later'` when the remote may answer another time); its text is redacted.
 */
export interface Mirror {
  /** The remote, without credentials. */
  readonly url: string;
  /** The bare repository on this host; a sandbox hides it or shows it read-only. */
  readonly path: string;

  /**
   * The newest SHA of a branch, a tag or a full or abbreviated SHA at the remote, fetched into the mirror.
   * A branch wins over a tag of the same name; `refs/...` names exactly that ref. Throws `RefNotFoundError`.
   */
  resolve(base: string): Promise<string>;

  /** Makes the commit available here. False when the remote does not have it any more. */
  ensureCommit(commit: CommitRef): Promise<boolean>;

  /** Every entry of the commit's tree, sorted by path bytes; gitlinks included. */
  listFiles(sha: string): Promise<TreeFile[]>;

  /** A regular file's text (UTF-8); null when there is no such file. Throws `FileTooLargeError` above `maxBytes`. */
  readText(sha: string, path: string, maxBytes: number): Promise<string | null>;

  /**
   * A new detached worktree below `leaseDir` (made when missing), with the commit's files in it. The signal ends every
   * git command on it, now and later (`GIT_ABORTED`): hostile files can make each of them take its whole time.
   */
  checkout(leaseDir: string, sha: string, signal?: AbortSignal): Promise<Worktree>;

  /**
   * Merges the inputs one after the other into `onto`: one commit with two parents per input, in the given order;
   * inputs that are contained already are skipped. Touches no worktree and no ref. All commits must be here (`resolve`, `ensureCommit`).
   */
  mergeInputs(onto: string, inputs: MergeInput[], options: MergeOptions): Promise<MergeResult>;

  /** Creates a private ref at the remote for a commit that is here. The same SHA there already is fine; another one throws `RefTakenError`. */
  push(commit: CommitRef): Promise<void>;

  /**
   * Moves a people's branch by compare-and-swap: `expectedOld` null means that it must not exist.
   * Repeating it is harmless; `sha` must be here (`ensureCommit`). Never a forced move: throws `NotFastForwardError` when `expectedOld` is not an ancestor
   * of `sha`, `BranchNameError`, and `CheckedOutBranchError` when a local repository has the branch checked out.
   */
  publish(branch: string, sha: string, expectedOld: string | null): Promise<PublishResult>;

  /**
   * Puts a page onto a branch that is its owner's alone, on top of the page before; makes the branch when it is not
   * there. Compare-and-swap, like `publish`; throws `BranchNameError`, `CheckedOutBranchError`.
   */
  publishPage(page: Page): Promise<PageResult>;

  /** What a ref of the remote points to; a name without `refs/` is a branch. */
  remoteHead(ref: string): Promise<string | null>;

  /** Removes the refs below `prefix` (`refs/skein/<plan>/...`) but the kept ones, at the remote and here. How many went at the remote. */
  deleteRefs(prefix: string, keep: string[]): Promise<number>;

  /** Creates and removes a probe ref of the plan. Throws `NotPushableError` with a reason for a person. */
  checkPushable(planId: string): Promise<void>;

  diff(from: string, to: string, options?: DiffOptions): Promise<Diff>;

  /** Which files differ and by how much, in git's order. */
  changedFiles(from: string, to: string): Promise<ChangedFile[]>;

  /** True when `ancestor` is `descendant` or contained in it. Both must be here already. */
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
}
