import { AFleet, agent, isRunning, runs } from '../../../test/worker/a-fleet.ts';

describe('a worker and its fix loop', () => {
  let fleet: AFleet;

  beforeAll(async () => {
    fleet = await AFleet.start();
  }, 60_000);

  afterAll(async () => {
    await fleet?.stop();
  }, 60_000);

  afterEach(async () => {
    expect(await fleet.leftovers()).toEqual([]);
  });

  it('answers a noop with its result alone', async () => {
    const job = await fleet.run({ kind: 'noop' });
    expect(fleet.resultOf(job)).toMatchObject({ status: 'passed', commit: null });
    expect(fleet.claims.some((claim) => claim.lease.ordinal === job.ordinal)).toBe(false);
    await fleet.queueIsEmpty();
  }, 30_000);

  it('commits what commands changed, pushed to a private ref, and acks', async () => {
    const job = await fleet.run(runs(['echo new > src/a.js'], { verify: ['grep -q new src/a.js'] }));
    const [attempt] = fleet.attemptsOf(job);
    expect(attempt).toMatchObject({
      attempt: 1,
      verdict: 'accepted',
      reason: { code: 'accepted' },
      feedback: null,
      diffstat: { files: 1, insertions: 1, deletions: 1 },
    });
    const { sha, ref } = attempt!.commit!;
    expect(ref).toBe(`refs/skein/${fleet.planId}/s${job.ordinal}/1-${attempt!.lease.token.slice(0, 12)}/1`);
    expect(await fleet.repo.bareGit('rev-parse', ref)).toBe(sha);
    expect(await fleet.repo.show(ref, 'src/a.js')).toBe('new\n');
    const message = await fleet.repo.bareGit('log', '-1', '--format=%B', ref);
    expect(message).toContain(`Skein-Plan: ${fleet.planId}`);
    expect(message).toContain(`Skein-Step: s${job.ordinal}`);
    expect(await fleet.log(attempt!.logKey)).toContain('echo new > src/a.js');
    expect(await fleet.log(attempt!.diffKey)).toContain('+new');
    await fleet.queueIsEmpty();
  }, 60_000);

  it('lets the second attempt of an agent succeed because of what the feedback file says', async () => {
    const command = `
      grep -q 'Please do it' "$SKEIN_PROMPT" || exit 9
      if [ -n "$SKEIN_FEEDBACK" ] && grep -q 'expected better' "$SKEIN_FEEDBACK"; then echo better > src/a.js; else echo worse > src/a.js; fi`;
    const job = await fleet.run(
      agent(command, {
        verify: ['grep -q better src/a.js || { echo expected better, got $(cat src/a.js); exit 1; }'],
      }),
    );
    const [first, second] = fleet.attemptsOf(job);
    expect(first).toMatchObject({ attempt: 1, verdict: 'rejected', reason: { code: 'verify-failed' } });
    expect(first!.feedback).toContain('expected better, got worse');
    expect(first!.feedback).toContain('+worse');
    expect(second).toMatchObject({ attempt: 2, verdict: 'accepted' });
    expect(await fleet.repo.bareGit('rev-parse', `${second!.commit!.sha}^`)).toBe(fleet.baseSha);
  }, 60_000);

  it('leaves nothing running', () => {
    expect(isRunning(fleet.home.leasesDir)).toBe(false);
  });
});
