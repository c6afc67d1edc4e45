import type { Job, LoopJob } from '#contracts';
import { formatOrdinal } from '#domain';
import { valuesProblem } from '../fixing/values.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import type { LeaseDirs } from './lease-dirs.ts';

/** Files that the worker wrote for the attempt; null: the variable is not set. */
export interface GivenFiles {
  inputs: string | null;
  files: string | null;
  prompt: string | null;
  /** Not told by a variable: it is run. */
  script: string | null;
  feedback: string | null;
}

/** For checks that no attempt is about. */
export const NOTHING_GIVEN: GivenFiles = {
  inputs: null,
  files: null,
  prompt: null,
  script: null,
  feedback: null,
};

/** The values that commands refer to, judged before any program is begun. A coordinator of the version before sends none. */
export function usableValues(values: Record<string, string> | undefined): Record<string, string> {
  const unusable = valuesProblem(values ?? {});
  if (unusable !== null) throw new StepBlockedError(unusable);
  return values ?? {};
}

/**
 * What a program of a step sees besides what the sandbox gives (PATH, LANG, HOME, TMPDIR): what the plan says, and what
 * we tell it. The plan cannot change what we tell.
 */
export function programEnvironment(o: {
  job: Job;
  planEnv: Record<string, string>;
  attempt: number;
  worktree: string;
  dirs: LeaseDirs;
  given: GivenFiles;
  matrix: LoopJob['matrix'];
  values: Record<string, string>;
}): Record<string, string> {
  const { job, dirs, given } = o;
  const ownNames = Object.entries(o.planEnv).filter(([name]) => !/^SKEIN_/i.test(name));
  const told: Record<string, string | null> = {
    SKEIN_PLAN: job.planId,
    SKEIN_STEP: formatOrdinal(job.ordinal),
    SKEIN_STEP_NAME: job.stepName.replaceAll('\0', ''),
    SKEIN_ATTEMPT: String(o.attempt),
    SKEIN_EPOCH: String(job.epoch),
    SKEIN_WORKTREE: o.worktree,
    SKEIN_OUTPUTS: dirs.outputs,
    SKEIN_INPUTS: given.inputs,
    SKEIN_FILES: given.files,
    SKEIN_PROMPT: given.prompt,
    SKEIN_FEEDBACK: given.feedback,
    SKEIN_MATRIX: matrixText(o.matrix),
    ...o.values,
  };
  return {
    ...Object.fromEntries(ownNames),
    ...Object.fromEntries(
      Object.entries(told).filter((entry): entry is [string, string] => entry[1] !== null),
    ),
  };
}

/** An item's text as it is, any other item as JSON. Files are told by a file. */
function matrixText(matrix: LoopJob['matrix']): string | null {
  if (matrix === null || 'files' in matrix) return null;
  const value = 'value' in matrix ? matrix.value : matrix.item;
  return (typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('\0', '');
}
