import { loadSettings } from '#config';
import { createLogger, scrapeMetrics, silentLogger, startMetrics, type Metrics } from '#telemetry';
import { eventually, Scrape } from '#testing';
import { AFleet, agent, isRunning, runs } from '../../../test/worker/a-fleet.ts';
import { openMetrics } from './worker-metrics.ts';

describe('what a worker tells of itself', () => {
  let metrics: Metrics;
  let fleet: AFleet;

  beforeEach(async () => {
    fleet = await AFleet.start({ leaseMs: 1_500, slots: 2 });
    metrics = await startMetrics({ service: 'worker', instance: 'w1', log: silentLogger });
  }, 60_000);

  afterEach(async () => {
    await fleet.stop();
    await metrics.shutdown();
  }, 60_000);

  const scraped = async () => Scrape.parse(await scrapeMetrics());

  it('is its git work, its programs by phase, and how its jobs ended', async () => {
    await fleet.run(
      runs(['echo new > src/a.js'], { setup: ['true'], verify: ['grep -q new src/a.js', 'true'] }),
    );
    fleet.attemptsMax = () => 2;
    await fleet.run(agent('echo bad > src/a.js', { attempts: 2, verify: ['false'] }));
    const scrape = await scraped();
    const programs = (phase: string, result: string) =>
      scrape.sum('skein_program_seconds_count', { phase, result });
    expect(programs('setup', 'ok')).toBe(1);
    expect(programs('command', 'ok')).toBe(1);
    expect(programs('verify', 'ok')).toBe(2);
    expect(programs('agent', 'ok')).toBe(2);
    expect(programs('verify', 'failed')).toBe(2);
    const git = (operation: string) =>
      scrape.sum('skein_git_operation_seconds_count', { operation, result: 'ok' });
    for (const operation of ['checkout', 'commit', 'push', 'diff']) expect(git(operation)).toBeGreaterThan(0);
    expect(scrape.sum('skein_git_operation_seconds_count', { result: 'failed' })).toBeNull();
    expect(scrape.sum('skein_worker_job_ends_total', { how: 'answered' })).toBe(2);
    expect(scrape.sum('skein_sandbox_ends_total', { end: 'exited' })).toBe(8);
    expect(scrape.sum('skein_artifact_failures_total')).toBe(0);
    const verbs = (verb: string) =>
      scrape.sum('skein_decider_request_seconds_count', { verb, result: 'answered' });
    expect(verbs('claim')).toBe(2);
    expect(verbs('attempt')).toBe(3);
  }, 60_000);

  it('is git work that failed, and a job that was handed back', async () => {
    // The remote takes no private refs.
    await fleet.repo.bareGit('config', 'receive.hideRefs', 'refs/skein');
    const refused = await fleet.run(runs(['echo new > src/a.js']));
    expect(fleet.resultOf(refused)).toMatchObject({ status: 'blocked' });
    const commit = { sha: 'e'.repeat(40), ref: `refs/skein/${fleet.planId}/s1/1-${'0'.repeat(12)}/1` };
    await fleet.run(runs(['true'], { inputs: [{ ordinal: 1, stepName: 'build', commit }] }));
    const scrape = await scraped();
    const failed = { operation: 'push', result: 'failed' };
    expect(scrape.sum('skein_git_operation_seconds_count', failed)).toBeGreaterThan(0);
    expect(scrape.sum('skein_worker_job_ends_total', { how: 'answered' })).toBe(1);
    expect(scrape.sum('skein_worker_job_ends_total', { how: 'released' })).toBe(1);
  }, 60_000);

  it('is a lost lease, what it runs now, and that it takes nothing while it drains', async () => {
    const job = await fleet.publish(fleet.job(runs(['exec sleep 72001'])));
    await eventually(() => isRunning('sleep 72001'), { timeoutMs: 20_000, what: 'the program to run' });
    const busy = await scraped();
    expect(busy.sum('skein_worker_jobs')).toBe(1);
    expect(busy.sum('skein_worker_slots')).toBe(2);
    fleet.lost.add(job.ordinal);
    await eventually(async () => (await scraped()).sum('skein_worker_job_ends_total', { how: 'lost' }) === 1);
    await fleet.idle();
    expect((await scraped()).sum('skein_worker_jobs')).toBe(0);
    const drained = fleet.worker.drain();
    expect((await scraped()).sum('skein_worker_slots')).toBe(0);
    await drained;
    await fleet.worker.close();
    expect((await scraped()).sum('skein_worker_slots')).toBeNull();
  }, 60_000);

  it('is an artifact store that fails', async () => {
    const broken = () => Promise.reject(new Error('disk full'));
    fleet.artifacts.open = broken;
    fleet.artifacts.put = broken;
    await fleet.run(runs(['echo new > src/a.js']));
    const scrape = await scraped();
    expect(scrape.sum('skein_artifact_failures_total', { kind: 'log' })).toBe(1);
    expect(scrape.sum('skein_artifact_failures_total', { kind: 'diff' })).toBe(1);
  }, 60_000);
});

describe('the metrics port of a worker', () => {
  const settingsWith = (port: string) => loadSettings({ HOME: '/tmp', SKEIN_METRICS_PORT: port });

  it('is not opened unless it is set', async () => {
    const close = await openMetrics(settingsWith(''), 'w1', silentLogger);
    expect(await scrapeMetrics()).toContain('no metrics are recorded');
    await close();
  });

  it('serves what the worker records, until it is closed', async () => {
    const lines: string[] = [];
    const close = await openMetrics(settingsWith('0'), 'w1', logger(lines));
    const { url } = JSON.parse(lines[0]!) as { url: string };
    const scrape = Scrape.parse(await (await fetch(url)).text());
    expect(scrape.all('target_info')[0]?.labels['service_instance_id']).toBe('w1');
    await close();
    await expect(fetch(url)).rejects.toThrow();
  });

  it('that is taken is said loudly, and is no reason not to work', async () => {
    const lines: string[] = [];
    const first = await openMetrics(settingsWith('0'), 'w1', logger(lines));
    const { port } = new URL((JSON.parse(lines[0]!) as { url: string }).url);
    const second = await openMetrics(settingsWith(port), 'w2', logger(lines));
    expect(JSON.parse(lines[1]!)).toMatchObject({
      level: 'error',
      alert: 'metrics-unserved',
      port: Number(port),
    });
    await second();
    await first();
  });
});

function logger(lines: string[]) {
  const destination = { write: (line: string) => lines.push(line) } as unknown as NodeJS.WritableStream;
  return createLogger({ name: 'worker', level: 'info', destination });
}
