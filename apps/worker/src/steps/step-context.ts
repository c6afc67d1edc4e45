import type { ArtifactStore } from '#artifacts';
import type { Job } from '#contracts';
import type { Reason } from '#domain';
import type { RunSpec, Sandbox } from '#sandbox';
import type { Logger } from '#telemetry';
import type { Mirrors } from '#workspace';
import type { BaselineCache } from '../baselines/baseline-cache.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import type { Lease } from '../leasing/lease.ts';
import type { Reporter } from '../leasing/reporter.ts';
import type { LeaseDirs } from './lease-dirs.ts';

/** What every step of this worker shares. */
export interface StepTools {
  mirrors: Mirrors;
  sandbox: Sandbox;
  /** The worker's own setting: `required` refuses without a sandbox whatever the plan says. */
  sandboxMode: 'auto' | 'required';
  /** Caps of one program; time comes from the step. */
  caps: Omit<RunSpec['limits'], 'wallMs' | 'idleMs'>;
  artifacts: ArtifactStore;
  baselines: Pick<BaselineCache, 'get' | 'put'>;
}

/** What belongs to one lease. */
export interface StepContext {
  job: Job;
  lease: Lease;
  dirs: LeaseDirs;
  report: Reporter;
  log: Logger;
  tools: StepTools;
}

/**
 * Without a sandbox a step could read the worker's credentials and touch its neighbours: only plans of a trusted
 * tenant run then, and the warning says so. Returns the warning, null when all is well.
 */
export function sandboxWarning(o: {
  kind: string;
  workerMode: 'auto' | 'required';
  planMode: 'auto' | 'required';
  trusted: boolean;
}): { refused: Reason } | { warning: string | null } {
  if (o.kind === 'bubblewrap') return { warning: null };
  if (o.planMode === 'required' || o.workerMode === 'required') {
    const who = o.planMode === 'required' ? 'The plan' : "This worker's settings";
    return {
      refused: {
        code: 'sandbox-missing',
        message: `${who} require a sandbox, but bubblewrap does not work on this worker. Install it (package bubblewrap) or allow user namespaces.`,
      },
    };
  }
  if (!o.trusted) {
    return {
      refused: {
        code: 'sandbox-missing',
        message:
          'No sandbox works on this worker, and the plan’s tenant is not trusted to run without one. Install bubblewrap or trust the tenant.',
      },
    };
  }
  return {
    warning: `No sandbox: bubblewrap does not work on this worker, programs run as ${o.kind}. Only trusted plans should.`,
  };
}

/** Every step that runs programs of a plan asks here first. */
export function requireSandbox({ tools, job, log }: StepContext): string | null {
  const verdict = sandboxWarning({
    kind: tools.sandbox.kind,
    workerMode: tools.sandboxMode,
    planMode: job.sandbox,
    trusted: job.trusted,
  });
  if ('refused' in verdict) throw new StepBlockedError(verdict.refused);
  if (verdict.warning !== null) log.warn({ sandbox: tools.sandbox.kind }, verdict.warning);
  return verdict.warning;
}
