import type { ReportJob, ResultMessage } from '#contracts';
import { inSpan, names } from '#telemetry';
import { printable } from '../fixing/printable.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import { openMirror } from './repository.ts';
import type { StepContext } from './step-context.ts';

/**
 * Puts the plan's page onto its branch. The text decides whether there is anything to do, and the head's trailer whose
 * the branch is; so any lease may do it, any number of times.
 */
export async function runReportStep(
  context: StepContext,
  { branch, path, text, message, date }: ReportJob,
): Promise<ResultMessage['result']> {
  const mirror = await openMirror(context);
  const owner: [string, string] = ['Skein-Plan', context.job.planId];
  const page = { branch, path, text, message: withoutTrailer(message, owner[0]), date, owner };
  const result = await inSpan(names.spans.report, { [names.attributes.branch]: branch }, () =>
    mirror.publishPage(page),
  );
  if (result.status === 'foreign-head') {
    throw new StepBlockedError({
      code: 'foreign-head',
      message: `The branch ${branch} points to ${result.actual.slice(0, 12)}, which is no page of this plan (${printable(result.why)}). Nothing was overwritten; rename or delete the branch, or choose another in progress.branch.`,
    });
  }
  const commit = { sha: result.sha, ref: branch };
  return { status: 'passed', commit, outputs: {}, resolved: null, candidate: null };
}

/** The last trailer of the name is the one that counts, and it is ours to write. */
function withoutTrailer(message: string, name: string): string {
  const lines = message
    .split('\n')
    .filter((line) => !line.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return lines.join('\n').trim() || 'Report progress';
}
