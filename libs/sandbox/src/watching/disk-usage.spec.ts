import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../launching/remove-tree.ts';
import { diskUse, diskUseByDu } from './disk-usage.ts';
import { DiskWatch } from './disk-watch.ts';
import { bytesText, durationText } from './quantities.ts';

const never = new AbortController().signal;

describe('what folders hold', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'skein-disk-'))));
  afterEach(() => removeTree(dir));

  it('counts files in all folders and follows no symlink', async () => {
    mkdirSync(join(dir, 'a', 'b'), { recursive: true });
    writeFileSync(join(dir, 'a', 'b', 'file'), Buffer.alloc(1_000_000, 1));
    symlinkSync('/usr', join(dir, 'a', 'usr'));
    const use = await diskUse([join(dir, 'a'), join(dir, 'not-there')], 10_000_000, 1_000);
    expect(use).toMatchObject({ exceeded: false, unreadable: false });
    expect(use.bytes).toBeGreaterThan(1_000_000);
    expect(use.bytes).toBeLessThan(1_100_000);
  });

  it('takes blocks and not lengths, and empty files for something', async () => {
    writeFileSync(join(dir, 'sparse'), '');
    truncateSync(join(dir, 'sparse'), 1_000_000_000);
    for (let i = 0; i < 100; i++) writeFileSync(join(dir, `empty-${i}`), '');
    const use = await diskUse([dir], 10_000_000, 1_000);
    expect(use.bytes).toBeGreaterThanOrEqual(100 * 1_024);
    expect(use.bytes).toBeLessThan(1_000_000);
  });

  it('stops counting above the limit', async () => {
    for (let i = 0; i < 200; i++) writeFileSync(join(dir, `file-${i}`), Buffer.alloc(8_192, 1));
    const use = await diskUse([dir], 50_000, 1_000);
    expect(use.exceeded).toBe(true);
    expect(use.bytes).toBeLessThan(1_000_000);
  });

  it('is counted by du when there is much of it', async () => {
    for (let i = 0; i < 200; i++) writeFileSync(join(dir, `file-${i}`), Buffer.alloc(8_192, 1));
    const folders = [dir, join(dir, 'not-there')];
    expect(await diskUse(folders, 10_000_000, 100)).toMatchObject({ incomplete: true });
    const exact = await diskUse(folders, 10_000_000, Infinity);
    const byDu = await diskUseByDu(folders, 10_000_000, never);
    expect(byDu).toMatchObject({ exceeded: false, unreadable: false, incomplete: false });
    // An entry may be counted for its inode and its blocks, and du counts the folder itself.
    expect(Math.abs(byDu!.bytes - exact.bytes)).toBeLessThan(300_000);
    expect(await diskUseByDu(folders, 100_000, never)).toMatchObject({ exceeded: true });
    expect(await diskUseByDu([join(dir, 'not-there')], 100_000, never)).toBeNull();
  });

  it('is watched for what was written since the last count', async () => {
    const watch = new DiskWatch([dir], 3_000_000);
    expect(await watch.exceeded()).toBe(false);
    // Synced, so that the free space of the file system shows it.
    writeFileSync(join(dir, 'big'), Buffer.alloc(8_000_000, 1), { flush: true });
    expect(await watch.exceeded(true)).toBe(true);
    watch.close();
  });

  it('is without limit when the limit is', async () => {
    expect(await new DiskWatch(['/'], Infinity).exceeded()).toBe(false);
  });
});

it('names quantities for people', () => {
  expect([250, 1_500, 60_000, 1_200_000].map(durationText)).toEqual(['250 ms', '1.5 s', '60 s', '20 min']);
  expect([512, 65_536, 1.5 * 2 ** 30].map(bytesText)).toEqual(['512 bytes', '64 KB', '1.5 GB']);
});
