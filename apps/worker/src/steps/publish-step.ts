import type { PublishJob, ResultMessage } from '#contracts';
import { inSpan, names } from '#telemetry';
import { StepBlockedError } from '../leasing/errors.ts';
import { fetchInputs } from './start-commit.ts';
import type { StepContext } from './step-context.ts';
import { openMirror } from './repository.ts';

/** Carries out an accepted integration: exactly that commit, exactly over what was expected, any number of times. */
export async function runPublishStep(
  context: StepContext,
  publish: PublishJob,
): Promise<ResultMessage['result']> {
  const mirror = await openMirror(context);
  await fetchInputs(mirror, [
    { ordinal: context.job.ordinal, stepName: 'integrate', commit: publish.commit },
  ]);
  const published = await inSpan(names.spans.publish, { [names.attributes.branch]: publish.branch }, () =>
    mirror.publish(publish.branch, publish.commit.sha, publish.expectedOld),
  );
  if (published.status === 'foreign-head') throw foreignHead(publish.branch, published.actual);
  return { status: 'passed', commit: publish.commit, outputs: {}, resolved: null, candidate: null };
}

export function foreignHead(branch: string, actual: string | null): StepBlockedError {
  const found = actual === null ? 'is gone' : `points to ${actual.slice(0, 12)}`;
  return new StepBlockedError({
    code: 'foreign-head',
    message: `The branch ${branch} ${found}, which this plan did not put there. Nothing was overwritten; rename or delete the branch, or choose another in integrate.branch.`,
  });
}
