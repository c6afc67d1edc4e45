import type { Job, LoopJob, StepInput } from '#contracts';
import { formatOrdinal, type CommitRef } from '#domain';
import { privateRef, type MergeInput, type MergeOptions, type MergeResult, type Mirror } from '#workspace';
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
  if (inputs.length === 0) return { sha: base, commit: null };
  const [only, ...others] = await headsAmong(mirror, inputs);
  // One result that contains all others and the base: it is the start, there is nothing to merge.
  if (only !== undefined && others.length === 0 && (await mirror.isAncestor(base, only.commit.sha))) {
    return { sha: only.commit.sha, commit: only.commit };
  }
  const merged = await mergeResults(mirror, base, inputs, {
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

/**
 * Merges results onto a base. What another result contains already needs no merge of its own, so that a chain of steps
 * does not become a chain of merges; but a conflict is looked for among all of them, to name the step that has it.
 */
export async function mergeResults(
  mirror: Mirror,
  base: string,
  inputs: StepInput[],
  options: MergeOptions,
): Promise<MergeResult> {
  const heads = await headsAmong(mirror, inputs);
  const merged = await mirror.mergeInputs(base, labelled(heads), options);
  if (merged.status === 'merged' || heads.length === inputs.length) return merged;
  const exact = await mirror.mergeInputs(base, labelled(inputs), options);
  return exact.status === 'conflict' ? exact : merged;
}

/** A "no" costs a git process and gains nothing, a "yes" saves a merge: after so many no's the rest count as heads. */
const ANCESTRY_MISSES_MAX = 64;

/** Inputs that none of higher ordinal contains, in their order. It is about tidiness: what slips through is harmless. */
async function headsAmong(mirror: Mirror, inputs: StepInput[]): Promise<StepInput[]> {
  const heads: StepInput[] = [];
  let misses = 0;
  for (const input of inputs.toReversed()) {
    let contained = false;
    for (const head of heads) {
      if (misses >= ANCESTRY_MISSES_MAX) break;
      contained = await mirror.isAncestor(input.commit.sha, head.commit.sha);
      if (contained) break;
      misses += 1;
    }
    if (!contained) heads.unshift(input);
  }
  return heads;
}

function labelled(inputs: StepInput[]): MergeInput[] {
  return inputs.map((input) => ({
    label: `${input.stepName} (${formatOrdinal(input.ordinal)})`,
    sha: input.commit.sha,
  }));
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

/** The plan's base, here. Throws when there is none, or when it is gone from the repository. */
export async function fetchBase(job: Job, mirror: Mirror): Promise<string> {
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
