import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BareRepository } from './bare-repository.ts';

/** Unreachable objects (attempts that nobody merged) live this long: far longer than any lease. */
const UNREACHABLE_DAYS = 14;
/** Refs of steps whose plan was cleaned on another host. */
const STEP_REF_DAYS = 30;
/** Every so many repacks a full one, which is what drops objects. */
const REPACK_TIMEOUT_MS = 900_000;
const REPACKS_PER_FULL = 20;

/**
 * Keeps the mirror small and fast, instead of git's own gc (which would start in the background at any time). A fetch
 * and a lease's commit add one pack each, so the number of packs says when. Under the lock only.
 */
export async function maintain(
  repository: BareRepository,
  packsMax: number,
  lockFd: number,
): Promise<boolean> {
  if ((await countPacks(repository)) < packsMax) return false;
  const counter = join(repository.path, 'skein-repacks');
  const count = Number(await readFile(counter, 'utf8').catch(() => '0')) + 1;
  const full = count % REPACKS_PER_FULL === 0;
  if (full) await dropOldStepRefs(repository, lockFd);
  const how = full ? ['--cruft', `--cruft-expiration=${UNREACHABLE_DAYS}.days.ago`] : ['--geometric=2'];
  await repository.run({
    action: 'repack',
    args: ['repack', '-d', '-l', '-q', ...how],
    lockFd,
    timeoutMs: REPACK_TIMEOUT_MS,
  });
  await repository.run({ action: 'pack refs', args: ['pack-refs', '--all'], lockFd });
  await writeFile(counter, String(Number.isSafeInteger(count) ? count : 1));
  return true;
}

export async function countPacks(repository: BareRepository): Promise<number> {
  const names = await readdir(join(repository.path, 'objects', 'pack'));
  return names.filter((name) => name.endsWith('.pack')).length;
}

async function dropOldStepRefs(repository: BareRepository, lockFd: number): Promise<void> {
  const args = ['for-each-ref', '--format=%(committerdate:unix) %(refname)', 'refs/fetched/steps/'];
  const lines = (await repository.text({ action: 'list kept refs', args })).split('\n');
  const oldest = Date.now() / 1000 - STEP_REF_DAYS * 86_400;
  const old = lines.flatMap((line) => {
    const [seconds, ref] = line.split(' ');
    return ref !== undefined && Number(seconds) < oldest ? [ref] : [];
  });
  await dropRefs(repository, old, lockFd);
}

/** Removes refs of the mirror itself; missing ones are fine. Under the lock only. */
export async function dropRefs(
  repository: BareRepository,
  refs: readonly string[],
  lockFd: number,
): Promise<void> {
  if (refs.length === 0) return;
  const args = ['for-each-ref', '--format=%(refname)', 'refs/fetched/'];
  const there = new Set((await repository.text({ action: 'list kept refs', args })).split('\n'));
  const stdin = refs.filter((ref) => there.has(ref)).map((ref) => `delete ${ref}\0\0`);
  await repository.run({
    action: 'drop kept refs',
    args: ['update-ref', '-z', '--stdin'],
    stdin: stdin.join(''),
    lockFd,
  });
}
