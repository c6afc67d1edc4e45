import { pathFromBytes } from '../git/path-bytes.ts';
import { FileTooLargeError } from '../git/git-error.ts';
import type { GitRunner } from '../git/git.ts';
import type { BareRepository } from './bare-repository.ts';
import type { ChangedFile, Diff, DiffOptions, Diffstat, TreeFile } from './mirror.ts';

/** A diff for people: more is not read by anybody. */
const MAX_DIFF_BYTES = 1024 * 1024;
const MAX_LIST_BYTES = 256 * 1024 * 1024;

export interface TreeEntry extends TreeFile {
  sha: string;
}

/** Every entry of a tree, in git's order (by the paths' bytes). */
export async function listTree(repository: GitRunner, treeish: string): Promise<TreeEntry[]> {
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

const DIFF_FLAGS = ['--no-ext-diff', '--no-textconv', '--no-color', '-M', '--ignore-submodules=none'];

export async function diffCommits(
  repository: BareRepository,
  from: string,
  to: string,
  options: DiffOptions = {},
): Promise<Diff> {
  const range = ['--end-of-options', from, to, '--'];
  const call = {
    action: 'diff',
    args: ['diff', ...DIFF_FLAGS, ...range],
    maxBytes: options.maxBytes ?? MAX_DIFF_BYTES,
    truncate: true,
  };
  const { stdout, truncated } = await repository.run(call);
  const counted = await repository.text({
    action: 'diffstat',
    args: ['diff', '--shortstat', ...DIFF_FLAGS, ...range],
  });
  const bytes = truncated ? stdout.subarray(0, stdout.lastIndexOf(0x0a) + 1) : stdout;
  return { text: bytes.toString('utf8'), bytes, truncated, stat: parseShortstat(counted) };
}

export async function changedFiles(
  repository: BareRepository,
  from: string,
  to: string,
): Promise<ChangedFile[]> {
  const args = ['diff', '--numstat', '-z', ...DIFF_FLAGS, '--end-of-options', from, to, '--'];
  const { stdout } = await repository.run({ action: 'count changes', args, maxBytes: MAX_LIST_BYTES });
  const records = splitNul(stdout);
  const files: ChangedFile[] = [];
  for (let at = 0; at < records.length; at += 1) {
    const record = records[at]!;
    const [insertions = '', deletions = ''] = record.toString('latin1').split('\t', 2);
    const name = record.subarray(insertions.length + deletions.length + 2);
    const counted = { insertions: lineCount(insertions), deletions: lineCount(deletions) };
    if (name.length > 0) files.push({ path: pathFromBytes(name), from: null, ...counted });
    else {
      // A rename: both names follow as records of their own.
      files.push({ path: nameAt(records, at + 2), from: nameAt(records, at + 1), ...counted });
      at += 2;
    }
  }
  return files;
}

function nameAt(records: Buffer[], at: number): string {
  return pathFromBytes(records[at] ?? Buffer.alloc(0));
}

/** `-` for a binary file. */
function lineCount(text: string): number | null {
  return text === '-' ? null : Number(text);
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
