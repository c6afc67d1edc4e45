import { CommandAdapter, extensionsOf, runCodemod, type CodemodReport } from '#agents';
import type { LoopJob } from '#contracts';
import type { Reason } from '#domain';
import { inSpan, names } from '#telemetry';
import { matchingPaths, type Mirror } from '#workspace';
import { listPaths, printable } from '../fixing/printable.ts';
import { leavesRubble } from '../fixing/program-end.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import type { AttemptLog } from './attempt-log.ts';
import type { ProgramPlace, ProgramRunner } from './program-runner.ts';
import type { GivenFiles } from './step-environment.ts';
import type { StepContext } from './step-context.ts';

/** How a task ended that is no verdict yet: the scope check and the checks come after it. */
export interface TaskEnd {
  /** null: done. */
  failure: { reason: Reason; output: string | null } | null;
  /** The worktree may hold anything in any amount. */
  rubble: boolean;
}

export interface TaskSetting {
  context: StepContext;
  loop: LoopJob;
  mirror: Mirror;
  startSha: string;
  runner: ProgramRunner;
  place: ProgramPlace;
  given: GivenFiles;
  log: AttemptLog;
}

/** The changing part of an attempt: commands, a codemod, or an agent. */
export async function performTask(setting: TaskSetting): Promise<TaskEnd> {
  const { task } = setting.loop;
  switch (task.kind) {
    case 'run':
      return runCommands(setting, task.commands);
    case 'codemod':
      return rewriteFiles(setting, task);
    case 'agent':
      return letAgentWork(setting, task.command);
  }
}

async function runCommands({ runner, place, log }: TaskSetting, commands: string[]): Promise<TaskEnd> {
  const failed = await runner.runAll('command', commands, place, log);
  if (failed === null) return DONE;
  return { failure: { reason: failed.reason, output: failed.run.output }, rubble: leavesRubble(failed.run) };
}

async function letAgentWork(
  { context, runner, place, given, log }: TaskSetting,
  command: string,
): Promise<TaskEnd> {
  const agent = new CommandAdapter(command);
  await place.mend();
  const report = await inSpan(names.spans.agent, { [names.attributes.agentName]: agent.name }, () =>
    agent.run(
      {
        worktree: place.worktree,
        promptFile: given.prompt ?? '',
        feedbackFile: given.feedback,
        env: place.env,
        sandbox: context.tools.sandbox,
        limits: runner.limits(place),
        network: place.network,
        readable: place.readable,
        writable: place.writable.filter((folder) => folder !== place.worktree),
        home: place.home,
        onOutput: log.write,
      },
      context.lease.signal,
    ),
  );
  const { reason, run } = runner.judge({ phase: 'agent', command }, report.run, log);
  if (reason !== null) return { failure: { reason, output: run.output }, rubble: leavesRubble(run) };
  if (report.ok) return DONE;
  const said = {
    code: 'agent-failed',
    message: `The agent says that it failed: ${printable(report.summary).slice(0, 2_000)}`,
  };
  return { failure: { reason: said, output: run.output }, rubble: false };
}

async function rewriteFiles(
  setting: TaskSetting,
  task: Extract<LoopJob['task'], { kind: 'codemod' }>,
): Promise<TaskEnd> {
  const { context, runner, place, log } = setting;
  const files = await codemodFiles(setting, task);
  log.note(`codemod: ${task.language} rules on ${files.length} files`);
  const result = await inSpan(names.spans.codemod, {}, () =>
    runCodemod(
      {
        sandbox: context.tools.sandbox,
        worktree: place.worktree,
        rules: task.rules,
        language: task.language,
        files,
        limits: runner.limits(place),
      },
      context.lease.signal,
    ),
  );
  const { reason, run } = runner.judge(
    { phase: 'codemod', command: `ast-grep (${task.language})` },
    result.run,
    log,
  );
  switch (result.status) {
    case 'rule-error':
      throw new StepBlockedError({
        code: 'codemod-rule-error',
        message: `Rule document ${result.document} of the codemod is wrong: ${printable(result.message).slice(0, 2_000)}`,
      });
    case 'stopped':
      return {
        failure: {
          reason: reason ?? { code: 'codemod-failed', message: printable(result.message).slice(0, 2_000) },
          output: run.output,
        },
        rubble: leavesRubble(run),
      };
    case 'done':
      describe(result.report, log);
      return judgeReport(result.report, task.unparsable);
  }
}

function describe(report: CodemodReport, log: AttemptLog): void {
  log.note(`codemod: ${report.matches} matches rewritten in ${report.changed.length} files`);
  for (const problem of report.unparsable)
    log.note(`could not be parsed: ${problem.file}: ${problem.message}`);
  for (const problem of report.skipped) log.note(`left alone: ${problem.file}: ${problem.message}`);
}

function judgeReport(report: CodemodReport, unparsable: 'report' | 'fail'): TaskEnd {
  if (unparsable === 'report' || report.unparsable.length === 0) return DONE;
  const files = report.unparsable.map((problem) => problem.file);
  const reason = {
    code: 'codemod-unparsable',
    message: `The codemod could not parse ${listPaths(files)}, and the plan says that this fails the step (unparsable: fail).`,
  };
  const output = report.unparsable.map((problem) => `${problem.file}: ${problem.message}`).join('\n');
  return { failure: { reason, output }, rubble: false };
}

/**
 * What the plan's `files` name, as globs or as they stand, narrowed to the chunk of a matrix; without `files` the chunk,
 * else every file of the language.
 */
async function codemodFiles(
  { loop, mirror, startSha }: TaskSetting,
  task: { language: string; files: string[] },
): Promise<string[]> {
  const chunk = loop.matrix !== null && 'files' in loop.matrix ? loop.matrix.files : null;
  if (chunk !== null && task.files.length === 0) return chunk;
  const globs = task.files.length > 0 ? task.files : extensionsOf(task.language).map((end) => `**/*${end}`);
  const literal = new Set(globs);
  const candidates = chunk ?? (await regularFiles(mirror, startSha));
  const matched = matchingPaths(candidates, globs, { dot: false });
  return candidates.filter((path) => literal.has(path) || matched.has(path));
}

async function regularFiles(mirror: Mirror, sha: string): Promise<string[]> {
  const tracked = await mirror.listFiles(sha);
  return tracked.filter(({ mode }) => mode.startsWith('100')).map(({ path }) => path);
}

const DONE: TaskEnd = { failure: null, rubble: false };
