import { childEnvironment } from '#config';
import { silentLogger } from '#telemetry';
import { commitsBeyond, readWorkingFolder, type ChangedPaths, type WorkingFolder } from '#workspace';
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
  baseSha: string | null;
  except: readonly string[];
}): Promise<FolderWarning[]> {
  const folder = localRepository(o.url);
  if (folder === null) return [];
  const options = { env: childEnvironment(), log: silentLogger, except: o.except };
  try {
    const working = await readWorkingFolder(folder, options);
    if (working === null) return [];
    const beyond =
      working.head === null || o.baseSha === null || working.head === o.baseSha
        ? 0
        : ((await commitsBeyond(folder, { base: o.baseSha, head: working.head }, options)) ?? 0);
    return [...uncommitted(working.changed), ...elsewhere(working, o, beyond)];
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
  const message = `${are} not part of the plan: ${named.map(name).join(', ')}${more}; commit them, or pass --base to start from another commit`;
  return [{ code: 'uncommitted', message, count, files: paths }];
}

/** The plan starts from something else than what is checked out. */
function elsewhere(
  working: WorkingFolder,
  o: { base: string; baseSha: string | null },
  beyond: number,
): FolderWarning[] {
  if (working.head === null || o.baseSha === null || working.head === o.baseSha) return [];
  const base = `${name(o.base)} (${o.baseSha.slice(0, 12)})`;
  const here = working.branch === null ? `the commit ${working.head.slice(0, 12)}` : name(working.branch);
  if (beyond > 0) {
    const commits = beyond === 1 ? '1 commit of it is' : `${beyond} commits of it are`;
    const message = `${here} is checked out, but the plan starts from ${base}: ${commits} not part of the plan; merge, or pass --base ${working.branch === null ? working.head : here}`;
    return [{ code: 'commits-beyond-base', message, count: beyond, files: [] }];
  }
  const message = `${here} is checked out, but the plan starts from ${base}`;
  return [{ code: 'other-branch', message, count: 0, files: [] }];
}

function name(text: string): string {
  return cut(escapeText(text), NAME_WIDTH);
}
