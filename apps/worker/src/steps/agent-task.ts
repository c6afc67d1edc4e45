import { CommandAdapter } from '#agents';
import type { AgentTask } from '#contracts';
import { inSpan, names } from '#telemetry';
import { printable } from '../fixing/printable.ts';
import { leavesRubble } from '../fixing/program-end.ts';
import { DONE, type TaskEnd, type TaskSetting } from './task-setting.ts';

export async function letAgentWork(
  { context, runner, place, given, log }: TaskSetting,
  { command }: AgentTask,
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
