import { letAgentWork } from './agent-task.ts';
import { rewriteFiles } from './codemod-task.ts';
import { runCommands } from './run-task.ts';
import type { TaskEnd, TaskSetting } from './task-setting.ts';
import { transformFiles } from './transform-task.ts';

/** The changing part of an attempt: commands, a codemod, or an agent. */
export async function performTask(setting: TaskSetting): Promise<TaskEnd> {
  const { task } = setting.loop;
  switch (task.kind) {
    case 'run':
      return runCommands(setting, task);
    case 'codemod':
      return task.engine === 'jscodeshift' ? transformFiles(setting, task) : rewriteFiles(setting, task);
    case 'agent':
      return letAgentWork(setting, task);
  }
}
