import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FileArtifactStore } from '#artifacts';
import { FileLock } from '#servers';
import { tempDir } from '#testing';
import { deadWorkersOf, oldCachesOf, oldLogsOf, unusedMirrorsOf } from './host-leftovers.ts';
import { OldArtifacts, type PlanEnd } from './old-artifacts.ts';
import { prune, type Prunable } from './prunable.ts';

const DAY_MS = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * DAY_MS);

async function write(path: string, text: string, days = 0): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await utimes(path, ago(days), ago(days));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('artifacts', () => {
  const ended = (days: number, closed = true): PlanEnd => ({ closed, endedAt: ago(days).toISOString() });
  const plans: Record<string, PlanEnd> = {
    longago0: ended(40),
    lastweek: ended(7),
    running0: { closed: false, endedAt: null },
    cleaning: ended(40, false),
    stranger: null,
  };

  async function scene() {
    const store = new FileArtifactStore({ rootDir: join(await tempDir('artifacts'), 'root') });
    for (const plan of Object.keys(plans)) {
      await store.put(`${plan}/s1/1-1.log`, 'log of it');
      await store.put(`${plan}/s1/1-1.diff`, 'diff');
    }
    await store.put('not-a-plan/x', 'x');
    const asked: string[] = [];
    const planEnd = (plan: string) => (asked.push(plan), Promise.resolve(plans[plan] ?? null));
    const old = new OldArtifacts({ store, planEnd, endedBefore: ago(30) });
    return { store, old, asked };
  }

  it('of plans that are closed and ended long ago go; open, young and unknown plans keep theirs', async () => {
    const { store, old, asked } = await scene();
    const pruned = await prune([old], { dryRun: false });
    expect(pruned.artifacts).toEqual({ count: 1, files: 2, bytes: 13 });
    expect((await all(store.list())).sort()).toEqual([
      'cleaning',
      'lastweek',
      'not-a-plan',
      'running0',
      'stranger',
    ]);
    expect({ young: old.young, unknown: old.unknown }).toEqual({ young: 3, unknown: 2 });
    expect(asked).not.toContain('not-a-plan');
  });

  it('are only counted in a dry run', async () => {
    const { store, old } = await scene();
    const pruned = await prune([old], { dryRun: true });
    expect(pruned.artifacts).toEqual({ count: 1, files: 2, bytes: 13 });
    expect(await store.get('longago0/s1/1-1.log', 100)).not.toBeNull();
  });

  it('stay when nobody can say how their plan is', async () => {
    const { store } = await scene();
    const planEnd = () => Promise.reject(new Error('no answer'));
    const old = new OldArtifacts({ store, planEnd, endedBefore: ago(30) });
    await expect(prune([old], { dryRun: false })).rejects.toThrow('no answer');
    expect(await all(store.list())).toHaveLength(6);
  });
});

describe('what workers left on this host', () => {
  it('goes when the worker is dead and stays while it holds its lock', async () => {
    const work = await tempDir('work');
    await write(join(work, 'workers/dead/leases/x/file'), 'left');
    await write(join(work, 'workers/live/leases/x/file'), 'in use');
    await using held = await FileLock.tryAcquire(join(work, 'workers/live/owner.lock'));
    expect(held).not.toBeNull();
    const pruned = await prune([deadWorkersOf(work)], { dryRun: false });
    expect(pruned.workers.count).toBe(1);
    expect((await readdir(join(work, 'workers'))).sort()).toEqual(['live', 'sweep.lock']);
    expect(await readdir(join(work, 'workers/live/leases/x'))).toEqual(['file']);
  });

  it('is nothing where no worker ever was', async () => {
    const nowhere = join(await tempDir('work'), 'none');
    const none = await prune(
      [deadWorkersOf(nowhere), unusedMirrorsOf(nowhere, ago(1)), oldLogsOf(nowhere, ago(1))],
      {
        dryRun: false,
      },
    );
    expect(Object.values(none).every(({ count }) => count === 0)).toBe(true);
  });

  it('a mirror stays for an hour after its last use, whatever age is asked for', async () => {
    const work = await tempDir('work');
    const mirrors = join(work, 'mirrors/mirrors');
    for (const [name, days] of [
      ['a', 0],
      ['b', 1],
    ] as const) {
      await write(join(mirrors, `${name.repeat(32)}.git/HEAD`), 'ref: x');
      await write(join(mirrors, `${name.repeat(32)}.git.lock`), '', days);
    }
    const pruned = await prune([unusedMirrorsOf(work, ago(0))], { dryRun: false });
    expect(pruned.mirrors).toEqual({ count: 1, files: 1, bytes: 6 });
    expect((await readdir(mirrors)).filter((name) => name.endsWith('.git'))).toEqual([
      `${'a'.repeat(32)}.git`,
    ]);
  });
});

describe('what workers remember', () => {
  it('goes when it is old; what is no memory of theirs stays', async () => {
    const work = await tempDir('work');
    for (const [name, days] of [
      [`${'a'.repeat(64)}.json`, 40],
      [`${'b'.repeat(64)}.json`, 1],
      ['notes.json', 40],
    ] as const)
      await write(join(work, 'baselines', name), '{}', days);
    const pruned = await prune([oldCachesOf(work, ago(30))], { dryRun: false });
    expect(pruned.caches).toEqual({ count: 1, files: 1, bytes: 2 });
    expect((await readdir(join(work, 'baselines'))).sort()).toEqual([`${'b'.repeat(64)}.json`, 'notes.json']);
  });
});

describe('logs', () => {
  async function names(items: AsyncIterable<Prunable>): Promise<string[]> {
    const found = await all(items);
    return found.map(({ name }) => name.split('/').at(-1)!).sort();
  }

  it('that are old go; while a stack runs only those that were put aside', async () => {
    const data = await tempDir('data');
    for (const [name, days] of [
      ['worker-1.log', 40],
      ['worker-1.log.1', 40],
      ['worker-1.log.2', 1],
      ['coordinator.log', 1],
      ['notes.txt', 40],
    ] as const)
      await write(join(data, 'logs', name), 'words', days);
    expect(await names(oldLogsOf(data, ago(30)))).toEqual(['worker-1.log', 'worker-1.log.1']);
    await using running = await FileLock.tryAcquire(join(data, 'owner.lock'));
    expect(running).not.toBeNull();
    expect(await names(oldLogsOf(data, ago(30)))).toEqual(['worker-1.log.1']);
    const pruned = await prune([oldLogsOf(data, ago(30))], { dryRun: false });
    expect(pruned.logs).toEqual({ count: 1, files: 1, bytes: 5 });
  });
});
