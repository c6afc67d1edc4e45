import type { ResolveJob, ResultMessage } from '#contracts';
import { resolveAt } from '#workspace';
import { openMirror } from './repository.ts';
import type { StepContext } from './step-context.ts';

/** Asks git what only git can say: the base's commit, the files that globs match, the texts that the plan names. */
export async function runResolveStep(
  context: StepContext,
  resolve: ResolveJob,
): Promise<ResultMessage['result']> {
  const mirror = await openMirror(context);
  await mirror.checkPushable(context.job.planId);
  const baseSha = await mirror.resolve(context.job.repo?.base ?? 'HEAD');
  context.lease.throwIfEnded();
  const resolved = await resolveAt(mirror, baseSha, resolve);
  return { status: 'passed', commit: null, outputs: {}, resolved, candidate: null };
}
