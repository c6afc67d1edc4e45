import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaselineCheck, BaselineJob, BaselineReport, Job } from '#contracts';
import { tempDir } from '#testing';
import { AFleet } from '../../../test/worker/a-fleet.ts';
import { WorkerHome } from './homes/worker-home.ts';

describe('checks on the untouched base', () => {
  let fleet: AFleet;
  let shared: string;
  let round = 0;

  beforeAll(async () => {
    shared = await tempDir('shared');
    fleet = await AFleet.start({
      files: { 'README.md': '# Example\n', '.gitignore': 'dist\n' },
      writable: [shared],
      caps: { outputBytes: 2 * 1024 ** 2 },
    });
  }, 60_000);

  afterAll(async () => {
    await fleet?.stop();
  }, 60_000);

  afterEach(async () => {
    expect(await fleet.leftovers()).toEqual([]);
  });

  beforeEach(() => {
    round += 1;
  });

  /** Its environment is its own, so that no test is answered from another's cache. */
  function baseline(verify: string[], o: Partial<BaselineJob> = {}): BaselineJob {
    const env = { SHARED: shared, ROUND: String(round) };
    const timeout = { attemptMs: 30_000, idleMs: 20_000 };
    const neutral = { setup: [], values: {}, network: false, timeout, onRed: 'halt' as const };
    return { kind: 'baseline', verify, env, ...neutral, ...o };
  }

  /** Leaves a line in `name` for each time that it is run. */
  const count = (name: string) => `echo x >> "$SHARED/${name}-$ROUND"`;
  const timesRun = async (name: string): Promise<number> =>
    (await readFile(join(shared, `${name}-${round}`), 'utf8').catch(() => '')).split('\n').length - 1;

  function reportOf(job: Job): BaselineReport {
    const result = fleet.resultOf(job);
    if (result.status !== 'passed') throw new Error(`blocked: ${result.reason.message}`);
    return result.outputs as unknown as BaselineReport;
  }

  const verdicts = ({ checks }: BaselineReport) => checks.map(({ verdict }) => verdict);
  const logOf = (job: Job) => fleet.log(`${job.planId}/s${job.ordinal}/1-1.log`);

  it('that are green pass, and are not run again on the same base by this host', async () => {
    const work = baseline(
      [
        `${count('one')}; test "$SKEIN_VALUE_1" = a && test -f README.md && test "$(cat prepared)" = yes`,
        count('two'),
      ],
      {
        setup: ['echo yes > prepared'],
        values: { SKEIN_VALUE_1: 'a' },
      },
    );
    const first = await fleet.run(work);
    const report = reportOf(first);
    expect(report).toEqual({
      checks: [
        { command: work.verify[0], verdict: 'green', durationMs: expect.any(Number), reason: null },
        { command: work.verify[1], verdict: 'green', durationMs: expect.any(Number), reason: null },
      ],
      cached: false,
    });
    expect(await logOf(first)).toMatch(/checking the base .*green: `echo x/s);
    const again = await fleet.run(work);
    expect(reportOf(again)).toEqual({ ...report, cached: true });
    expect(await logOf(again)).toContain('green on the base');
    expect([await timesRun('one'), await timesRun('two')]).toEqual([1, 1]);

    const cache = WorkerHome.baselinesDir(fleet.workDir);
    for (const entry of await readdir(cache)) await writeFile(join(cache, entry), '{"version":1,');
    expect(reportOf(await fleet.run(work)).cached).toBe(false);
    await fleet.repo.commit({ 'more.md': 'more\n' });
    const moved = await fleet.run(work, { baseSha: (await fleet.repo.head())! });
    expect(reportOf(moved).cached).toBe(false);
    expect(await timesRun('one')).toBe(3);
  }, 60_000);

  it('that are red halt the plan and are named with their output; each is judged by itself', async () => {
    const work = baseline([`${count('lint')}; echo 3 tests failed; exit 1`, count('test')]);
    const halted = await fleet.run(work);
    const result = fleet.resultOf(halted);
    expect(result).toMatchObject({
      status: 'blocked',
      reason: { code: 'baseline-red', message: expect.stringContaining("1 of the plan's checks fail") },
    });
    const { message } = (result as { reason: { message: string } }).reason;
    expect(message).toContain(fleet.baseSha.slice(0, 12));
    expect(message).toContain('exited with 1');
    expect(message).toMatch(/3 tests failed$/);
    // The red one twice; the green one behind it once, and nothing is remembered of either.
    expect([await timesRun('lint'), await timesRun('test')]).toEqual([2, 1]);
    const told = reportOf(await fleet.run({ ...work, onRed: 'report' }));
    expect(verdicts(told)).toEqual(['red', 'green']);
    expect(told).toMatchObject({
      cached: false,
      checks: [{ reason: expect.stringContaining('exited with 1') }, {}],
    });
    expect(await logOf(halted)).toContain('red: `echo x');
  }, 60_000);

  it('that are red only once are flaky: named, halting nothing, and never remembered', async () => {
    const once = `test -e "$SHARED/seen-$ROUND" || { touch "$SHARED/seen-$ROUND"; echo ; exit 4; }`;
    const work = baseline(['mkdir dist && echo built > dist/out', `cat dist/out; ${once}`]);
    const job = await fleet.run(work);
    const report = reportOf(job);
    expect(verdicts(report)).toEqual(['green', 'flaky']);
    const [, flaky] = report.checks as [BaselineCheck, BaselineCheck];
    expect(flaky.reason).toContain('exited with 4');
    const log = await logOf(job);
    expect(log).toContain('once more on a fresh worktree');
    expect(log).toContain('flaky: `cat dist/out');
    const again = reportOf(await fleet.run(work));
    expect(again.cached).toBe(false);
    expect(verdicts(again)).toEqual(['green', 'green']);
  }, 60_000);

  it('that hang, flood or wreck the worktree are red, and what follows them is judged all the same', async () => {
    const wreck = 'rm -rf .git README.md "$HOME"/*; mkdir deep; chmod 000 deep; exit 1';
    const work = baseline(
      ['head -c 100000000 /dev/zero', 'while :; do echo .; sleep 0.2; done', 'echo never'],
      {
        onRed: 'report',
        timeout: { attemptMs: 2_000, idleMs: 20_000 },
      },
    );
    const report = reportOf(await fleet.run(work));
    expect(verdicts(report)).toEqual(['red', 'red', 'red']);
    expect(report.checks.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('printed more'),
      expect.stringContaining('deadline'),
      expect.stringContaining('not run'),
    ]);
    const wrecked = reportOf(await fleet.run(baseline([wreck, 'cd /'], { onRed: 'report' })));
    expect(verdicts(wrecked)).toEqual(['red', 'green']);
  }, 60_000);

  it('without a set-up that ends well are not run, and the set-up is named', async () => {
    const setup = ['true', 'echo no network here; exit 5'];
    const result = fleet.resultOf(await fleet.run(baseline([count('test')], { setup })));
    expect(result).toMatchObject({
      status: 'blocked',
      reason: { code: 'baseline-red', message: expect.stringContaining('`echo no network here; exit 5`') },
    });
    expect(await timesRun('test')).toBe(0);
  }, 60_000);
});
