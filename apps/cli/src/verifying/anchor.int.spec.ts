import { execFileSync } from 'node:child_process';
import { tempDir } from '#testing';
import { localRepository, parseAnchor, readCommitAnchor } from './anchor.ts';

const planId = 'p0000001';
const hash = 'a'.repeat(64);

describe('the anchor in an integration commit', () => {
  it('is found on its branch, also when people committed after it', async () => {
    const repository = await aRepository();
    const sha = repository.commit(`Merge\n\nSkein-Plan: ${planId}\nSkein-Ledger-Head: 47:${hash}`);
    repository.commit('Fix a typo');
    const anchor = await readCommitAnchor({ repository: repository.path, ref: 'refs/heads/main', planId });
    expect(anchor).toEqual({ seq: 47, hash, commit: sha });
  });

  it('is that of the plan, not of another one in the same history', async () => {
    const repository = await aRepository();
    const sha = repository.commit(`Merge\n\nSkein-Plan: ${planId}\nSkein-Ledger-Head: 47:${hash}`);
    repository.commit(`Merge\n\nSkein-Plan: ${planId}2\nSkein-Ledger-Head: 99:${hash}`);
    const anchor = await readCommitAnchor({ repository: repository.path, ref: 'main', planId });
    expect(anchor).toEqual({ seq: 47, hash, commit: sha });
  });

  it('is found on any branch when the ledger no longer says which', async () => {
    const repository = await aRepository();
    repository.git('checkout', '-q', '-b', 'skein/x');
    const sha = repository.commit(`Merge\n\nSkein-Plan: ${planId}\nSkein-Ledger-Head: 47:${hash}`);
    repository.git('checkout', '-q', 'main');
    expect(await readCommitAnchor({ repository: repository.path, ref: null, planId })).toMatchObject({
      commit: sha,
    });
  });

  it('is missed with words that say where it was looked for', async () => {
    const repository = await aRepository();
    repository.commit(
      `A text that mentions Skein-Ledger-Head: 47:${hash} and Skein-Plan: ${planId} is no trailer`,
    );
    await expect(readCommitAnchor({ repository: repository.path, ref: 'main', planId })).rejects.toThrow(
      'no commit of main',
    );
    await expect(readCommitAnchor({ repository: repository.path, ref: 'gone', planId })).rejects.toThrow(
      'git could not read',
    );
    await expect(readCommitAnchor({ repository: repository.path, ref: '--all', planId })).rejects.toThrow(
      'no git reference',
    );
  });

  it('is only looked for in folders of this machine', async () => {
    const { path } = await aRepository();
    expect(localRepository(path)).toBe(path);
    expect(localRepository(`file://${path}`)).toBe(path);
    expect(localRepository('/nowhere/at/all')).toBeNull();
    expect(localRepository('https://example.com/x.git')).toBeNull();
  });

  it('refuses what is none', () => {
    expect(() => parseAnchor(`0:${hash}`)).toThrow('no anchor');
  });
});

async function aRepository() {
  const path = await tempDir('anchor');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: path,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b',
  };
  const git = (...args: string[]) => execFileSync('git', args, { cwd: path, env, encoding: 'utf8' }).trim();
  git('init', '-q', '-b', 'main');
  const commit = (message: string) => {
    git('commit', '-q', '--allow-empty', '-m', message);
    return git('rev-parse', 'HEAD');
  };
  commit('Begin');
  return { path, git, commit };
}
