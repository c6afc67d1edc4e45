import { execFile } from 'node:child_process';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '#telemetry';
import { gitRepo, tempDir, type GitRepo } from '#testing';
import {
  commitInFolder,
  commitsBeyond,
  mainBranch,
  readWorkingFolder,
  type WorkingFolderOptions,
} from '../index.ts';

async function options(more: Partial<WorkingFolderOptions> = {}): Promise<WorkingFolderOptions> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: await tempDir('home') };
  return { env, log: silentLogger, ...more };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function changedIn(repo: GitRepo, more: Partial<WorkingFolderOptions> = {}): Promise<string[]> {
  return (await readWorkingFolder(repo.work, await options(more)))!.changed.paths;
}

describe('a folder that somebody works in', () => {
  it('names what no commit has: changed, staged, deleted and new files, and new folders as one', async () => {
    const repo = await gitRepo({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c', '.gitignore': 'ignored\n' });
    expect(await changedIn(repo)).toEqual([]);
    await writeFile(join(repo.work, 'a.txt'), 'changed');
    await writeFile(join(repo.work, 'b.txt'), 'staged');
    await repo.git('add', 'b.txt');
    await repo.git('rm', '--quiet', 'c.txt');
    await mkdir(join(repo.work, 'new'));
    for (const name of ['new/1', 'new/2', 'line\nbreak ', 'ignored'])
      await writeFile(join(repo.work, name), 'x');
    expect((await changedIn(repo)).sort()).toEqual(['a.txt', 'b.txt', 'c.txt', 'line\nbreak ', 'new/']);
  });

  it('counts all and names a hundred at most', async () => {
    const repo = await gitRepo();
    for (let i = 0; i < 130; i += 1) await writeFile(join(repo.work, `f${i}`), '');
    const { changed } = (await readWorkingFolder(repo.work, await options()))!;
    expect(changed).toMatchObject({ count: 130 });
    expect(changed.paths).toHaveLength(100);
  });

  it('does not name what is excepted, such as the plan itself', async () => {
    const repo = await gitRepo();
    for (const name of ['skein.yaml', 'other.yaml']) await writeFile(join(repo.work, name), '');
    expect(await changedIn(repo, { except: [join(repo.work, 'skein.yaml'), '/elsewhere'] })).toEqual([
      'other.yaml',
    ]);
  });

  it('tells branch and commit, also without a branch or without any commit', async () => {
    const repo = await gitRepo();
    const head = await repo.head();
    await repo.git('switch', '--quiet', '--create', 'feature/x');
    expect(await readWorkingFolder(repo.work, await options())).toMatchObject({
      root: repo.work,
      branch: 'feature/x',
      head,
    });
    await repo.git('switch', '--quiet', '--detach');
    expect(await readWorkingFolder(repo.work, await options())).toMatchObject({ branch: null, head });
    const fresh = await tempDir('fresh');
    await promisify(execFile)('git', ['init', '--quiet', '--initial-branch=trunk', fresh]);
    expect(await readWorkingFolder(fresh, await options())).toMatchObject({ branch: 'trunk', head: null });
  });

  it('is nothing where there is no worktree, or no repository', async () => {
    const repo = await gitRepo();
    expect(await readWorkingFolder(repo.bare, await options())).toBeNull();
    expect(await readWorkingFolder(await tempDir('plain'), await options())).toBeNull();
  });

  it('has a main branch: what its remote says, else what is checked out', async () => {
    const repo = await gitRepo();
    await repo.git('switch', '--quiet', '--create', 'feature');
    expect(await mainBranch(repo.work, await options())).toBe('feature');
    await repo.git('remote', 'set-head', 'origin', 'main');
    expect(await mainBranch(repo.work, await options())).toBe('main');
    await repo.git('branch', '--quiet', '--delete', '--force', 'main');
    expect(await mainBranch(repo.work, await options())).toBe('feature');
    await repo.git('switch', '--quiet', '--detach');
    expect(await mainBranch(repo.work, await options())).toBeNull();
  });

  it('knows what a base means: a branch before a tag of that name, else a commit', async () => {
    const repo = await gitRepo();
    const first = (await repo.head())!;
    await repo.git('tag', 'main');
    await repo.git('tag', '-a', 'v1', '-m', 'One');
    const second = await repo.commit({ 'a.txt': 'a' });
    const o = await options();
    const found = (base: string) => commitInFolder(repo.work, base, o);
    expect(await Promise.all(['HEAD', 'main', 'refs/heads/main'].map(found))).toEqual([
      second,
      second,
      second,
    ]);
    expect(await Promise.all(['v1', 'refs/tags/main', first, first.slice(0, 9)].map(found))).toEqual(
      Array(4).fill(first),
    );
    expect(await Promise.all(['mian', '--help', 'x y'].map(found))).toEqual([null, null, null]);
  });

  it('counts the commits that a base lacks', async () => {
    const repo = await gitRepo();
    const base = (await repo.head())!;
    const head = await repo.commit({ 'a.txt': 'a' });
    expect(await commitsBeyond(repo.work, { base, head }, await options())).toBe(1);
    expect(await commitsBeyond(repo.work, { base: head, head }, await options())).toBe(0);
    expect(await commitsBeyond(repo.work, { base: 'f'.repeat(40), head }, await options())).toBeNull();
  });

  it('runs nothing that its own configuration names, and writes nothing', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n', '.gitattributes': '*.txt filter=evil\n*.md filter=a=b\n' });
    await repo.commit({ 'b.md': 'b\n' });
    const witness = join(await tempDir('witness'), 'ran');
    const program = `touch ${witness}; false`;
    for (const [key, value] of [
      ['core.fsmonitor', program],
      ['core.hooksPath', repo.work],
      ['filter.evil.clean', program],
      ['filter.evil.process', program],
      ['filter.a=b.clean', program],
    ] as const)
      await repo.git('config', key, value);
    // Of the same length and newer than the index: git has to read them to know.
    for (const name of ['a.txt', 'b.md']) {
      await writeFile(join(repo.work, `${name}.new`), `${name[0]}\n`);
      await rename(join(repo.work, `${name}.new`), join(repo.work, name));
    }
    const index = await repo.git('hash-object', '--no-filters', '.git/index');
    expect(await changedIn(repo)).toEqual([]);
    expect(await exists(witness)).toBe(false);
    expect(await repo.git('hash-object', '--no-filters', '.git/index')).toBe(index);
    await repo.git('status').catch(() => '');
    expect(await exists(witness)).toBe(true);
  });

  it('that belongs to somebody else is refused, as git itself does', async () => {
    const repo = await gitRepo();
    const env = { ...(await options()).env, GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' };
    await expect(readWorkingFolder(repo.work, { env, log: silentLogger })).rejects.toMatchObject({
      code: 'GIT_REJECTED',
    });
  });
});
