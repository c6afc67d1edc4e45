import { extensionsOf, runCodemod, type CodemodReport } from '#agents';
import type { AstGrepTask } from '#contracts';
import { inSpan, names } from '#telemetry';
import { listPaths, printable } from '../fixing/printable.ts';
import { leavesRubble } from '../fixing/program-end.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import type { AttemptLog } from './attempt-log.ts';
import { codemodFiles } from './codemod-files.ts';
import { DONE, type TaskEnd, type TaskSetting } from './task-setting.ts';

/** Rewrites files by ast-grep rules. */
export async function rewriteFiles(setting: TaskSetting, task: AstGrepTask): Promise<TaskEnd> {
  const { context, runner, place, log } = setting;
  const files = await codemodFiles(setting, task.files, extensionsOf(task.language));
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
      log.note(
        `codemod: ${result.report.matches} matches rewritten in ${result.report.changed.length} files`,
      );
      sayProblems(result.report, log);
      return judgeUnparsable(result.report, task.unparsable);
  }
}

export function sayProblems(report: Pick<CodemodReport, 'unparsable' | 'skipped'>, log: AttemptLog): void {
  for (const problem of report.unparsable)
    log.note(`could not be parsed: ${problem.file}: ${problem.message}`);
  for (const problem of report.skipped) log.note(`left alone: ${problem.file}: ${problem.message}`);
}

export function judgeUnparsable(
  report: Pick<CodemodReport, 'unparsable'>,
  unparsable: 'report' | 'fail',
): TaskEnd {
  if (unparsable === 'report' || report.unparsable.length === 0) return DONE;
  const files = report.unparsable.map((problem) => problem.file);
  const reason = {
    code: 'codemod-unparsable',
    message: `The codemod could not parse ${listPaths(files)}, and the plan says that this fails the step (unparsable: fail).`,
  };
  const output = report.unparsable.map((problem) => `${problem.file}: ${problem.message}`).join('\n');
  return { failure: { reason, output }, rubble: false };
}
