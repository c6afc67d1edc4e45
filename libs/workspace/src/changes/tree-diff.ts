import { pathFromBytes } from '../git/path-bytes.ts';
import type { GitRunner } from '../git/git.ts';
import { listTree, splitNul } from '../mirrors/reading.ts';
import type { Change } from './change.ts';
import { followSymlink, newEffort } from './symlinks.ts';

const SYMLINK = '120000';
/** A longer target cannot be followed by any kernel: it counts as one that leaves. */
const TARGET_BYTES_MAX = 4_096;
const UNREADABLE = '/';

const statuses: Record<string, Change['status']> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  T: 'type-changed',
};

/** The raw difference of two trees, symlinks judged. */
export async function diffTrees(repository: GitRunner, from: string, to: string): Promise<Change[]> {
  const args = [
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--no-renames',
    '--no-abbrev',
    '--end-of-options',
    from,
    to,
  ];
  const { stdout } = await repository.run({ action: 'compare trees', args });
  const changes = parseRaw(splitNul(stdout));
  if (!changes.some((change) => change.oldMode === SYMLINK || change.newMode === SYMLINK)) return changes;
  const before = await symlinksOf(repository, from);
  const after = await symlinksOf(repository, to);
  return judgeSymlinks(changes, before, after);
}

export function parseRaw(records: readonly Buffer[]): Change[] {
  const changes: Change[] = [];
  for (let at = 0; at + 1 < records.length; at += 2) {
    const fields = records[at]!.toString('latin1').slice(1).split(' ');
    const [oldMode = '', newMode = '', oldSha = '', newSha = '', letter = ''] = fields;
    const status = statuses[letter.slice(0, 1)];
    if (status === undefined)
      throw new Error(`git diff-tree says ${JSON.stringify(letter)}, which is not expected`);
    const path = pathFromBytes(records[at + 1]!);
    changes.push({ path, status, oldMode, newMode, oldSha, newSha, symlinkLeaves: false });
  }
  return changes;
}

/**
 * A new symlink that leaves the tree is at fault; so is a changed one (or a removed one) that makes an old symlink
 * leave which stayed inside before.
 */
export function judgeSymlinks(
  changes: readonly Change[],
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Change[] {
  const atFault = new Set<string>();
  const effort = newEffort();
  const changed = new Set(changes.filter((c) => c.newMode === SYMLINK).map((c) => c.path));
  for (const path of after.keys()) {
    const now = followSymlink(path, after, effort);
    if (!now.leaves) continue;
    if (changed.has(path)) atFault.add(path);
    else {
      const then = followSymlink(path, before, effort);
      if (!then.leaves) for (const link of [...now.through, ...then.through]) atFault.add(link);
    }
  }
  // Not all could be judged: then no symlink may be touched, or what is left to the end would pass unseen.
  const exhausted = effort.left < 0;
  return changes.map((change) => {
    const touched = change.newMode === SYMLINK || change.oldMode === SYMLINK;
    const target = change.newMode === SYMLINK ? after.get(change.path) : undefined;
    const judged = { ...change, symlinkLeaves: atFault.has(change.path) || (exhausted && touched) };
    return target === undefined ? judged : { ...judged, symlinkTarget: target };
  });
}

/** Every symlink of a tree, with its target. */
async function symlinksOf(repository: GitRunner, treeish: string): Promise<Map<string, string>> {
  const entries = (await listTree(repository, treeish)).filter((entry) => entry.mode === SYMLINK);
  const stdin = entries.map((entry) => `${entry.sha}\n`).join('');
  const check = ['cat-file', '--batch-check=%(objectname) %(objectsize)'];
  const sizes = (await repository.text({ action: 'measure symlinks', args: check, stdin })).split('\n');
  const small = entries.filter((_, i) => Number(sizes[i]?.split(' ')[1]) <= TARGET_BYTES_MAX);
  const targets = await readBlobs(
    repository,
    small.map((entry) => entry.sha),
  );
  return new Map(entries.map((entry) => [entry.path, targets.get(entry.sha) ?? UNREADABLE]));
}

async function readBlobs(repository: GitRunner, shas: readonly string[]): Promise<Map<string, string>> {
  const unique = [...new Set(shas)];
  const stdin = unique.map((sha) => `${sha}\n`).join('');
  const { stdout } = await repository.run({ action: 'read symlinks', args: ['cat-file', '--batch'], stdin });
  const found = new Map<string, string>();
  let at = 0;
  for (const sha of unique) {
    const end = stdout.indexOf(0x0a, at);
    const bytes = Number(stdout.toString('latin1', at, end).split(' ')[2]);
    found.set(sha, pathFromBytes(stdout.subarray(end + 1, end + 1 + bytes)));
    at = end + 1 + bytes + 1;
  }
  return found;
}
