import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLogger } from '#telemetry';
import { gitRepo, tempDir, type GitRepo } from '#testing';
import { Mirrors, type Mirror } from '#workspace';
import type { PlanView, StepView } from '#client';
import { aPlanView, aStepView } from '../testing/answers.ts';
import { findLanding, NoLandingError } from './landing.ts';

const opened: Mirrors[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((mirrors) => mirrors.close()));
});

async function lookAt(repo: GitRepo): Promise<Mirror> {
  const rootDir = join(await tempDir('look'), 'own');
  const mirrors = new Mirrors({ rootDir, credentials: null, log: silentLogger, look: { contents: true } });
  opened.push(mirrors);
  return mirrors.open(repo.bare);
}

/** A step's accepted result: the base with these files, on its private ref. */
async function result(repo: GitRepo, ordinal: number, files: Record<string, string>): Promise<StepView> {
  await repo.git('switch', '--quiet', '--detach', 'origin/main');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(repo.work, dirname(name)), { recursive: true });
    await writeFile(join(repo.work, name), text);
  }
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'Step');
  const sha = await repo.git('rev-parse', 'HEAD');
  const ref = `refs/skein/plan0001/s${ordinal}/1-0123456789ab/1`;
  await repo.git('push', '--quiet', 'origin', `HEAD:${ref}`);
  await repo.git('switch', '--quiet', 'main');
  const name = `step ${ordinal}\u001b[31m`;
  return aStepView({ ordinal: `s${ordinal}`, name, kind: 'run', state: 'passed', commit: { sha, ref } });
}

const aPlan = (more: Partial<PlanView> = {}) =>
  aPlanView({ planId: 'plan0001', name: 'x', status: 'running', ...more });

describe('what a plan would land', () => {
  it('is its accepted results merged onto the newest base as far as they go, with the conflicts named', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const steps = [
      await result(repo, 1, { 'a.txt': '1\n' }),
      await result(repo, 2, { 'a.txt': '2\n', 'never.txt': '' }),
      await result(repo, 3, { 'b.txt': '3\n' }),
      aStepView({ ordinal: 's4', name: 'open', kind: 'run', state: 'waiting' }),
    ];
    const moved = await repo.commit({ 'c.txt': 'people\n' });
    const before = await repo.refs();
    const mirror = await lookAt(repo);
    const subject = { plan: aPlan(), steps, repo: { url: repo.bare, base: 'main' } };
    const landing = await findLanding(mirror, subject);
    expect(landing.from).toBe(moved);
    expect((await mirror.changedFiles(landing.from, landing.to)).map(({ path }) => path)).toEqual([
      'a.txt',
      'b.txt',
    ]);
    expect(landing.notes).toEqual([
      `nothing is integrated yet: 2 of 3 accepted results merged onto ${moved.slice(0, 12)}; 1 steps have not ended`,
      'conflict: step 2\\x1b[31m (s2) with step 1\\x1b[31m (s1) in a.txt; left out',
    ]);
    expect(await repo.refs()).toEqual(before);
    expect((await findLanding(mirror, subject)).to).toBe(landing.to);
  });

  it('is the commit of its integration once there is one, though the steps are gone', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n' });
    const base = (await repo.head())!;
    const step = await result(repo, 1, { 'a.txt': '1\n' });
    await repo.bareGit('update-ref', 'refs/heads/skein/x', step.commit!.sha);
    await repo.bareGit('update-ref', '-d', step.commit!.ref);
    await repo.commit({ 'later.txt': '' });
    const made = { branch: 'skein/x', sha: step.commit!.sha, baseSha: base };
    const integration = { ...made, expectedOld: null, diffstat: null, state: 'published' as const };
    const plan = aPlan({ integration });
    const mirror = await lookAt(repo);
    const landing = await findLanding(mirror, { plan, steps: [], repo: { url: repo.bare, base: 'main' } });
    expect(landing).toMatchObject({ from: base, to: step.commit!.sha });
    expect(landing.notes[0]).toContain('the branch skein/x against the base');
  });

  it('cannot be told when a result is gone, and says which', async () => {
    const repo = await gitRepo();
    const step = aStepView({
      ...{ ordinal: 's1', name: 'lost', kind: 'run', state: 'passed' },
      commit: { sha: 'f'.repeat(40), ref: 'refs/skein/plan0001/s1/1-0123456789ab/1' },
    });
    const looked = findLanding(await lookAt(repo), {
      ...{ plan: aPlan(), steps: [step], repo: { url: repo.bare, base: 'main' } },
    });
    await expect(looked).rejects.toBeInstanceOf(NoLandingError);
    await expect(looked).rejects.toThrow(/the result of lost/);
  });
});
