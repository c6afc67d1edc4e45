import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '#telemetry';
import { gitRepo, tempDir } from '#testing';
import { Mirrors, removeMirror, unusedMirrors } from '../index.ts';

const opened: Mirrors[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((mirrors) => mirrors.close()));
});

async function scene() {
  const root = await tempDir('work');
  const rootDir = join(root, 'mirrors');
  const repo = await gitRepo();
  const mirrors = new Mirrors({ rootDir, credentials: null, log: silentLogger });
  opened.push(mirrors);
  const mirror = await mirrors.open(repo.bare);
  const base = await mirror.resolve('main');
  const monthAgo = new Date(Date.now() - 31 * 86_400_000);
  const age = () => utimes(`${mirror.path}.lock`, monthAgo, monthAgo);
  return { root, rootDir, repo, mirrors, mirror, base, age };
}

const YESTERDAY = new Date(Date.now() - 86_400_000);

describe('mirrors that nobody uses', () => {
  it('are those that no fetch, no worktree and no opening has touched since', async () => {
    const { rootDir, repo, mirrors, mirror, age } = await scene();
    expect(await unusedMirrors(rootDir, YESTERDAY)).toEqual([]);
    await age();
    expect(await unusedMirrors(rootDir, YESTERDAY)).toEqual([mirror.path]);
    await mirrors.open(repo.bare);
    expect(await unusedMirrors(rootDir, YESTERDAY)).toEqual([]);
  });

  it('are removed, and made anew by the worker that had them open', async () => {
    const { rootDir, repo, mirrors, mirror, base, age } = await scene();
    await age();
    expect(await removeMirror(mirror.path, YESTERDAY)).toBe(true);
    expect((await readdir(join(rootDir, 'mirrors'))).filter((name) => !name.endsWith('.lock'))).toEqual([]);
    const again = await mirrors.open(repo.bare);
    expect(await again.resolve('main')).toBe(base);
    expect(await again.listFiles(base)).toHaveLength(1);
  });

  it('stay while a worktree is in use, however old they are, and go when its lease is gone', async () => {
    const { root, rootDir, mirror, base, age } = await scene();
    await mirror.checkout(join(root, 'lease'), base);
    await age();
    expect(await unusedMirrors(rootDir, YESTERDAY)).toEqual([]);
    expect(await removeMirror(mirror.path, YESTERDAY)).toBe(false);
    await rm(join(root, 'lease'), { recursive: true });
    expect(await unusedMirrors(rootDir, YESTERDAY)).toEqual([mirror.path]);
    expect(await removeMirror(mirror.path, YESTERDAY)).toBe(true);
  });

  it('stay when somebody holds them after all', async () => {
    const { mirror, rootDir, mirrors, repo, age } = await scene();
    await age();
    await mirrors.open(repo.bare);
    expect(await removeMirror(mirror.path, YESTERDAY)).toBe(false);
    expect(await readdir(join(rootDir, 'mirrors'))).toContain(mirror.path.split('/').at(-1));
  });

  it('are only folders that are named as mirrors are', async () => {
    const { rootDir, age } = await scene();
    await age();
    await mkdir(join(rootDir, 'mirrors', 'notes.git'));
    await writeFile(join(rootDir, 'mirrors', 'x'), '');
    expect(await unusedMirrors(rootDir, YESTERDAY)).toHaveLength(1);
    expect(await unusedMirrors(join(rootDir, 'none'), YESTERDAY)).toEqual([]);
  });
});
