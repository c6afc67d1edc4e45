import { constants } from 'node:fs';
import { mkdtemp, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunLimits, type RunResult, type Sandbox, removeTree, succeeded } from '#sandbox';
import { childArgv, childReadable, stoppedMessage } from '../child.ts';
import {
  UNSETTLED,
  type TransformAnswer,
  type TransformJob,
  type TransformParser,
  type TransformReport,
} from './transform-job.ts';

export interface TransformTask {
  sandbox: Sandbox;
  worktree: string;
  /** Text of the module; see TransformJob. */
  transform: string;
  parser: TransformParser;
  options: Record<string, unknown>;
  /** Paths relative to the worktree. */
  files: string[];
  limits: RunLimits;
  env: Record<string, string>;
  /** Writable for the transform beside the worktree; in the first of them the answer is left. At least one. */
  writable: string[];
  /** Read-only for the transform. */
  readable: string[];
  home?: string;
  /** What the transform prints. */
  onOutput?(chunk: Buffer): void | Promise<void>;
  /** Larger files are reported, not transformed. Default 4 MB. */
  maxFileBytes?: number;
}

/**
 * `done`: every file was offered to the transform, or left alone with a reason.
 * `module-error`: the text is no transform; nothing was touched and another attempt cannot help.
 * `stopped`: it did not finish (a limit, an abort, its own exit); files may be half done, so the worktree must be reset.
 */
export type TransformResult =
  | { status: 'done'; report: TransformReport; run: RunResult }
  | { status: 'module-error'; message: string; run: RunResult }
  | { status: 'stopped'; message: string; run: RunResult };

/**
 * Transforms files in a sandboxed child, where the transform may do what any program of a step may do, without a
 * network. It shares the child's process, so its report is worth as much as what a program says of itself: what
 * counts is the worktree.
 */
export async function runTransform(task: TransformTask, signal: AbortSignal): Promise<TransformResult> {
  const { worktree, transform, parser, options, files, maxFileBytes = 4 * 1024 * 1024 } = task;
  const answerDir = await mkdtemp(join(task.writable[0] ?? worktree, 'transform-'));
  try {
    const answerFile = join(answerDir, 'answer.json');
    const job: TransformJob = { worktree, transform, parser, options, files, maxFileBytes, answerFile };
    const run = await task.sandbox.run(
      {
        argv: childArgv(import.meta.dirname),
        cwd: worktree,
        writable: [worktree, ...task.writable],
        readable: [...childReadable(['jscodeshift']), ...task.readable],
        ...(task.home === undefined ? {} : { home: task.home }),
        ...(task.onOutput === undefined ? {} : { onOutput: task.onOutput.bind(task) }),
        env: task.env,
        network: false,
        limits: task.limits,
        stdin: JSON.stringify(job),
      },
      signal,
    );
    if (!succeeded(run)) return { status: 'stopped', message: whyStopped(run), run };
    const answer = await readAnswer(answerFile, files);
    return answer === null ? { status: 'stopped', message: NO_ANSWER, run } : { ...answer, run };
  } finally {
    await removeTree(answerDir);
  }
}

const NO_ANSWER = 'the transform ended its process before all files were done';

function whyStopped(run: RunResult): string {
  if (run.end === 'exited' && run.exitCode === UNSETTLED)
    return 'the transform waits for a promise that nothing will settle';
  return stoppedMessage(run);
}

/** Paths twice, their problems, and some for the rest. */
function answerBytesMax(files: string[]): number {
  const names = files.reduce((sum, file) => sum + Buffer.byteLength(JSON.stringify(file)), 0);
  return 1024 * 1024 + 2 * names + 1_000 * files.length;
}

/** The file is the transform's: nothing is followed, nothing that blocks is read, and what it holds is checked. */
async function readAnswer(path: string, files: string[]): Promise<TransformAnswer | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => null,
  );
  if (file === null) return null;
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > answerBytesMax(files)) return null;
    const answer: unknown = JSON.parse(await file.readFile('utf8'));
    return isAnswer(answer, new Set(files)) ? answer : null;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

function isAnswer(value: unknown, files: Set<string>): value is TransformAnswer {
  const answer = (value ?? {}) as Partial<Record<string, unknown>>;
  if (answer['status'] === 'module-error') return typeof answer['message'] === 'string';
  if (answer['status'] !== 'done') return false;
  const report = (answer['report'] ?? {}) as Partial<Record<keyof TransformReport, unknown>>;
  const isFile = (name: unknown): boolean => typeof name === 'string' && files.has(name);
  const areProblems = (list: unknown): boolean =>
    Array.isArray(list) &&
    list.every(
      (problem: { file?: unknown; message?: unknown } | null) =>
        isFile(problem?.file) && typeof problem?.message === 'string',
    );
  return (
    Array.isArray(report.changed) &&
    report.changed.every(isFile) &&
    areProblems(report.unparsable) &&
    areProblems(report.skipped) &&
    areProblems(report.failed) &&
    [report.unmodified, report.declined, report.failures].every(Number.isSafeInteger) &&
    areCounts(report.stats)
  );
}

function areCounts(stats: unknown): boolean {
  return (
    typeof stats === 'object' &&
    stats !== null &&
    Object.values(stats).every((count) => typeof count === 'number')
  );
}
