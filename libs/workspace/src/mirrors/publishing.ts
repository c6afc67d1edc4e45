import {
  GitError,
  NotFastForwardError,
  NotPushableError,
  RefTakenError,
  CheckedOutBranchError,
} from '../git/git-error.ts';
import { assertPrivateRef, branchRef } from '../refs/branch-name.ts';
import { privateRefPrefix } from '../refs/private-ref.ts';
import type { BareRepository } from './bare-repository.ts';
import { writeCommit } from './committing.ts';
import type { CommitRef, PublishResult } from './mirror.ts';
import type { Remote } from './remote.ts';
import { obtain, type ResolvingParts } from './resolving.ts';

/** Refs of one push: argv has a limit. */
const REFS_PER_PUSH = 200;

/** Creates a private ref. Never moves one. */
export async function pushPrivate(remote: Remote, commit: CommitRef): Promise<void> {
  assertPrivateRef(commit.ref);
  const [verdict] = await remote.push([{ ref: commit.ref, sha: commit.sha, expectedOld: null }]);
  if (verdict?.status === 'done') return;
  if (verdict?.status === 'refused') throw new GitError('GIT_REJECTED', 'push', verdict.words);
  const actual = await remoteHead(remote, commit.ref);
  if (actual !== commit.sha) throw new RefTakenError(commit.ref, commit.sha, actual);
}

/**
 * Carries out an accepted integration: the branch goes from exactly `expectedOld` to `sha`, or nothing happens.
 * The remote is asked first, so that a repetition after a crash finds its own work; the push is a compare-and-swap,
 * so that a commit that arrives in between is seen as well.
 */
export async function publish(
  parts: ResolvingParts,
  branch: string,
  sha: string,
  expectedOld: string | null,
): Promise<PublishResult> {
  const { repository, remote } = parts;
  const ref = branchRef(branch);
  const before = await remoteHead(remote, ref);
  if (before === sha) return { status: 'published' };
  if (before !== expectedOld) return { status: 'foreign-head', actual: before };
  if (expectedOld !== null) {
    const known = await obtain(parts, expectedOld, ref);
    if (!known || !(await repository.isAncestor(expectedOld, sha)))
      throw new NotFastForwardError(branch, expectedOld, sha);
    if (remote.isLocal) await refuseCheckedOut(repository, remote, branch);
  }
  const [verdict] = await remote.push([{ ref, sha, expectedOld }]);
  if (verdict?.status === 'done') return { status: 'published' };
  const after = await remoteHead(remote, ref);
  if (after === sha) return { status: 'published' };
  if (after !== expectedOld) return { status: 'foreign-head', actual: after };
  throw new GitError(
    'GIT_REJECTED',
    'publish',
    verdict?.status === 'refused' ? verdict.words : 'the branch did not move',
  );
}

export async function remoteHead(remote: Remote, ref: string): Promise<string | null> {
  const full = ref.startsWith('refs/') || ref === 'HEAD' ? ref : branchRef(ref);
  return (await remote.list([full])).get(full) ?? null;
}

/** A branch that does not exist can be checked out nowhere but as an unborn one, which git itself refuses. */
export async function refuseCheckedOut(
  repository: BareRepository,
  remote: Remote,
  branch: string,
): Promise<void> {
  const args = ['-c', 'core.fsmonitor=false', '-C', remote.url, 'worktree', 'list', '--porcelain', '-z'];
  const { stdout } = await repository.run({ action: 'look for checked-out branches', args, gitDir: null });
  let folder = '';
  for (const line of stdout.toString('utf8').split('\0')) {
    if (line.startsWith('worktree ')) folder = line.slice('worktree '.length);
    if (line === `branch ${branchRef(branch)}`) throw new CheckedOutBranchError(branch, folder);
  }
}

/** The refs that went. Each only if it is still what we saw. */
export async function deleteRefs(remote: Remote, prefix: string, keep: readonly string[]): Promise<string[]> {
  assertPrivateRef(prefix.endsWith('/') ? `${prefix}x` : `${prefix}/x`);
  const below = prefix.endsWith('/') ? prefix : `${prefix}/`;
  const kept = new Set(keep);
  const refs = [...(await remote.list([`${below}*`]))].filter(
    ([ref]) => ref.startsWith(below) && !ref.endsWith('^{}') && !kept.has(ref),
  );
  const deleted: string[] = [];
  for (let at = 0; at < refs.length; at += REFS_PER_PUSH) {
    const updates = refs
      .slice(at, at + REFS_PER_PUSH)
      .map(([ref, sha]) => ({ ref, sha: null, expectedOld: sha }));
    const verdicts = await remote.push(updates);
    deleted.push(...updates.filter((_, i) => verdicts[i]?.status === 'done').map((update) => update.ref));
    const refused = verdicts.find((verdict) => verdict.status === 'refused');
    if (refused?.status === 'refused') throw new GitError('GIT_REJECTED', 'remove refs', refused.words);
  }
  return deleted;
}

/** Proves that we may create and delete refs, before a plan's first step does work that could not be kept. */
export async function checkPushable(
  repository: BareRepository,
  remote: Remote,
  planId: string,
): Promise<void> {
  const ref = `${privateRefPrefix(planId)}probe`;
  assertPrivateRef(ref);
  const tree = await repository.text({ action: 'write an empty tree', args: ['mktree'] });
  const date = '2000-01-01T00:00:00Z';
  const sha = await writeCommit(repository, { tree, parents: [], message: 'Skein may push here?', date });
  try {
    await pushPrivate(remote, { ref, sha });
    const [verdict] = await remote.push([{ ref, sha: null, expectedOld: sha }]);
    if (verdict?.status === 'refused') throw new GitError('GIT_REJECTED', 'remove a ref', verdict.words);
  } catch (error) {
    if (!(error instanceof GitError) || error.retry === 'later') throw error;
    throw new NotPushableError(remote.url, reasonFor(error), { cause: error });
  }
}

function reasonFor(error: GitError): string {
  const words = error.stderr.trim();
  const quoted = words === '' ? '' : `\n${words}`;
  if (error.code === 'GIT_AUTH') {
    return `it wants credentials that may write. Set a token, an SSH key or a credential helper for the worker${quoted}`;
  }
  if (error.code === 'GIT_NOT_FOUND')
    return `there is no such repository, or our credentials do not show it${quoted}`;
  if (/permission|read-only|unable to create temporary/i.test(words)) {
    return `the repository cannot be written by this user (wrong owner, or a read-only disk)${quoted}`;
  }
  return `it refuses refs below refs/skein/${quoted}`;
}
