import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReportJob } from '#contracts';
import { AFleet } from '../../../test/worker/a-fleet.ts';

describe('the branch with the plan’s progress', () => {
  let fleet: AFleet;

  beforeEach(async () => {
    fleet = await AFleet.start({});
  }, 60_000);

  afterEach(async () => {
    expect(await fleet.leftovers()).toEqual([]);
    await fleet.stop();
  }, 60_000);

  const branch = 'skein/progress';
  const report = (text: string, o: Partial<ReportJob> = {}): ReportJob => ({
    kind: 'report',
    branch,
    path: 'progress.md',
    text,
    message: 'Progress of a plan: 1 of 3 steps',
    date: '2026-11-20T12:00:00Z',
    ...o,
  });

  async function publish(work: ReportJob): Promise<string> {
    const result = fleet.resultOf(await fleet.run(work));
    if (result.status !== 'passed') throw new Error(`blocked: ${result.reason.message}`);
    expect(result).toMatchObject({ outputs: {}, commit: { ref: branch } });
    return result.commit!.sha;
  }

  it('begins with a commit of its own, holds nothing but the page, and grows by one commit a page', async () => {
    const first = await publish(report('# One\n'));
    expect(await fleet.repo.head(branch)).toBe(first);
    expect(await fleet.repo.bareGit('rev-list', '--parents', '-1', first)).toBe(first);
    const second = await publish(report('# Two\n'));
    expect(await fleet.repo.bareGit('rev-list', branch)).toBe(`${second}\n${first}`);
    expect(await fleet.repo.bareGit('ls-tree', '-r', '--name-only', branch)).toBe('progress.md');
    expect(await fleet.repo.show(branch, 'progress.md')).toBe('# Two\n');
    const shown = await fleet.repo.bareGit('log', '-1', '--format=%an %aI%n%B', branch);
    expect(shown).toBe(
      `Skein 2026-11-20T12:00:00+00:00\nProgress of a plan: 1 of 3 steps\n\nSkein-Plan: ${fleet.planId}`,
    );
    // Refs of people and steps are as they were.
    expect(await fleet.repo.head()).toBe(fleet.baseSha);
  }, 60_000);

  it('stays as it is when the text is the same, whoever asks how often', async () => {
    const first = await publish(report('# One\n'));
    expect(await publish(report('# One\n', { date: '2026-11-21T12:00:00Z', message: 'Another' }))).toBe(
      first,
    );
    expect(await fleet.repo.head(branch)).toBe(first);
  }, 60_000);

  it('takes two pages at once one after the other', async () => {
    const jobs = await Promise.all(['# A\n', '# B\n'].map((text) => fleet.publish(fleet.job(report(text)))));
    await Promise.all(jobs.map((job) => fleet.ended(job)));
    const shas = jobs.map((job) => {
      const result = fleet.resultOf(job);
      return result.status === 'passed' ? result.commit!.sha : result.reason.message;
    });
    const history = (await fleet.repo.bareGit('rev-list', branch)).split('\n');
    expect(history.sort()).toEqual(shas.sort());
  }, 60_000);

  async function refused(): Promise<string> {
    const before = await fleet.repo.head(branch);
    const result = fleet.resultOf(await fleet.run(report('# Mine\n')));
    expect(result).toMatchObject({ status: 'blocked', reason: { code: 'foreign-head' } });
    expect(await fleet.repo.head(branch)).toBe(before);
    const { message } = (result as { reason: { message: string } }).reason;
    expect(message).toContain(`The branch ${branch} points to ${before!.slice(0, 12)}`);
    return message;
  }

  /** Somebody commits another file onto the branch, with our trailer. */
  async function addFile(name: string): Promise<void> {
    const { git, work } = fleet.repo;
    await git('fetch', '--quiet', 'origin', branch);
    await git('checkout', '--quiet', '--detach', 'FETCH_HEAD');
    await writeFile(join(work, name), 'x');
    await git('add', name);
    await git('commit', '--quiet', '-m', `Add notes\n\nSkein-Plan: ${fleet.planId}`);
    await git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
  }

  it('is left alone when people own it', async () => {
    await fleet.repo.bareGit('update-ref', `refs/heads/${branch}`, fleet.baseSha);
    expect(await refused()).toContain('does not say Skein-Plan');
  }, 60_000);

  it('is left alone when another plan owns it, or somebody added to it', async () => {
    await fleet.run(report('# Theirs\n'), { planId: 'otherplan1' });
    expect(await refused()).toContain('it says Skein-Plan: otherplan1');
    await fleet.repo.bareGit('update-ref', '-d', `refs/heads/${branch}`);
    await publish(report('# Mine\n'));
    await addFile('notes.md');
    expect(await refused()).toContain('it holds other files');
  }, 60_000);

  it('says whose it is by a trailer that no message can forge', async () => {
    const message = 'Progress\n\nSkein-Plan: otherplan1\u001b[2J';
    const first = await publish(report('# One\n', { message }));
    const shown = await fleet.repo.bareGit('log', '-1', '--format=%B', first);
    expect(shown).toBe(`Progress\n\nSkein-Plan: ${fleet.planId}`);
    await publish(report('# Two\n', { message: `skein-plan: otherplan1` }));
  }, 60_000);
});
