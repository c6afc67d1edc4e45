import { type RunLimits, type RunResult, type Sandbox, succeeded } from '#sandbox';
import { childArgv, childReadable, stoppedMessage } from './child.ts';
import { ANSWER_PREFIX, type CodemodAnswer, type CodemodJob, type CodemodReport } from './job.ts';

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
}

/**
 * `done`: every file was rewritten, left alone with a reason, or had no match.
 * `rule-error`: the rules are wrong; nothing was touched and another attempt cannot help.
 * `stopped`: the child did not finish (a limit, an abort, a crash of the parser); files may be half done, so the
 * worktree must be reset. `message` says why, for a person.
 */
export type CodemodResult =
  | { status: 'done'; report: CodemodReport; run: RunResult }
  | { status: 'rule-error'; document: number; message: string; run: RunResult }
  | { status: 'stopped'; message: string; run: RunResult };

/** Rewrites files by ast-grep rules in a sandboxed child: parsing hostile sources is the child's risk, not ours. */
export async function runCodemod(task: CodemodTask, signal: AbortSignal): Promise<CodemodResult> {
  const { worktree, rules, language, files, maxFileBytes = 4 * 1024 * 1024 } = task;
  const job: CodemodJob = { worktree, rules, language, files, maxFileBytes };
  const printed: Buffer[] = [];
  const run = await task.sandbox.run(
    {
      argv: childArgv(import.meta.dirname),
      cwd: worktree,
      writable: [worktree],
      readable: childReadable(['@ast-grep/napi', 'yaml']),
      ...(task.hidden === undefined ? {} : { hidden: task.hidden }),
      env: {},
      network: false,
      // The child is silent until its answer, and that may be long: two file names for each file at most. So only the
      // wall clock ends it; the idle clock starts a little earlier and gets more.
      limits: { ...task.limits, idleMs: 2 * task.limits.wallMs + 60_000, outputBytes: answerBytesMax(files) },
      stdin: JSON.stringify(job),
      onOutput: (chunk) => void printed.push(chunk),
    },
    signal,
  );
  if (!succeeded(run)) return { status: 'stopped', message: stoppedMessage(run), run };
  const answer = readAnswer(Buffer.concat(printed).toString('utf8'), files);
  if (answer === null) return { status: 'stopped', message: 'the codemod gave no answer', run };
  return { ...answer, run };
}

function answerBytesMax(files: string[]): number {
  const names = files.reduce((sum, file) => sum + Buffer.byteLength(JSON.stringify(file)), 0);
  return 1024 * 1024 + 2 * names + 500 * files.length;
}

/** The answer comes from a child that parsed hostile text: it is checked as such. */
function readAnswer(printed: string, files: string[]): CodemodAnswer | null {
  const line = printed.split('\n').findLast((text) => text.startsWith(ANSWER_PREFIX));
  if (line === undefined) return null;
  let answer: unknown;
  try {
    answer = JSON.parse(line.slice(ANSWER_PREFIX.length));
  } catch {
    return null;
  }
  return isAnswer(answer, new Set(files)) ? answer : null;
}

function isAnswer(value: unknown, files: Set<string>): value is CodemodAnswer {
  const answer = value as Partial<Record<string, unknown>>;
  if (answer['status'] === 'rule-error') {
    return typeof answer['document'] === 'number' && typeof answer['message'] === 'string';
  }
  const report = answer['report'] as Partial<CodemodReport> | undefined;
  const isFile = (name: unknown) => typeof name === 'string' && files.has(name);
  const areProblems = (list: unknown) =>
    Array.isArray(list) &&
    list.every(
      (problem: { file?: unknown; message?: unknown }) =>
        isFile(problem.file) && typeof problem.message === 'string',
    );
  return (
    answer['status'] === 'done' &&
    Array.isArray(report?.changed) &&
    report.changed.every(isFile) &&
    areProblems(report.unparsable) &&
    areProblems(report.skipped) &&
    typeof report.matches === 'number'
  );
}
