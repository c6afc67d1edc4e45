import { succeeded } from '#sandbox';
import type { AgentAdapter, AgentReport, AgentTask } from './adapter.ts';

/**
 * Any program as an agent: a shell command, given the files `$SKEIN_PROMPT` and (from attempt 2) `$SKEIN_FEEDBACK`.
 * It writes nothing itself; without a feedback file the variable is absent, so `[ -n "$SKEIN_FEEDBACK" ]` tells.
 */
export class CommandAdapter implements AgentAdapter {
  readonly name = 'command';

  constructor(private readonly command: string) {}

  async run(task: AgentTask, signal: AbortSignal): Promise<AgentReport> {
    const files = [task.promptFile, ...(task.feedbackFile === null ? [] : [task.feedbackFile])];
    const run = await task.sandbox.run(
      {
        argv: ['/bin/sh', '-c', this.command],
        cwd: task.worktree,
        writable: [task.worktree, ...task.writable],
        readable: [...files, ...task.readable],
        ...(task.hidden === undefined ? {} : { hidden: task.hidden }),
        ...(task.home === undefined ? {} : { home: task.home }),
        ...(task.onOutput === undefined ? {} : { onOutput: task.onOutput.bind(task) }),
        env: {
          ...task.env,
          SKEIN_PROMPT: task.promptFile,
          ...(task.feedbackFile === null ? {} : { SKEIN_FEEDBACK: task.feedbackFile }),
        },
        network: task.network,
        limits: task.limits,
      },
      signal,
    );
    const ok = succeeded(run);
    return {
      run,
      ok,
      summary: ok ? 'the agent command ended with exit code 0' : `the agent command: ${run.message}`,
    };
  }
}
