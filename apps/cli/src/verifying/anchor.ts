import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isAbsolute } from 'node:path';
import { simpleGit } from 'simple-git';
import { UsageError } from '../exit-code.ts';

/** A head of a plan's ledger that is kept outside the database, where its operator cannot edit it. */
export interface Anchor {
  seq: number;
  hash: string;
}

/** An anchor found in a commit's trailer: the ledger must know that commit too. */
export interface CommitAnchor extends Anchor {
  commit: string;
}

export const ANCHOR_TRAILER = 'Skein-Ledger-Head';
const PLAN_TRAILER = 'Skein-Plan';

/** `<seq>:<64 hex digits>` */
export function parseAnchor(text: string): Anchor {
  const match = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text.trim());
  if (!match?.[1] || !match[2])
    throw new UsageError(`"${text}" is no anchor: expected <seq>:<64 hex digits>`);
  return { seq: Number(match[1]), hash: match[2] };
}

/**
 * The anchor that an integration commit carries. The branch may have moved on since (people merge into it), so
 * the newest commit of its history with our trailer for this plan is taken. Without a ref all branches are searched.
 */
export async function readCommitAnchor(o: {
  repository: string;
  ref: string | null;
  planId: string;
}): Promise<CommitAnchor> {
  if (o.ref?.startsWith('-')) throw new UsageError(`"${o.ref}" is no git reference`);
  const trailer = (key: string) => `%(trailers:key=${key},valueonly,separator=%x2c)`;
  const log = await git(o.repository, [
    'log',
    '--max-count=50',
    // Commits of several plans may be in one history.
    '--all-match',
    '--fixed-strings',
    `--grep=${PLAN_TRAILER}: ${o.planId}`,
    `--grep=${ANCHOR_TRAILER}: `,
    `--format=%H%x00${trailer(ANCHOR_TRAILER)}%x00${trailer(PLAN_TRAILER)}`,
    ...(o.ref === null ? ['--branches'] : [o.ref]),
    '--',
  ]);
  for (const line of log.split('\n')) {
    const [commit, anchor, plan] = line.split('\0');
    if (commit && anchor && plan === o.planId) return { ...parseAnchor(anchor), commit };
  }
  const where = o.ref === null ? 'any branch' : o.ref;
  throw new UsageError(
    `no commit of ${where} in ${o.repository} carries a ${ANCHOR_TRAILER} trailer for plan ${o.planId}`,
  );
}

/** The folder of a repository URL on this machine; null for remote ones and for folders that are not here. */
export function localRepository(url: string): string | null {
  const folder = url.startsWith('file://') ? fileUrlPath(url) : isAbsolute(url) ? url : null;
  return folder !== null && existsSync(folder) ? folder : null;
}

function fileUrlPath(url: string): string | null {
  try {
    return fileURLToPath(url);
  } catch {
    return null;
  }
}

async function git(repository: string, args: string[]): Promise<string> {
  try {
    const git = simpleGit({
      baseDir: repository,
      timeout: { block: 30_000 },
      // Reading somebody's repository must not run a program that its configuration names.
      config: ['core.fsmonitor=false'],
      unsafe: { allowUnsafeFsMonitor: true },
    });
    return await git.raw(args);
  } catch (error) {
    const why = error instanceof Error ? error.message.trim() : String(error);
    throw new UsageError(`git could not read ${repository}: ${why}`, { cause: error });
  }
}
