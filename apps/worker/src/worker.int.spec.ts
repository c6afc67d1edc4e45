import { startTelemetry } from '#telemetry';
import { OtlpReceiver } from '#testing';
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

  it('writes a live trace of each lease, as a child of what the job came with', async () => {
    await using collector = await OtlpReceiver.start();
    const telemetry = await startTelemetry({ serviceName: 'skein-worker', otlpEndpoint: collector.url });
    const parent = { trace: 'a'.repeat(32), span: 'b'.repeat(16) };
    const job = await fleet.run(runs(['echo traced > src/a.js'], { setup: ['true'], verify: ['true'] }), {
      traceparent: `00-${parent.trace}-${parent.span}-01`,
    });
    await telemetry.shutdown();
    const [lease] = collector.named('lease');
    expect(lease).toMatchObject({ traceId: parent.trace, parentSpanId: parent.span });
    expect(lease!.attributes).toMatchObject({ 'skein.plan.id': fleet.planId, 'skein.lease.epoch': 1 });
    expect(fleet.attemptsOf(job)[0]!.traceparent).toBe(`00-${parent.trace}-${lease!.spanId}-01`);
    const [attempt] = collector.named('attempt');
    expect(attempt).toMatchObject({ parentSpanId: lease!.spanId });
    for (const name of ['setup', 'command', 'verify', 'git commit', 'git push', 'git checkout']) {
      expect(collector.named(name)).toMatchObject([{ traceId: parent.trace, parentSpanId: attempt!.spanId }]);
    }
  }, 60_000);

  it('leaves nothing running', () => {
    expect(isRunning(fleet.home.leasesDir)).toBe(false);
  });
});
