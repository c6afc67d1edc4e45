import type { CleanJob, ResultMessage } from '#contracts';
import { inSpan, names } from '#telemetry';
import { openMirror } from './repository.ts';
import type { StepContext } from './step-context.ts';

/** Removes the plan's private refs from the repository, but those that the ledger still needs. */
export async function runCleanStep(context: StepContext, clean: CleanJob): Promise<ResultMessage['result']> {
  const mirror = await openMirror(context);
  const removed = await inSpan(names.spans.clean, {}, () =>
    mirror.deleteRefs(`refs/skein/${context.job.planId}/`, clean.keep),
  );
  context.log.info({ removed }, 'private refs of the plan removed');
  return { status: 'passed', commit: null, outputs: {}, resolved: null, candidate: null };
}
