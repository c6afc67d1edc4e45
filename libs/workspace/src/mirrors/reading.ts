import { pathFromBytes } from '../git/path-bytes.ts';
import { FileTooLargeError } from '../git/git-error.ts';
import type { BareRepository } from './bare-repository.ts';
import type { Diff, Diffstat, TreeFile } from './mirror.ts';

/** A diff for people: more is not read by anybody. */
const MAX_DIFF_BYTES = 1024 * 1024;
const MAX_LIST_BYTES = 256 * 1024 * 1024;

export interface TreeEntry extends TreeFile {
  sha: string;
}

/** Every entry of a tree, in git's order (by the paths' bytes). */
export async function listTree(repository: BareRepository, treeish: string): Promise<TreeEntry[]> {
  const args = ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', treeish];
  const { stdout } = await repository.run({ action: 'list files', args, maxBytes: MAX_LIST_BYTES });
  return splitNul(stdout).map((record) => {
    const tab = record.indexOf(0x09);
    const [mode = '', , sha = ''] = record.toString('latin1', 0, tab).split(' ');
    return { mode, sha, path: pathFromBytes(record.subarray(tab + 1)) };
  });
}

export async function readText(
  repository: BareRepository,
  sha: string,
  path: string,
  maxBytes: number,
): Promise<string | null> {
  const entry = await findFile(repository, sha, path);
  if (entry === null) return null;
  if (entry.bytes > maxBytes) throw new FileTooLargeError(path, entry.bytes, maxBytes);
  const call = { action: 'read a file', args: ['cat-file', 'blob', entry.sha], maxBytes };
  return (await repository.run(call)).stdout.toString('utf8');
}

async function findFile(
  repository: BareRepository,
  commit: string,
  path: string,
): Promise<{ sha: string; bytes: number } | null> {
  // Names that no tree has, and some of which git would refuse as arguments.
  if (path.includes('\0') || !path.isWellFormed()) return null;
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) return null;
  const args = ['ls-tree', '-l', '-z', '--full-tree', commit, '--', path];
  const { stdout } = await repository.run({ action: 'find a file', args });
  for (const record of splitNul(stdout)) {
    const tab = record.indexOf(0x09);
    const [mode, , sha, bytes] = record.toString('latin1', 0, tab).split(/ +/);
    if (pathFromBytes(record.subarray(tab + 1)) !== path) continue;
    if (mode !== '100644' && mode !== '100755') return null;
    return { sha: sha!, bytes: Number(bytes) };
  }
  return null;
}

export async function diffCommits(repository: BareRepository, from: string, to: string): Promise<Diff> {
  const flags = ['--no-ext-diff', '--no-textconv', '--no-color', '-M', '--ignore-submodules=none'];
  const range = ['--end-of-options', from, to, '--'];
  const call = {
    action: 'diff',
    args: ['diff', ...flags, ...range],
    maxBytes: MAX_DIFF_BYTES,
    truncate: true,
  };
  const { stdout, truncated } = await repository.run(call);
  const counted = await repository.text({
    action: 'diffstat',
    args: ['diff', '--shortstat', ...flags, ...range],
  });
  return { text: wholeLines(stdout, truncated), truncated, stat: parseShortstat(counted) };
}

function wholeLines(bytes: Buffer, truncated: boolean): string {
  const end = truncated ? bytes.lastIndexOf(0x0a) + 1 : bytes.length;
  return bytes.toString('utf8', 0, end);
}

function parseShortstat(text: string): Diffstat {
  const count = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    files: count(/(\d+) files? changed/),
    insertions: count(/(\d+) insertions?\(\+\)/),
    deletions: count(/(\d+) deletions?\(-\)/),
  };
}

/** The records of NUL-terminated output. */
export function splitNul(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    const stop = end < 0 ? bytes.length : end;
    records.push(bytes.subarray(start, stop));
    start = stop + 1;
  }
  return records;
}
