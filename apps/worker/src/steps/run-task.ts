import type { RunTask } from '#contracts';
import { leavesRubble } from '../fixing/program-end.ts';
import type { ProgramEnd } from './program-runner.ts';
import { runScript } from './script.ts';
import { DONE, type TaskEnd, type TaskSetting } from './task-setting.ts';

/** Commands one after the other until one fails, then the script. */
export async function runCommands(setting: TaskSetting, task: RunTask): Promise<TaskEnd> {
  const { runner, place, log } = setting;
  const failed = await runner.runAll('command', task.commands, place, log);
  if (failed !== null) return endOf(failed);
  return task.script ? endOf(await runScript(setting, task.script)) : DONE;
}

function endOf({ reason, run }: ProgramEnd): TaskEnd {
  if (reason === null) return DONE;
  return { failure: { reason, output: run.output }, rubble: leavesRubble(run) };
}
