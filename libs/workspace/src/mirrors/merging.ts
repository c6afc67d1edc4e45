import { pathFromBytes } from '../git/path-bytes.ts';
import { GitError } from '../git/git-error.ts';
import type { BareRepository } from './bare-repository.ts';
import { oneLine, trailerLine, writeCommit, type NewCommit } from './committing.ts';
import type { MergeConflict, MergeInput, MergeOptions, MergeResult } from './mirror.ts';
import { splitNul } from './reading.ts';

interface DoneMerge {
  label: string;
  commit: NewCommit;
  sha: string;
}

/**
 * Merges inputs into `onto` one after the other, on objects alone (`git merge-tree`): no worktree, no index, no ref.
 * Deterministic, so a worker that does it again after a crash makes the same commits.
 */
export async function mergeInputs(
  repository: BareRepository,
  onto: string,
  inputs: readonly MergeInput[],
  options: MergeOptions,
): Promise<MergeResult> {
  const merges: DoneMerge[] = [];
  let sha = onto;
  for (const input of inputs) {
    if (await repository.isAncestor(input.sha, sha)) continue;
    const merged = await mergeTrees(repository, sha, input.sha);
    if (merged.conflict.length > 0) {
      const other = await lastToTouch(repository, merges, merged.conflict);
      const conflict: MergeConflict = { files: merged.conflict, between: [other, input.label] };
      if (options.onConflict === undefined) return { status: 'conflict', ...conflict };
      options.onConflict(conflict);
      continue;
    }
    const message = `Merge step ${oneLine(input.label)}`;
    const commit = { tree: merged.tree, parents: [sha, input.sha], message, date: options.date };
    sha = await writeCommit(repository, commit);
    merges.push({ label: input.label, commit, sha });
  }
  const last = merges.at(-1);
  const trailers = options.trailers ?? [];
  if (last === undefined || trailers.length === 0) return { status: 'merged', sha };
  const message = `${last.commit.message}\n\n${trailers.map(trailerLine).join('\n')}`;
  return { status: 'merged', sha: await writeCommit(repository, { ...last.commit, message }) };
}

async function mergeTrees(
  repository: BareRepository,
  ours: string,
  theirs: string,
): Promise<{ tree: string; conflict: string[] }> {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs];
  const { stdout, exitCode } = await repository.run({ action: 'merge', args, answers: [0, 1] });
  const [tree, ...names] = splitNul(stdout);
  if (tree === undefined) throw new GitError('GIT_FAILED', 'merge', 'merge-tree said nothing', exitCode);
  // Where a file and a folder clash, git puts the file aside under `name~<commit>`.
  const aside = new RegExp(`~(${ours}|${theirs})(_\\d+)?$`);
  const files = names.filter((name) => name.length > 0).map((name) => pathFromBytes(name).replace(aside, ''));
  const conflict = exitCode === 1 ? [...new Set(files)] : [];
  if (exitCode === 1 && conflict.length === 0) {
    throw new GitError('GIT_FAILED', 'merge', 'there is a conflict, but in no file', exitCode);
  }
  return { tree: tree.toString('latin1'), conflict };
}

/** The latest earlier input whose merge changed one of the files; `base` when none did. */
async function lastToTouch(
  repository: BareRepository,
  merges: readonly DoneMerge[],
  files: readonly string[],
): Promise<string> {
  const wanted = new Set(files);
  for (const merge of merges.toReversed()) {
    const args = [
      'diff-tree',
      '-r',
      '-z',
      '--name-only',
      '--no-renames',
      merge.commit.parents[0]!,
      merge.sha,
    ];
    const { stdout } = await repository.run({ action: 'find the other side of a conflict', args });
    if (splitNul(stdout).some((name) => touches(wanted, pathFromBytes(name)))) return merge.label;
  }
  return 'base';
}

/** The same file, or one below a conflicting folder, or a folder's place (file against folder). */
function touches(files: ReadonlySet<string>, path: string): boolean {
  if (files.has(path)) return true;
  for (const file of files) if (path.startsWith(`${file}/`) || file.startsWith(`${path}/`)) return true;
  return false;
}
