import type { ResultMessage } from '#contracts';
import { LeaseDirs } from '../steps/lease-dirs.ts';
import { runBaselineStep } from '../steps/baseline-step.ts';
import { runCleanStep } from '../steps/clean-step.ts';
import { runFixLoop } from '../steps/fix-loop.ts';
import { runIntegrateStep } from '../steps/integrate-step.ts';
import { noopResult } from '../steps/noop-step.ts';
import { runPublishStep } from '../steps/publish-step.ts';
import { runReportStep } from '../steps/report-step.ts';
import { runResolveStep } from '../steps/resolve-step.ts';
import type { StepContext, StepTools } from '../steps/step-context.ts';

/** A lease whose work is to be done, and how to tell the decider of it. */
export type Undertaking = Pick<StepContext, 'job' | 'lease' | 'report' | 'log'>;

/** Does the work of a lease: the result to report, or null when the fix loop has reported its attempts itself. */
export type Perform = (undertaking: Undertaking) => Promise<ResultMessage['result'] | null>;

/** With git, sandbox and disk of this host. The lease's disk is gone before its result is sent. */
export function performOnHost(o: { leasesDir: string; tools: StepTools }): Perform {
  return async (undertaking) => {
    const dirs = new LeaseDirs(o.leasesDir, undertaking.lease.key);
    try {
      await dirs.make();
      return await perform({ ...undertaking, dirs, tools: o.tools });
    } finally {
      await dirs.remove();
    }
  };
}

async function perform(context: StepContext): Promise<ResultMessage['result'] | null> {
  const { work } = context.job;
  switch (work.kind) {
    case 'noop':
      return noopResult();
    case 'run':
    case 'codemod':
    case 'agent':
      await runFixLoop(context, work);
      return null;
    case 'resolve':
      return runResolveStep(context, work);
    case 'baseline':
      return runBaselineStep(context, work);
    case 'integrate':
      return runIntegrateStep(context, work);
    case 'publish':
      return runPublishStep(context, work);
    case 'report':
      return runReportStep(context, work);
    case 'clean':
      return runCleanStep(context, work);
  }
}
