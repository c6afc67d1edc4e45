import { extensionsOfParser, runTransform, type TransformReport } from '#agents';
import type { JscodeshiftTask } from '#contracts';
import type { Reason } from '#domain';
import { inSpan, names } from '#telemetry';
import { listPaths, printable } from '../fixing/printable.ts';
import { leavesRubble } from '../fixing/program-end.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import type { AttemptLog } from './attempt-log.ts';
import { codemodFiles } from './codemod-files.ts';
import { judgeUnparsable, sayProblems } from './codemod-task.ts';
import type { TaskEnd, TaskSetting } from './task-setting.ts';

/** Rewrites files by a transform of the plan. What it says of its work is for the log: the diff is what counts. */
export async function transformFiles(setting: TaskSetting, task: JscodeshiftTask): Promise<TaskEnd> {
  const { runner, log } = setting;
  const files = await codemodFiles(setting, task.files, extensionsOfParser(task.parser));
  log.note(`codemod: a transform on ${files.length} files (parser ${task.parser})`);
  const result = await inSpan(names.spans.codemod, {}, () => transform(setting, task, files));
  const program = { phase: 'codemod', command: `jscodeshift (${task.parser})` } as const;
  const { reason, run } = runner.judge(program, result.run, log);
  switch (result.status) {
    case 'module-error':
      throw new StepBlockedError({
        code: 'codemod-transform-error',
        message: `The transform of the codemod is wrong: ${printable(result.message).slice(0, 2_000)}`,
      });
    case 'stopped': {
      // Its own words say more than its exit code.
      const said = { code: 'codemod-failed', message: printable(result.message).slice(0, 2_000) };
      const why = run.end === 'exited' ? said : (reason ?? said);
      return { failure: { reason: why, output: run.output }, rubble: leavesRubble(run) };
    }
    case 'done':
      describe(result.report, log);
      if (result.report.failures > 0) return transformFailed(result.report);
      return judgeUnparsable(result.report, task.unparsable);
  }
}

async function transform(
  { context, runner, place, log }: TaskSetting,
  task: JscodeshiftTask,
  files: string[],
) {
  await place.mend();
  return runTransform(
    {
      sandbox: context.tools.sandbox,
      worktree: place.worktree,
      transform: task.transform,
      parser: task.parser,
      options: task.options,
      files,
      limits: runner.limits(place),
      env: place.env,
      writable: place.writable.filter((folder) => folder !== place.worktree),
      readable: place.readable,
      home: place.home,
      onOutput: log.write,
    },
    context.lease.signal,
  );
}

function describe(report: TransformReport, log: AttemptLog): void {
  const { changed, unmodified, declined } = report;
  log.note(`codemod: ${changed.length} files transformed, ${unmodified} unmodified, ${declined} skipped`);
  for (const [name, count] of Object.entries(report.stats)) log.note(`${name}: ${count}`);
  sayProblems(report, log);
  for (const problem of report.failed) log.note(`failed: ${problem.file}: ${problem.message}`);
}

function transformFailed({ failed, failures }: TransformReport): TaskEnd {
  const more = failures > failed.length ? ` and ${failures - failed.length} more` : '';
  const [headline = ''] = (failed[0]?.message ?? '').split('\n');
  const reason: Reason = {
    code: 'codemod-transform-failed',
    message: `The transform failed on ${listPaths(failed.map((problem) => problem.file))}${more}: ${printable(headline).slice(0, 1_000)}`,
  };
  const output = failed.map((problem) => `${problem.file}: ${problem.message}`).join('\n\n');
  return { failure: { reason, output }, rubble: false };
}
