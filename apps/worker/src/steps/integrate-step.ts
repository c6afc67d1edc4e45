import type { IntegrateJob, ResultMessage } from '#contracts';
import { formatOrdinal, type Diffstat } from '#domain';
import { trimMiddle } from '#sandbox';
import { count, inSpan, names } from '#telemetry';
import { privateRef, type Mirror } from '#workspace';
import { printable } from '../fixing/printable.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import { AttemptLog } from './attempt-log.ts';
import { checksPlace } from './checks-place.ts';
import { LeaseWorktree } from './lease-worktree.ts';
import { ProgramRunner, type FailedProgram } from './program-runner.ts';
import { foreignHead } from './publish-step.ts';
import { pushWithRetry } from './pushing.ts';
import { openMirror } from './repository.ts';
import { conflictAmong, fetchInputs, mergeResults } from './start-commit.ts';
import { requireSandbox, type StepContext } from './step-context.ts';

/** The base may move while the merge is verified; after this many rounds what was verified is integrated. */
const ROUNDS_MAX = 3;

interface Merged {
  baseSha: string;
  sha: string;
}

/**
 * Merges the accepted results onto the newest base, verifies, and makes the commit a candidate. It publishes nothing:
 * that is for after the decider accepted exactly this commit over exactly that head.
 */
export async function runIntegrateStep(
  context: StepContext,
  integrate: IntegrateJob,
): Promise<ResultMessage['result']> {
  if (integrate.inputs.length === 0) return nothingToIntegrate();
  const { ordinal, epoch, planId } = context.lease.key;
  const artifact = (kind: string) => `${planId}/${formatOrdinal(ordinal)}/1-${epoch}.${kind}`;
  await using log = await AttemptLog.open(context.tools.artifacts, artifact('log'), context.log);
  const mirror = await openMirror(context);
  await fetchInputs(mirror, integrate.inputs);
  const merged = await inSpan(names.spans.integrate, {}, () =>
    mergeAndVerify(context, integrate, mirror, log),
  );
  if (merged.sha === merged.baseSha) return nothingToIntegrate();

  const expectedOld = await expectHead(mirror, integrate.branch, merged.sha);
  const commit = { sha: merged.sha, ref: privateRef({ ...context.lease.key, attempt: 1 }) };
  await pushWithRetry(mirror, commit, context);
  const diffstat = await storeDiff(context, mirror, merged, artifact('diff'));
  return {
    status: 'passed',
    commit,
    outputs: {},
    resolved: null,
    candidate: { branch: integrate.branch, commit, expectedOld, baseSha: merged.baseSha, diffstat },
  };
}

function nothingToIntegrate(): ResultMessage['result'] {
  return { status: 'passed', commit: null, outputs: {}, resolved: null, candidate: null };
}

async function mergeAndVerify(
  context: StepContext,
  integrate: IntegrateJob,
  mirror: Mirror,
  log: AttemptLog,
): Promise<Merged> {
  let baseSha = await newestBase(context, mirror);
  for (let round = 1; ; round += 1) {
    const merged = await merge(context, integrate, mirror, baseSha);
    log.note(`round ${round}: ${integrate.inputs.length} results merged onto ${baseSha} as ${merged.sha}`);
    if (merged.sha !== baseSha) {
      await expectHead(mirror, integrate.branch, merged.sha);
      await verify(context, integrate, mirror, merged, log);
    }
    const newest = await newestBase(context, mirror);
    if (newest === baseSha) return merged;
    if (round >= ROUNDS_MAX) {
      log.note(`the base moved again, to ${newest}; integrating what was verified on ${baseSha}`);
      return merged;
    }
    log.note(`the base moved to ${newest} meanwhile`);
    baseSha = newest;
  }
}

async function newestBase({ job, lease }: StepContext, mirror: Mirror): Promise<string> {
  lease.throwIfEnded();
  return mirror.resolve(job.repo?.base ?? 'HEAD');
}

async function merge(
  context: StepContext,
  integrate: IntegrateJob,
  mirror: Mirror,
  baseSha: string,
): Promise<Merged> {
  const { seq, hash } = integrate.ledgerHead;
  const merged = await mergeResults(mirror, baseSha, integrate.inputs, {
    date: integrate.date,
    trailers: [
      ['Skein-Plan', context.job.planId],
      ['Skein-Ledger-Head', `${seq}:${hash}`],
    ],
  });
  if (merged.status === 'conflict') throw conflictAmong(merged, `when merged onto ${baseSha.slice(0, 12)}`);
  return { baseSha, sha: merged.sha };
}

/** Ours alone: the branch must not exist, or be this very commit from a repetition. */
async function expectHead(mirror: Mirror, branch: string, sha: string): Promise<string | null> {
  const head = await mirror.remoteHead(`refs/heads/${branch}`);
  if (head !== null && head !== sha) throw foreignHead(branch, head);
  return head;
}

async function verify(
  context: StepContext,
  integrate: IntegrateJob,
  mirror: Mirror,
  merged: Merged,
  log: AttemptLog,
): Promise<void> {
  if (integrate.setup.length + integrate.verify.length === 0) return;
  const warning = requireSandbox(context);
  if (warning !== null) log.note(warning);
  const { dirs, lease, tools } = context;
  const worktree = new LeaseWorktree({ mirror, dirs, sha: merged.sha, goesOn: false, log: context.log });
  try {
    const files = await worktree.begin();
    const runner = new ProgramRunner(tools.sandbox, tools.caps, lease.signal);
    const place = checksPlace(context, integrate, mirror, files.path);
    const failed =
      (await runner.runAll('setup', integrate.setup, place, log)) ??
      (await runner.runAll('verify', integrate.verify, place, log));
    if (failed !== null) throw verifyFailed(merged, failed);
  } finally {
    await worktree.remove();
  }
}

/** The wire takes reasons of 8 KB: the end of the output says most. */
function verifyFailed(merged: Merged, failed: FailedProgram): StepBlockedError {
  const output = trimMiddle(printable(failed.run.output), 5_000);
  return new StepBlockedError({
    code: failed.reason.code === 'verify-failed' ? 'integration-verify-failed' : failed.reason.code,
    message: `The merged result on base ${merged.baseSha.slice(0, 12)} does not pass: ${failed.reason.message}\n${output}`,
  });
}

async function storeDiff(
  context: StepContext,
  mirror: Mirror,
  merged: Merged,
  key: string,
): Promise<Diffstat> {
  const { text, stat } = await mirror.diff(merged.baseSha, merged.sha);
  await context.tools.artifacts.put(key, text).catch((error: unknown) => {
    count('artifactFailures', { kind: 'diff' });
    context.log.warn({ err: error, key }, 'a diff could not be stored');
  });
  return stat;
}
