/** What kind of failure a git command had. */
export type GitErrorCode =
  /** The remote does not answer. */
  | 'GIT_UNREACHABLE'
  /** It answers, but not to us: credentials are missing, wrong or not enough. */
  | 'GIT_AUTH'
  /** No such repository (some servers say so instead of "not allowed"). */
  | 'GIT_NOT_FOUND'
  /** Somebody else is writing the same refs, or a lock was not to be had in time. */
  | 'GIT_LOCKED'
  | 'GIT_TIMEOUT'
  /** It printed more than we take. */
  | 'GIT_OUTPUT_LIMIT'
  /** The remote refused what we pushed, by a rule of its own. */
  | 'GIT_REJECTED'
  | 'GIT_DISK_FULL'
  /** Objects of the mirror are broken (a power failure): it is made anew when no worktree uses it any more. */
  | 'GIT_CORRUPT'
  /** The caller ended it: its lease is over. */
  | 'GIT_ABORTED'
  /** `Mirrors.close()` ended it. */
  | 'GIT_CLOSED'
  | 'GIT_MISSING'
  | 'GIT_FAILED';

const retriable: ReadonlySet<GitErrorCode> = new Set<GitErrorCode>([
  'GIT_UNREACHABLE',
  'GIT_LOCKED',
  'GIT_TIMEOUT',
  'GIT_DISK_FULL',
  'GIT_CORRUPT',
  'GIT_ABORTED',
  'GIT_CLOSED',
]);

const meaning: Record<GitErrorCode, string> = {
  GIT_UNREACHABLE: 'the remote does not answer',
  GIT_AUTH: 'the remote wants other credentials (see the git credential setting of the worker)',
  GIT_NOT_FOUND: 'there is no such repository, or our credentials do not show it',
  GIT_LOCKED: 'something else holds a lock of the repository',
  GIT_TIMEOUT: 'it took too long and was stopped',
  GIT_OUTPUT_LIMIT: 'it printed more than is taken',
  GIT_REJECTED: 'the remote refused it',
  GIT_DISK_FULL: 'the disk is full',
  GIT_CORRUPT: 'the copy of the repository on this worker is damaged; it will be made anew',
  GIT_ABORTED: 'it was stopped on request',
  GIT_CLOSED: 'the worker is closing',
  GIT_MISSING: 'git cannot be started; is it installed?',
  GIT_FAILED: 'it failed',
};

/** A git command that failed for a reason that is not an expected outcome. */
export class GitError extends Error {
  readonly retry: 'never' | 'later';
  override readonly name = 'GitError';
  constructor(
    readonly code: GitErrorCode,
    /** What was being done, e.g. `fetch`. */
    readonly action: string,
    /** The end of git's own words; secrets are taken out. */
    readonly stderr: string,
    readonly exitCode: number | null = null,
    options?: ErrorOptions,
  ) {
    const words = stderr.trim();
    super(`git ${action}: ${meaning[code]}${words === '' ? '' : `\n${words}`}`, options);
    this.retry = retriable.has(code) ? 'later' : 'never';
  }
}

/** Git is older than what we call (2.38). */
export class GitTooOldError extends Error {
  readonly code = 'GIT_TOO_OLD';
  readonly retry = 'never';
  override readonly name = 'GitTooOldError';
  constructor(readonly version: string) {
    super(
      `git ${version} is too old: 2.38 or newer is needed (merge-tree --write-tree). Please install a newer git`,
    );
  }
}

/** The plan's base, or another ref that must exist, does not. */
export class RefNotFoundError extends Error {
  readonly code = 'REF_NOT_FOUND';
  readonly retry = 'never';
  override readonly name = 'RefNotFoundError';
  constructor(
    readonly ref: string,
    readonly url: string,
    hint = '',
  ) {
    super(`${url} has no branch, tag or commit ${JSON.stringify(ref)}${hint === '' ? '' : `. ${hint}`}`);
  }
}

/** A private ref that we were to create is there with another commit: only a bug or an intruder does that. */
export class RefTakenError extends Error {
  readonly code = 'REF_TAKEN';
  readonly retry = 'never';
  override readonly name = 'RefTakenError';
  constructor(
    readonly ref: string,
    readonly wanted: string,
    readonly actual: string | null,
  ) {
    super(`${ref} is already there with ${actual ?? 'another commit'}, not ${wanted}`);
  }
}

/** Publishing would drop commits from the branch: never done. */
export class NotFastForwardError extends Error {
  readonly code = 'NOT_FAST_FORWARD';
  readonly retry = 'never';
  override readonly name = 'NotFastForwardError';
  constructor(
    readonly branch: string,
    readonly from: string,
    readonly to: string,
  ) {
    super(`${branch} cannot move from ${from} to ${to}: the new commit does not contain the old one`);
  }
}

export class BranchNameError extends Error {
  readonly code = 'BRANCH_NAME';
  readonly retry = 'never';
  override readonly name = 'BranchNameError';
  constructor(
    readonly branch: string,
    readonly problem: string,
  ) {
    super(`${JSON.stringify(branch)} cannot be a branch's name: ${problem}`);
  }
}

/** Moving a branch under somebody's feet would make their worktree look as if they had undone our work. */
export class CheckedOutBranchError extends Error {
  readonly code = 'CHECKED_OUT_BRANCH';
  readonly retry = 'never';
  override readonly name = 'CheckedOutBranchError';
  constructor(
    readonly branch: string,
    readonly worktree: string,
  ) {
    super(
      `${branch} is checked out in ${worktree}, so it is not moved. ` +
        'Check out another branch there, use a bare repository, or give the plan another integration branch',
    );
  }
}

/** The remote does not let us keep candidates in it, so a plan cannot run on it. */
export class NotPushableError extends Error {
  readonly code = 'NOT_PUSHABLE';
  readonly retry = 'never';
  override readonly name = 'NotPushableError';
  constructor(
    readonly url: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`Skein cannot push to ${url}: ${reason}`, options);
  }
}

export class FileTooLargeError extends Error {
  readonly code = 'FILE_TOO_LARGE';
  readonly retry = 'never';
  override readonly name = 'FileTooLargeError';
  constructor(
    readonly path: string,
    readonly bytes: number,
    readonly maxBytes: number,
  ) {
    super(`${JSON.stringify(path)} has ${bytes} bytes; at most ${maxBytes} are read`);
  }
}

/** A step made files that cannot be in a git tree. */
export class UnstorablePathsError extends Error {
  readonly code = 'UNSTORABLE_PATHS';
  readonly retry = 'never';
  override readonly name = 'UnstorablePathsError';
  constructor(
    /** Safe to print; at most 20. */
    readonly paths: string[],
  ) {
    super(`git cannot store ${paths.join(', ')}: remove what is not an ordinary, readable file`);
  }
}

/** The worktree is used after `remove()`, or its folder is gone. */
export class WorktreeGoneError extends Error {
  readonly code = 'WORKTREE_GONE';
  readonly retry = 'never';
  override readonly name = 'WorktreeGoneError';
  constructor(readonly path: string) {
    super(`the worktree ${path} was removed`);
  }
}
