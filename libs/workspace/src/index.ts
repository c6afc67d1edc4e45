export { type Look, Mirrors, type MirrorsOptions } from './mirrors/mirrors.ts';
export { removeMirror, unusedMirrors } from './mirrors/pruning.ts';
export {
  type ChangedPaths,
  commitInFolder,
  commitsBeyond,
  mainBranch,
  readWorkingFolder,
  type WorkingFolder,
  type WorkingFolderOptions,
} from './folders/working-folder.ts';
export type {
  ChangedFile,
  CommitRef,
  Diff,
  DiffOptions,
  Diffstat,
  MergeConflict,
  MergeInput,
  MergeOptions,
  MergeResult,
  Mirror,
  Page,
  PageResult,
  PublishResult,
  TreeFile,
} from './mirrors/mirror.ts';
export type { CommitOptions, Worktree } from './worktrees/worktree.ts';
export type { Change } from './changes/change.ts';
export { GlobTooSlowError, matchingPaths, type GlobOptions } from './changes/globs.ts';
export { accessOf, type AccessSettings } from './urls/access.ts';
export {
  matchFiles,
  type Resolution,
  ResolutionError,
  type ResolutionErrorCode,
  type ResolutionRequest,
  resolveAt,
} from './resolution/resolution.ts';
export { judgeScope, type Scope, type ScopeViolation } from './changes/scope.ts';
export type { GitCredentials } from './git/git-credentials.ts';
export { isBytePath, pathFromBytes, pathToBytes, printablePath } from './git/path-bytes.ts';
export { privateRef, privateRefPrefix, type PrivateRefParts } from './refs/private-ref.ts';
export {
  defaultAllowedRemotes,
  parseRepoUrl,
  RepoUrlError,
  type AllowedRemotes,
  type RepoScheme,
  type RepoUrl,
} from './urls/repo-url.ts';
export {
  BranchNameError,
  CheckedOutBranchError,
  FileTooLargeError,
  GitError,
  type GitErrorCode,
  GitTooOldError,
  NotFastForwardError,
  NotPushableError,
  RefNotFoundError,
  RefTakenError,
  UnstorablePathsError,
  WorktreeGoneError,
} from './git/git-error.ts';
