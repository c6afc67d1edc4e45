import { spawn } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { once } from 'node:events';
import { silentLogger } from '#telemetry';
import { tempDir } from '#testing';
import { WorkerHome } from './worker-home.ts';

describe('the disk of the workers of a host', () => {
  const noMirrors = { sweep: async () => 0 };

  it('belongs to one live worker of a name', async () => {
    const work = await tempDir('work');
    await using home = await WorkerHome.open(work, 'w1', silentLogger);
    await expect(WorkerHome.open(work, 'w1', silentLogger)).rejects.toMatchObject({
      code: 'worker-id-taken',
    });
    await using other = await WorkerHome.open(work, 'w2', silentLogger);
    expect(other.leasesDir).not.toBe(home.leasesDir);
  });

  it('is emptied of what an earlier life left, and gone after a good end', async () => {
    const work = await tempDir('work');
    const left = join(work, 'workers/w1/leases/old');
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'f'), '');
    {
      await using home = await WorkerHome.open(work, 'w1', silentLogger);
      expect(await readdir(home.leasesDir)).toEqual([]);
    }
    expect(await readdir(join(work, 'workers'))).toEqual(['sweep.lock']);
  });

  it('a worker killed with SIGKILL is swept, a live one is not', async () => {
    const work = await tempDir('work');
    const dead = join(work, 'workers/dead');
    await mkdir(join(dead, 'leases/lease-1'), { recursive: true });
    const child = await holderOf(join(dead, 'owner.lock'));
    await using live = await WorkerHome.open(work, 'live', silentLogger);
    await using home = await WorkerHome.open(work, 'w1', silentLogger);
    const asked: boolean[][] = [];
    const mirrors = {
      sweep: async (isLive: (dir: string) => boolean) => {
        asked.push(
          [join(dead, 'leases/lease-1'), join(live.leasesDir, 'x'), join(home.leasesDir, 'x')].map(isLive),
        );
        return 0;
      },
    };
    await home.sweep(mirrors);
    expect((await readdir(join(work, 'workers'))).sort()).toEqual(['dead', 'live', 'sweep.lock', 'w1']);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await home.sweep(mirrors);
    expect((await readdir(join(work, 'workers'))).sort()).toEqual(['live', 'sweep.lock', 'w1']);
    // Of its own leases it has none yet: what the mirrors know of it is of an earlier life.
    expect(asked).toEqual([
      [true, true, false],
      [false, true, false],
    ]);
    await home.sweep(noMirrors);
  }, 30_000);
});

/** A process that holds the lock until it is killed. */
async function holderOf(path: string) {
  const locks = createRequire(import.meta.url).resolve('fs-native-extensions');
  const program = `const fd = require('fs').openSync(${JSON.stringify(path)}, 'a+');
    if (!require(${JSON.stringify(locks)}).tryLock(fd)) process.exit(1);
    console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}
