import { createHash } from 'node:crypto';
import { GitError, RefNotFoundError } from '../git/git-error.ts';
import { refProblem } from '../refs/branch-name.ts';
import type { BareRepository } from './bare-repository.ts';
import type { CommitRef } from './mirror.ts';
import type { Remote } from './remote.ts';

/** Called with the lock's descriptor; counts towards the next repack. */
export type Fetching = (fetch: (lockFd: number) => Promise<boolean>) => Promise<boolean>;

export interface ResolvingParts {
  repository: BareRepository;
  remote: Remote;
  fetching: Fetching;
}

/** How often a base may move between being asked for and being fetched. */
const MOVES_MAX = 5;
const FULL_SHA = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
const SHORT_SHA = /^[0-9a-f]{7,39}$/;

/** The newest commit of a branch, tag or SHA at the remote, fetched. */
export async function resolveBase(parts: ResolvingParts, base: string, turn = 1): Promise<string> {
  const { repository, remote } = parts;
  if (base !== 'HEAD' && refProblem(base) !== null)
    throw new RefNotFoundError(base, remote.url, 'Git allows no such name');
  const candidates =
    base === 'HEAD' || base.startsWith('refs/') ? [base] : [`refs/heads/${base}`, `refs/tags/${base}`];
  const refs = await remote.list(candidates.flatMap((ref) => [ref, `${ref}^{}`]));
  for (const ref of candidates) {
    const sha = refs.get(`${ref}^{}`) ?? refs.get(ref);
    if (sha === undefined) continue;
    if (await obtain(parts, sha, ref)) return commitOf(repository, sha, base, remote.url);
    // It moved between the question and the fetch, and the server gives no commits that no ref points to.
    if (turn < MOVES_MAX) return resolveBase(parts, base, turn + 1);
    throw new GitError('GIT_LOCKED', 'fetch', `${ref} moved faster than it could be fetched`);
  }
  return resolveSha(parts, base);
}

/** Makes an exact commit available; `ref` is where the remote keeps it, for servers that give only what refs point to. */
export async function obtain(parts: ResolvingParts, sha: string, ref: string | null): Promise<boolean> {
  const { repository, remote, fetching } = parts;
  if (await repository.hasCommit(sha)) return true;
  return fetching(async (lockFd) => {
    if (await repository.hasCommit(sha)) return true;
    const keep = keepRef(ref ?? sha);
    if (await remote.fetchCommits([`+${sha}:${keep}`], lockFd)) return repository.hasCommit(sha);
    if (ref === null || !(await remote.fetchCommits([`+${ref}:${keep}`], lockFd))) return false;
    return repository.hasCommit(sha);
  });
}

export function ensureCommit(parts: ResolvingParts, commit: CommitRef): Promise<boolean> {
  if (!FULL_SHA.test(commit.sha)) throw new RangeError(`not a SHA: ${JSON.stringify(commit.sha)}`);
  return obtain(parts, commit.sha, refProblem(commit.ref) === null ? commit.ref : null);
}

/**
 * Where the mirror keeps what it fetched, so that the next fetch of the same ref gets only what is new. Hashed: the
 * remote's names clash with nothing here. Those of steps go with the plan, or when they are old (see `maintenance.ts`).
 */
export function keepRef(source: string): string {
  const kind = source.startsWith('refs/skein/') ? 'steps' : 'bases';
  return `refs/fetched/${kind}/${createHash('sha256').update(source).digest('hex').slice(0, 32)}`;
}

async function resolveSha(parts: ResolvingParts, base: string): Promise<string> {
  const { repository, remote, fetching } = parts;
  const notFound = (hint: string) => new RefNotFoundError(base, remote.url, hint);
  if (FULL_SHA.test(base)) {
    if (await obtain(parts, base, null)) return commitOf(repository, base, base, remote.url);
  } else if (!SHORT_SHA.test(base)) {
    throw notFound(await similarBranches(remote, base));
  }
  // An abbreviation, or a server that gives only what branches and tags contain.
  const everything = ['+refs/heads/*:refs/fetched/heads/*', '+refs/tags/*:refs/fetched/tags/*'];
  await fetching((lockFd) => remote.fetch(everything, lockFd, ['--prune']));
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${base}^{commit}`];
  const answer = await repository.run({ action: 'look up a commit', args, answers: [0, 1, 128] });
  if (answer.exitCode !== 0) throw notFound('No branch or tag contains such a commit');
  return answer.stdout.toString('utf8').trim();
}

async function commitOf(repository: BareRepository, sha: string, base: string, url: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${sha}^{commit}`];
  const answer = await repository.run({ action: 'look up a commit', args, answers: [0, 1, 128] });
  if (answer.exitCode !== 0) throw new RefNotFoundError(base, url, 'It does not point to a commit');
  return answer.stdout.toString('utf8').trim();
}

async function similarBranches(remote: Remote, base: string): Promise<string> {
  const heads = [...(await remote.list(['refs/heads/*'])).keys()].map((ref) =>
    ref.slice('refs/heads/'.length),
  );
  if (heads.length === 0) return 'The repository has no branches yet';
  const wanted = base.toLowerCase();
  const alike = heads.filter(
    (head) => head.toLowerCase().includes(wanted) || wanted.includes(head.toLowerCase()),
  );
  const shown = (alike.length > 0 ? alike : heads).slice(0, 5).join(', ');
  return `It has ${heads.length === 1 ? 'the branch' : 'branches such as'} ${shown}`;
}
