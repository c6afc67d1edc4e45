import type { Mirror } from '#workspace';
import { StepBlockedError } from '../leasing/errors.ts';
import type { StepContext } from './step-context.ts';

export async function openMirror({ job, tools }: StepContext): Promise<Mirror> {
  if (job.repo === null) {
    throw new StepBlockedError({
      code: 'no-repository',
      message: `The step ${job.work.kind} works on a repository, but its plan names none. Add repo.url to the plan.`,
    });
  }
  return tools.mirrors.open(job.repo.url);
}
