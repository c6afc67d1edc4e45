import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { access, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger as log } from '#telemetry';
import { eventually, runs, startLauncher, tempDir } from '#testing';
import { DataDirInUseError } from '../data-dir.ts';
import { RunRegistry } from './run-registry.ts';
import type { RunRecord } from './run-record.ts';

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function sleeper(): ChildProcess & { pid: number } {
  return spawn('sleep', ['300'], { stdio: 'ignore', detached: true }) as ChildProcess & { pid: number };
}

/** Pretends that a run's owner died: its pid is now a stranger's. */
async function orphan(
  cacheDir: string,
  change: (record: RunRecord) => void = () => undefined,
): Promise<void> {
  const folder = join(cacheDir, 'runs');
  for (const name of (await readdir(folder)).filter((entry) => entry.endsWith('.json'))) {
    const record = JSON.parse(await readFile(join(folder, name), 'utf8')) as RunRecord;
    record.owner.startTime = 'of another process';
    change(record);
    await writeFile(join(folder, name), JSON.stringify(record));
  }
}

describe('runs of launchers', () => {
  it('a killed launcher leaves nothing once the next one begins', async () => {
    const cacheDir = await tempDir();
    const launcher = await startLauncher({ cacheDir });
    await launcher.kill('SIGKILL');
    for (const pid of launcher.pids) expect(await runs(pid)).toBe(true);
    const swept = await new RunRegistry({ cacheDir, log }).sweep();
    expect(swept.pids.sort()).toEqual(launcher.pids.sort());
    expect(swept.folders).toEqual([launcher.folder]);
    for (const pid of launcher.pids) expect(await runs(pid)).toBe(false);
    expect(await exists(launcher.folder)).toBe(false);
    expect(await readdir(join(cacheDir, 'runs'))).toEqual(['registry.lock']);
  });

  it('finds the servers of a launcher that was killed before it wrote them down', async () => {
    const cacheDir = await tempDir();
    const launcher = await startLauncher({ cacheDir, records: false });
    await launcher.kill('SIGKILL');
    const swept = await new RunRegistry({ cacheDir, log }).sweep();
    expect(swept.pids.sort()).toEqual(launcher.pids.sort());
    expect(await exists(launcher.folder)).toBe(false);
  });

  it('keeps the data folder of a killed launcher, without its servers', async () => {
    const cacheDir = await tempDir();
    const dataDir = await tempDir();
    const launcher = await startLauncher({ cacheDir, dataDir });
    await launcher.kill('SIGKILL');
    await using run = await new RunRegistry({ cacheDir, log }).begin({ kind: 'up', dataDir });
    for (const pid of launcher.pids) expect(await runs(pid)).toBe(false);
    expect(await exists(join(run.dataDir!, 'postgres', 'cluster', 'PG_VERSION'))).toBe(true);
  });

  it('touches nothing of a launcher that lives, and refuses its data folder', async () => {
    const cacheDir = await tempDir();
    const dataDir = await tempDir();
    const launcher = await startLauncher({ cacheDir, dataDir });
    const registry = new RunRegistry({ cacheDir, log });
    expect(await registry.sweep()).toEqual({ runs: [], pids: [], folders: [] });
    for (const pid of launcher.pids) expect(await runs(pid)).toBe(true);
    const refusal = registry.begin({ kind: 'up', dataDir });
    await expect(refusal).rejects.toThrow(DataDirInUseError);
    await expect(refusal).rejects.toMatchObject({ ownerPid: launcher.pid });
    await launcher.kill('SIGTERM');
    for (const pid of launcher.pids) expect(await runs(pid)).toBe(false);
  });

  it('Ctrl-C in the terminal of a launcher does not reach its servers', async () => {
    const launcher = await startLauncher({ cacheDir: await tempDir() });
    for (const pid of launcher.pids) {
      const { stdout } = await promisify(execFile)('ps', ['-o', 'pgid=', '-p', String(pid)]);
      expect(Number(stdout)).toBe(pid);
    }
    await launcher.kill('SIGTERM');
  });

  it('does not stop a stranger who got the pid of a dead child', async () => {
    const cacheDir = await tempDir();
    const registry = new RunRegistry({ cacheDir, log });
    const run = await registry.begin({ kind: 'up' });
    const [ours, stranger] = [sleeper(), sleeper()];
    await run.addProgram(ours.pid);
    await run.addProgram(stranger.pid);
    await orphan(cacheDir, (record) => {
      for (const child of record.children) {
        if ('pid' in child && child.pid === stranger.pid) child.startTime = 'of another process';
      }
    });
    expect((await registry.sweep()).pids).toEqual([ours.pid]);
    expect(await runs(ours.pid)).toBe(false);
    expect(await runs(stranger.pid)).toBe(true);
    stranger.kill('SIGKILL');
  });

  it('removes only folders that we made for a run, and leaves the runs of other machines alone', async () => {
    const cacheDir = await tempDir();
    const precious = await tempDir('precious');
    const registry = new RunRegistry({ cacheDir, log });
    await registry.begin({ kind: 'demo' });
    await orphan(cacheDir, (record) => record.ephemeral.push(precious));
    expect((await registry.sweep()).folders).toEqual([]);
    expect(await exists(precious)).toBe(true);

    await registry.begin({ kind: 'demo' });
    await orphan(cacheDir, (record) => (record.host = 'another-machine'));
    expect((await registry.sweep()).runs).toEqual([]);
  });

  it('the end of a run stops its programs, also those that ignore SIGTERM, and removes its folders', async () => {
    const cacheDir = await tempDir();
    const run = await new RunRegistry({ cacheDir, log }).begin({ kind: 'demo' });
    const folder = await run.ephemeralDir('demo');
    const deaf = spawn('sh', ['-c', `trap "" TERM; touch ${folder}/ready; while :; do sleep 0.1; done`]);
    await run.addProgram(deaf.pid!);
    await eventually(() => exists(join(folder, 'ready')));
    await run.end();
    await run.end();
    expect(await runs(deaf.pid!)).toBe(false);
    expect(await exists(folder)).toBe(false);
    expect(await readdir(join(cacheDir, 'runs'))).toEqual(['registry.lock']);
  }, 20_000);

  it('many sweep at once: each dead run is cleaned once', async () => {
    const cacheDir = await tempDir();
    const launcher = await startLauncher({ cacheDir });
    await launcher.kill('SIGKILL');
    const all = await Promise.all([1, 2, 3].map(() => new RunRegistry({ cacheDir, log }).sweep()));
    expect(all.flatMap(({ pids }) => pids).sort()).toEqual(launcher.pids.sort());
    expect(all.flatMap(({ runs: ids }) => ids)).toHaveLength(1);
  });
});
