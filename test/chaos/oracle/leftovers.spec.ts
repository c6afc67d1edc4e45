import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '#testing';
import { ScratchDisk } from '../fleet/scratch-disk.ts';
import { leftOnDisk } from './leftovers.ts';

describe('what a worker leaves', () => {
  it('is found in its folder: a lease, an index, a lock; not what is meant to stay', async () => {
    const work = join(await tempDir('left'), 'work');
    const left = ['workers/w1/lease', 'mirrors/indexes/one', 'mirrors/r.git/refs/a.lock'];
    for (const path of [...left, 'mirrors/r.git/objects', 'workers/sweep.lock'])
      await mkdir(join(work, path), { recursive: true });
    const found = await leftOnDisk(work);
    for (const path of left) expect(found).toContain(`${join(work, path)} was left behind`);
    expect(found.filter((line) => /objects|sweep/.test(line))).toEqual([]);
  });

  it('is found on its small disk, though that went with it', async () => {
    const folder = join(await tempDir('small'), 'disk');
    await mkdir(folder, { recursive: true });
    const disk = await ScratchDisk.on(folder);
    // Where no disk can be mounted chaos has none, and says that it has left it out.
    if (disk === null) return;
    const script = `mkdir -p '${folder}/workers/w4/lease' && echo ready && exec sleep 60`;
    const [command, ...args] = [...disk.wrapper, 'sh', '-c', script];
    const worker = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(worker, 'exit');
    await once(worker.stdout, 'data');
    const kept = await disk.keep(worker.pid!);
    try {
      worker.kill('SIGKILL');
      await ended;
      expect(await leftOnDisk(folder)).toEqual([]);
      const seen = `/proc/self/fd/${kept.fd}`;
      expect(await leftOnDisk(seen)).toContain(`${seen}/workers/w4/lease was left behind`);
    } finally {
      await kept.close();
    }
  });
});
