import { GitError } from '../git/git-error.ts';
import { pathFromBytes, pathToBytes } from '../git/path-bytes.ts';
import { branchRef } from '../refs/branch-name.ts';
import type { BareRepository } from './bare-repository.ts';
import { trailerLine, writeCommit } from './committing.ts';
import type { Page, PageResult } from './mirror.ts';
import { refuseCheckedOut, remoteHead } from './publishing.ts';
import { splitNul } from './reading.ts';
import { obtain, type ResolvingParts } from './resolving.ts';

/** How often another of the owner's own pages may come in between. */
const TURNS_MAX = 3;
/** A tree of one file fits; whatever is longer holds more. */
const TREE_BYTES_MAX = 16 * 1024;

/**
 * Makes a text the only file of a branch that has but one owner, on top of the owner's page before: by compare-and-swap,
 * never by force. The same text again is nothing to do, so a repetition after a crash finds its own work.
 */
export async function publishPage(parts: ResolvingParts, page: Page): Promise<PageResult> {
  const { repository, remote } = parts;
  const ref = branchRef(page.branch);
  const tree = await writeTree(repository, page);
  for (let turn = 1; turn <= TURNS_MAX; turn += 1) {
    const head = await remoteHead(remote, ref);
    if (head !== null) {
      // It moved meanwhile, and the server gives no commits that no ref points to.
      if (!(await obtain(parts, head, ref))) continue;
      const foreign = await strangeness(repository, head, page);
      if (foreign !== null) return { status: 'foreign-head', actual: head, why: foreign };
      if ((await treeOf(repository, head)) === tree) return { status: 'unchanged', sha: head };
      if (remote.isLocal) await refuseCheckedOut(repository, remote, page.branch);
    }
    const message = `${page.message.trim()}\n\n${trailerLine(page.owner)}`;
    const parents = head === null ? [] : [head];
    const sha = await writeCommit(repository, { tree, parents, message, date: page.date });
    const [verdict] = await remote.push([{ ref, sha, expectedOld: head }]);
    if (verdict?.status === 'done') return { status: 'published', sha };
    if (verdict?.status === 'refused') throw new GitError('GIT_REJECTED', 'publish', verdict.words);
  }
  throw new GitError('GIT_LOCKED', 'publish', `${page.branch} moves faster than it can be written`);
}

/** Why a head is not the owner's page before; null when it is. */
async function strangeness(repository: BareRepository, head: string, page: Page): Promise<string | null> {
  const [key, value] = page.owner;
  const args = ['log', '-1', `--format=%(trailers:key=${key},valueonly)`, '--end-of-options', head];
  const said = (await repository.text({ action: 'read a trailer', args })).trim().split('\n').at(-1)?.trim();
  if (said !== value) return said ? `it says ${key}: ${said.slice(0, 100)}` : `it does not say ${key}`;
  const list = ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', head];
  const call = { action: 'list files', args: list, maxBytes: TREE_BYTES_MAX, truncate: true };
  const { stdout, truncated } = await repository.run(call);
  const entries = splitNul(stdout);
  const [only] = entries;
  const path = only === undefined ? null : pathFromBytes(only.subarray(only.indexOf(0x09) + 1));
  return truncated || entries.length !== 1 || path !== page.path ? 'it holds other files' : null;
}

async function treeOf(repository: BareRepository, commit: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--end-of-options', `${commit}^{tree}`];
  return repository.text({ action: 'look up a tree', args });
}

/** From the innermost folder outwards. */
async function writeTree(repository: BareRepository, { path, text }: Page): Promise<string> {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part)))
    throw new RangeError(`not a path of a repository: ${JSON.stringify(path)}`);
  const blob = { action: 'write a page', args: ['hash-object', '-w', '--stdin'], stdin: text };
  let entry = `100644 blob ${await repository.text(blob)}`;
  let tree = '';
  for (const part of parts.toReversed()) {
    const stdin = Buffer.concat([Buffer.from(`${entry}\t`), pathToBytes(part), Buffer.of(0)]);
    tree = await repository.text({ action: 'write a tree', args: ['mktree', '-z'], stdin });
    entry = `040000 tree ${tree}`;
  }
  return tree;
}
