import type { CodemodFileProblem } from '../job.ts';

/** The parsers that a plan can name, as jscodeshift calls them. */
export type TransformParser = 'babel' | 'babylon' | 'flow' | 'ts' | 'tsx';

/** What the transform's child is told, as JSON on its standard input. */
export interface TransformJob {
  worktree: string;
  /** Text of a module in the manner of jscodeshift: `module.exports` or `export default` is the transform. */
  transform: string;
  parser: TransformParser;
  /** The transform's third argument. */
  options: Record<string, unknown>;
  /** Paths relative to the worktree. */
  files: string[];
  /** Larger files are reported, not transformed. */
  maxFileBytes: number;
  /** Where the answer goes: what the transform prints is its own. */
  answerFile: string;
}

export interface TransformReport {
  /** Files whose text is different now, sorted. */
  changed: string[];
  /** For how many files the transform returned the text that it was given. */
  unmodified: number;
  /** For how many it returned nothing: not for it. */
  declined: number;
  /** Files that the transform's parser could not read, sorted; left as they are. */
  unparsable: CodemodFileProblem[];
  /** Files that were left alone for another reason: missing, a symlink, binary, too large. */
  skipped: CodemodFileProblem[];
  /** Files on which the transform threw, with what it threw and from where: the first of them. */
  failed: CodemodFileProblem[];
  /** How many those are in all. */
  failures: number;
  /** What the transform counted with `api.stats`. */
  stats: Record<string, number>;
}

/** What the child says: a report, or why the module is no transform. */
export type TransformAnswer =
  { status: 'done'; report: TransformReport } | { status: 'module-error'; message: string };

/** Bounds of a report. */
export const FAILED_FILES_MAX = 20;
export const FAILURE_TEXT_MAX = 3_000;
export const PROBLEM_TEXT_MAX = 300;
export const STATS_MAX = 100;

/** The child's exit code when the transform waits for a promise that nothing will settle. */
export const UNSETTLED = 13;
