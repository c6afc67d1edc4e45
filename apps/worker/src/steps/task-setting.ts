import type { LoopJob } from '#contracts';
import type { Reason } from '#domain';
import type { Mirror } from '#workspace';
import type { AttemptLog } from './attempt-log.ts';
import type { ProgramPlace, ProgramRunner } from './program-runner.ts';
import type { StepContext } from './step-context.ts';
import type { GivenFiles } from './step-environment.ts';

/** All that the changing part of an attempt works with. */
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

/** How a task ended that is no verdict yet: the scope check and the checks come after it. */
export interface TaskEnd {
  /** null: done. */
  failure: { reason: Reason; output: string | null } | null;
  /** The worktree may hold anything in any amount. */
  rubble: boolean;
}

export const DONE: TaskEnd = { failure: null, rubble: false };
