import { readFile, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fleet } from '../fleet/fleet.ts';
import { processesNaming } from '../fleet/process-table.ts';
import type { Replay } from './ledger-replay.ts';

/**
 * What must not be there after every program has ended by itself and every plan is closed. `smallDisk`: that of the worker
 * that had one, kept past its end.
 */
export async function leftovers(
  fleet: Fleet,
  replays: Map<string, Replay>,
  smallDisk: FileHandle | null,
): Promise<string[]> {
  return [
    ...(await leftProcesses(fleet)),
    ...(await leftOnDisk(join(fleet.folder, 'work'))),
    ...(await leftOnSmallDisk(fleet, smallDisk)),
    ...(await leftRefs(fleet, replays)),
  ];
}

async function leftProcesses({ folder }: Fleet): Promise<string[]> {
  const servers = [join(folder, 'postgres'), join(folder, 'nats')];
  const left = await processesNaming(folder);
  return left
    .filter(
      ({ command }) =>
        !servers.some((server) => command.includes(server)) && !command.startsWith('postgres:'),
    )
    .map(({ pid, command }) => `process ${pid} still runs: ${command.slice(0, 200)}`);
}

async function leftOnSmallDisk({ disk }: Fleet, kept: FileHandle | null): Promise<string[]> {
  if (disk === null) return [];
  if (kept === null) return ['the small disk could not be looked at: its worker was not there at the end'];
  return leftOnDisk(`/proc/self/fd/${kept.fd}`);
}

/** Worktrees, lease folders, indexes and locks below a worker's folder, which several workers may share. */
export async function leftOnDisk(work: string): Promise<string[]> {
  const left: string[] = [];
  for (const entry of await readdir(work, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const inside = path.slice(work.length + 1);
    const [top, mirrors] = inside.split('/');
    if (top === 'workers' && inside.split('/').length > 1 && entry.name !== 'sweep.lock') left.push(path);
    else if (top === 'mirrors' && mirrors === 'indexes' && entry.name !== 'indexes') left.push(path);
    else if (/\.git\/worktrees\/[^/]+$/.test(inside)) left.push(path);
    // The lock of a mirror stays as a file; text in it names a holder.
    else if (/\.git\.lock$/.test(inside))
      left.push(...((await readFile(path, 'utf8')).trim() === '' ? [] : [path]));
    else if (/\.git\/.*\.lock$/.test(inside)) left.push(path);
  }
  return left.map((path) => `${path} was left behind`);
}

/** A plan that did not complete keeps the refs of its accepted results, so that it can go on; nothing else may stay. */
async function leftRefs(fleet: Fleet, replays: Map<string, Replay>): Promise<string[]> {
  const listed = (await fleet.git.git('for-each-ref', '--format=%(refname)', 'refs/skein/')) ?? '';
  const refs = listed.split('\n').filter((ref) => ref !== '');
  return refs.filter((ref) => !isKept(ref, replays)).map((ref) => `the repository still has ${ref}`);
}

function isKept(ref: string, replays: Map<string, Replay>): boolean {
  const replayed = replays.get(ref.split('/')[2]!);
  if (replayed === undefined) return false;
  const steps = [...replayed.steps.values()];
  // Whoever could not clean has said so; the plan is closed all the same.
  if (steps.some(({ kind, outcome }) => kind === 'clean' && outcome !== 'passed')) return true;
  return replayed.status !== 'completed' && steps.some(({ accepted }) => accepted?.commit?.ref === ref);
}
