import { childEnvironment } from '#config';
import { silentLogger } from '#telemetry';
import {
  commitInFolder,
  commitsBeyond,
  readWorkingFolder,
  type ChangedPaths,
  type WorkingFolder,
} from '#workspace';
import { cut, escapeText } from '../rendering/escape.ts';
import { localRepository } from '../verifying/anchor.ts';

/** Something in a person's own folder that a plan will not see. `code` is for programs. */
export interface FolderWarning {
  code: 'uncommitted' | 'other-branch' | 'commits-beyond-base' | 'folder-unreadable';
  /** Escaped: safe to print. */
  message: string;
  /** How many files or commits, at least. */
  count: number;
  /** The first of the files. */
  files: string[];
}

const SHOWN_FILES = 5;
const NAME_WIDTH = 120;

/**
 * What a plan on a local folder leaves out: it starts from a commit, and people forget what they have not committed.
 * `except`: files that the plan is read from, which nobody needs to commit. Empty for remotes and bare repositories.
 */
export async function folderWarnings(o: {
  url: string;
  base: string;
  except: readonly string[];
}): Promise<FolderWarning[]> {
  const folder = localRepository(o.url);
  if (folder === null) return [];
  const options = { env: childEnvironment(), log: silentLogger, except: o.except };
  try {
    const working = await readWorkingFolder(folder, options);
    if (working === null) return [];
    const baseSha = await commitInFolder(folder, o.base, options);
    const { head } = working;
    const elsewhere =
      // A base that is not there is the resolution's to tell.
      head === null || baseSha === null || head === baseSha
        ? []
        : otherCommit(
            working,
            { name: o.base, sha: baseSha },
            (await commitsBeyond(folder, { base: baseSha, head }, options)) ?? 0,
          );
    return [...uncommitted(working.changed), ...elsewhere];
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    const message = `what is uncommitted in ${name(folder)} cannot be told: ${name(why)}`;
    return [{ code: 'folder-unreadable', message, count: 0, files: [] }];
  }
}

function uncommitted({ count, paths }: ChangedPaths): FolderWarning[] {
  if (count === 0) return [];
  const are = count === 1 ? '1 uncommitted file is' : `${count} uncommitted files are`;
  const named = paths.slice(0, SHOWN_FILES);
  const more = count > named.length ? `, and ${count - named.length} more` : '';
  const message = `${are} not part of the plan: ${named.map(name).join(', ')}${more}; commit ${count === 1 ? 'it' : 'them'}, or pass --base to start from another commit`;
  return [{ code: 'uncommitted', message, count, files: paths }];
}

/** The plan starts from something else than what is checked out. */
function otherCommit(
  { branch, head }: WorkingFolder,
  from: { name: string; sha: string },
  beyond: number,
): FolderWarning[] {
  const base = `${name(from.name)} (${from.sha.slice(0, 12)})`;
  const here = branch === null ? `the commit ${head?.slice(0, 12)}` : name(branch);
  const differs = `${here} is checked out, but the plan starts from ${base}`;
  if (beyond === 0) return [{ code: 'other-branch', message: differs, count: 0, files: [] }];
  const commits = beyond === 1 ? '1 commit of it is' : `${beyond} commits of it are`;
  const message = `${differs}: ${commits} not part of the plan; merge ${beyond === 1 ? 'it' : 'them'}, or pass --base ${branch === null ? head : here}`;
  return [{ code: 'commits-beyond-base', message, count: beyond, files: [] }];
}

function name(text: string): string {
  return cut(escapeText(text), NAME_WIDTH);
}
