import type { CommitRef, Mirror, PublishResult } from '#workspace';
import type { Lease } from '../leasing/lease.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import type { StepContext } from './step-context.ts';

/** The mirror of the plan's repository, under the lease: it waits for a remote no longer than the lease lasts. */
export async function openMirror({ job, lease, tools }: StepContext): Promise<Mirror> {
  if (job.repo === null) {
    throw new StepBlockedError({
      code: 'no-repository',
      message: `The step ${job.work.kind} works on a repository, but its plan names none. Add repo.url to the plan.`,
    });
  }
  return underLease(await whileHeld(lease, () => tools.mirrors.open(job.repo!.url)), lease);
}

/**
 * A remote can hang for half an hour, and a worker that drains or has lost its lease must not wait for it. What it asked
 * for goes on without it and harms nobody: fetches are shared, pushes are create-only or compare-and-swap, the rest only
 * reads. Calls that touch the lease's own disk are waited for, because that disk is removed next; their git is ended.
 */
function underLease(mirror: Mirror, lease: Lease): Mirror {
  const held = <T>(work: () => Promise<T>): Promise<T> => whileHeld(lease, work);
  return {
    url: mirror.url,
    path: mirror.path,
    resolve: (base) => held(() => mirror.resolve(base)),
    ensureCommit: (commit: CommitRef) => held(() => mirror.ensureCommit(commit)),
    push: (commit) => held(() => mirror.push(commit)),
    publish: (branch, sha, expectedOld): Promise<PublishResult> =>
      held(() => mirror.publish(branch, sha, expectedOld)),
    publishPage: (page) => held(() => mirror.publishPage(page)),
    remoteHead: (ref) => held(() => mirror.remoteHead(ref)),
    deleteRefs: (prefix, keep) => held(() => mirror.deleteRefs(prefix, keep)),
    checkPushable: (planId) => held(() => mirror.checkPushable(planId)),
    // Its git ends with the lease, instead of being left: see above.
    checkout: (leaseDir, sha) => mirror.checkout(leaseDir, sha, lease.signal),
    listFiles: (sha) => held(() => mirror.listFiles(sha)),
    readText: (sha, path, maxBytes) => held(() => mirror.readText(sha, path, maxBytes)),
    mergeInputs: (onto, inputs, options) => held(() => mirror.mergeInputs(onto, inputs, options)),
    diff: (from, to, options) => held(() => mirror.diff(from, to, options)),
    changedFiles: (from, to) => held(() => mirror.changedFiles(from, to)),
    isAncestor: (ancestor, descendant) => held(() => mirror.isAncestor(ancestor, descendant)),
  };
}

async function whileHeld<T>({ signal }: Lease, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const working = work();
  return new Promise<T>((resolve, reject) => {
    const onEnd = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onEnd, { once: true });
    if (signal.aborted) onEnd();
    working.then(resolve, reject).finally(() => signal.removeEventListener('abort', onEnd));
  });
}
