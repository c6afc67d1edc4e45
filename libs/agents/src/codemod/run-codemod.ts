import type { RunLimits, RunResult, Sandbox } from '#sandbox';
import type { CodemodReport } from './job.ts';

export interface CodemodTask {
  sandbox: Sandbox;
  worktree: string;
  /** ast-grep rules: YAML documents with `rule` and `fix`. */
  rules: string;
  /** Language of documents that name none: JavaScript, TypeScript, Tsx, Html or Css. */
  language: string;
  /** Paths relative to the worktree. */
  files: string[];
  limits: RunLimits;
  hidden?: string[];
  /** Larger files are reported, not rewritten. Default 4 MB. */
  maxFileBytes?: number;
  onOutput?(chunk: Buffer): void | Promise<void>;
}

/**
 * `done`: every file was rewritten, left alone with a reason, or had no match.
 * `rule-error`: the rules are wrong; another attempt cannot help.
 * `stopped`: the child did not finish (a limit, an abort); files may be half done, so the worktree must be reset.
 */
export type CodemodResult =
  | { status: 'done'; report: CodemodReport; run: RunResult }
  | { status: 'rule-error'; document: number; message: string; run: RunResult }
  | { status: 'stopped'; message: string; run: RunResult };

/** Rewrites files by ast-grep rules in a sandboxed child: parsing hostile sources is the child's risk, not ours. */
export async function runCodemod(task: CodemodTask, signal: AbortSignal): Promise<CodemodResult> {
  throw new Error(`landing soon: ${task.worktree} ${signal.aborted}`);
}
