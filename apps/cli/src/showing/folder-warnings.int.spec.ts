import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gitRepo, tempDir, type GitRepo } from '#testing';
import { folderWarnings } from './folder-warnings.ts';

const warned = (repo: GitRepo, more: { base?: string; except?: string[] } = {}) =>
  folderWarnings({ url: repo.work, base: 'HEAD', except: [], ...more });

describe('what a plan on a local folder leaves out', () => {
  it('is nothing where everything is committed, on a remote, and in a bare repository', async () => {
    const repo = await gitRepo();
    expect(await warned(repo)).toEqual([]);
    await writeFile(join(repo.work, 'x'), '');
    for (const url of [repo.bare, 'https://example.org/x.git', '/nowhere/at/all', await tempDir('plain')])
      expect(await folderWarnings({ url, base: 'HEAD', except: [] })).toEqual([]);
    expect(await folderWarnings({ url: `file://${repo.work}`, base: 'HEAD', except: [] })).toHaveLength(1);
  });

  it('names the first uncommitted files, counts the others, and leaves out the plan itself', async () => {
    const repo = await gitRepo();
    for (const name of ['a', 'b\u001b[2J', 'c', 'd', 'e', 'f', 'g', 'skein.yaml'])
      await writeFile(join(repo.work, name), '');
    const [warning, ...others] = await warned(repo, { except: [join(repo.work, 'skein.yaml')] });
    expect(others).toEqual([]);
    expect(warning).toMatchObject({ code: 'uncommitted', count: 7 });
    expect(warning!.files).toHaveLength(7);
    expect(warning!.message).toBe(
      '7 uncommitted files are not part of the plan: a, b\\x1b[2J, c, d, e, and 2 more; commit them, or pass --base to start from another commit',
    );
  });

  it('tells that something else is checked out than the plan starts from, and how far it is ahead', async () => {
    const repo = await gitRepo();
    await repo.git('switch', '--quiet', '--create', 'feature');
    expect(await warned(repo, { base: 'main' })).toEqual([]);
    await writeFile(join(repo.work, 'README.md'), 'changed\n');
    await repo.git('commit', '--quiet', '--all', '--message', 'Change');
    const [ahead] = await warned(repo, { base: 'main' });
    expect(ahead).toMatchObject({ code: 'commits-beyond-base', count: 1 });
    expect(ahead!.message).toMatch(
      /^feature is checked out, but the plan starts from main \([0-9a-f]{12}\): 1 commit of it is not part of the plan; merge it, or pass --base feature$/,
    );
    expect(await warned(repo, { base: 'HEAD' })).toEqual([]);
    await repo.git('switch', '--quiet', 'main');
    await repo.git('merge', '--quiet', 'feature');
    await repo.git('switch', '--quiet', '--detach', 'HEAD~1');
    const [behind] = await warned(repo, { base: 'main' });
    expect(behind).toMatchObject({ code: 'other-branch', count: 0 });
    expect(behind!.message).toMatch(/^the commit [0-9a-f]{12} is checked out, but the plan starts from main/);
  });

  it('leaves a base that is not there to who resolves it', async () => {
    expect(await warned(await gitRepo(), { base: 'mian' })).toEqual([]);
  });

  it('cannot be told where git fails, and that is said', async () => {
    const repo = await gitRepo();
    await mkdir(join(repo.work, 'x'));
    await rename(join(repo.work, '.git/objects'), join(repo.work, '.git/objects-away'));
    await mkdir(join(repo.work, '.git/objects'));
    const [warning] = await warned(repo);
    expect(warning).toMatchObject({ code: 'folder-unreadable' });
    expect(warning!.message).toContain('cannot be told');
  });
});
