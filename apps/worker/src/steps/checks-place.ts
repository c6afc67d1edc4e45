import type { BaselineJob } from '#contracts';
import type { Mirror } from '#workspace';
import type { ProgramPlace } from './program-runner.ts';
import type { StepContext } from './step-context.ts';
import { NOTHING_GIVEN, programEnvironment, usableValues } from './step-environment.ts';

/** Where the plan's checks run that no attempt is about: on a base, or on a merge. Its time begins now. */
export function checksPlace(
  { dirs, job }: StepContext,
  checks: Pick<BaselineJob, 'env' | 'values' | 'network' | 'timeout'>,
  mirror: Mirror,
  worktree: string,
): ProgramPlace {
  return {
    worktree,
    writable: [worktree, dirs.scratch],
    readable: [dirs.given, mirror.path],
    home: dirs.home,
    mend: () => dirs.mend(),
    env: programEnvironment({
      job,
      planEnv: checks.env,
      attempt: 1,
      worktree,
      dirs,
      given: NOTHING_GIVEN,
      matrix: null,
      values: usableValues(checks.values),
    }),
    network: checks.network,
    idleMs: checks.timeout.idleMs,
    deadline: Date.now() + checks.timeout.attemptMs,
  };
}
