import { dirname, join } from 'node:path';
import { scrapeMetrics, silentLogger, startMetrics } from '#telemetry';
import { Scrape, tempDir } from '#testing';
import { detectSandbox } from './detecting.ts';
import type { RunSpec } from './run-spec.ts';
import { Sandbox } from './sandbox.ts';

const PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;

describe('what the sandbox tells of itself', () => {
  it('is how each program ended, by the kind of sandbox', async () => {
    const { kind } = await detectSandbox({ path: PATH, log: silentLogger });
    // Not before: finding out which one works is a run, too.
    const metrics = await startMetrics({ service: 'worker', instance: null, log: silentLogger });
    const dir = await tempDir('sandbox');
    const sandbox = new Sandbox({
      kind,
      log: silentLogger,
      readable: [],
      extraWritable: [],
      path: PATH,
      scratchRoot: join(dir, 'scratch'),
      graceMs: 100,
      pollMs: 50,
    });
    const run = (script: string, limits: Partial<RunSpec['limits']>, cwd = dir) =>
      sandbox.run(aSpec(script, cwd, limits), new AbortController().signal);
    await run('exit 3', {});
    await run('exit 0', {});
    await run('sleep 30', { wallMs: 200 });
    await run('exit 0', {}, join(dir, 'no-such-folder'));
    const scrape = Scrape.parse(await scrapeMetrics());
    const ends = (end: string) => scrape.sum('skein_sandbox_ends_total', { sandbox: kind, end });
    expect([ends('exited'), ends('wall-timeout'), ends('not-started'), ends('memory-limit')]).toEqual([
      2, 1, 1, 0,
    ]);
    await metrics.shutdown();
  }, 60_000);
});

function aSpec(script: string, cwd: string, limits: Partial<RunSpec['limits']>): RunSpec {
  const MB = 1_024 ** 2;
  return {
    argv: ['/bin/sh', '-c', script],
    cwd,
    writable: [cwd],
    readable: [],
    env: {},
    network: false,
    limits: {
      wallMs: 30_000,
      idleMs: 30_000,
      outputBytes: MB,
      memoryBytes: 512 * MB,
      diskBytes: 100 * MB,
      processes: 50,
      ...limits,
    },
  };
}
