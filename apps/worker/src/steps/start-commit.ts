import type { Job, LoopJob, StepInput } from '#contracts';
import { formatOrdinal, type CommitRef } from '#domain';
import { privateRef, type Mirror } from '#workspace';
import { listPaths, printable } from '../fixing/printable.ts';
import { StepBlockedError, WorkerFaultError } from '../leasing/errors.ts';
import { pushWithRetry } from './pushing.ts';
import type { StepContext } from './step-context.ts';

/** Where a step begins. `commit` is what it passes on if it changes nothing; null: it began at the plan's base. */
export interface Start {
  sha: string;
  commit: CommitRef | null;
}

/**
 * The base, or the results of the needs merged onto it in their order. The same needs give the same commit on every
 * worker and in every lease, so that an earlier attempt can be told to descend from it. A merge that we made is pushed
 * at once: dependants may start from it even if this step changes nothing.
 */
export async function findStart(
  context: StepContext,
  mirror: Mirror,
  { inputs, date }: LoopJob,
): Promise<Start> {
  const base = await fetchBase(context.job, mirror);
  await fetchInputs(mirror, inputs);
  const heads = await headsAmong(mirror, inputs);
  const [only] = heads;
  if (only === undefined) return { sha: base, commit: null };
  if (heads.length === 1 && (await mirror.isAncestor(base, only.commit.sha))) {
    return { sha: only.commit.sha, commit: only.commit };
  }
  const merged = await mirror.mergeInputs(base, labelled(heads), {
    date: date ?? MERGE_DATE,
    trailers: [['Skein-Plan', context.job.planId]],
  });
  if (merged.status === 'conflict') throw conflictAmong(merged, 'before this step could start');
  if (merged.sha === base) return { sha: base, commit: null };
  const commit = { sha: merged.sha, ref: privateRef({ ...context.lease.key, attempt: 'merge' }) };
  await pushWithRetry(mirror, commit, context);
  return { sha: merged.sha, commit };
}

/** When the job names none. Fixed, so that the merge has the same id wherever and whenever it is made. */
const MERGE_DATE = '2000-01-01T00:00:00Z';

/** Inputs that no other input contains already: with one left there is nothing to merge. Quadratic, so only for few. */
async function headsAmong(mirror: Mirror, inputs: StepInput[]): Promise<StepInput[]> {
  if (inputs.length > 8) return inputs;
  const heads: StepInput[] = [];
  for (const [index, input] of inputs.entries()) {
    let contained = false;
    for (const [otherIndex, other] of inputs.entries()) {
      if (contained || index === otherIndex) continue;
      const same = input.commit.sha === other.commit.sha;
      contained = same ? otherIndex < index : await mirror.isAncestor(input.commit.sha, other.commit.sha);
    }
    if (!contained) heads.push(input);
  }
  return heads;
}

export async function fetchInputs(mirror: Mirror, inputs: StepInput[]): Promise<void> {
  for (const input of inputs) {
    if (await mirror.ensureCommit(input.commit)) continue;
    throw new WorkerFaultError({
      code: 'input-missing',
      message: `The result of ${printable(input.stepName)} (${input.commit.sha.slice(0, 12)} on ${input.commit.ref}) cannot be fetched from the repository. Was its private ref deleted?`,
    });
  }
}

export function labelled(inputs: StepInput[]): { label: string; sha: string }[] {
  return inputs.map((input) => ({
    label: `${input.stepName} (${formatOrdinal(input.ordinal)})`,
    sha: input.commit.sha,
  }));
}

export function conflictAmong(
  conflict: { files: string[]; between: [string, string] },
  when: string,
): StepBlockedError {
  const [first, second] = conflict.between.map((name) => printable(name));
  return new StepBlockedError({
    code: 'merge-conflict',
    message: `${first} and ${second} conflict in ${listPaths(conflict.files)} ${when}. Let one of them need the other, or keep them to different files.`,
  });
}

async function fetchBase(job: Job, mirror: Mirror): Promise<string> {
  if (job.baseSha === null) {
    throw new StepBlockedError({
      code: 'no-base',
      message: 'The step needs a commit to start from, but its plan names no repository.',
    });
  }
  if (await mirror.ensureCommit({ sha: job.baseSha, ref: job.repo?.base ?? '' })) return job.baseSha;
  throw new WorkerFaultError({
    code: 'base-missing',
    message: `The base commit ${job.baseSha} cannot be fetched from the repository any more. Was its branch rewritten?`,
  });
}
