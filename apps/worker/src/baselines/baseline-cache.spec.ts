import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaselineCheck } from '#contracts';
import { silentLogger } from '#telemetry';
import { tempDir } from '#testing';
import { BaselineCache, type BaselineCacheOptions, type BaselineIdentity } from './baseline-cache.ts';

const identity: BaselineIdentity = {
  url: '/repo',
  baseSha: 'a'.repeat(40),
  setup: ['npm ci'],
  verify: ['npm test', 'npm run lint'],
  env: { B: '2', A: '1' },
  values: { SKEIN_VALUE_1: 'x' },
  network: false,
  sandbox: 'bubblewrap',
};
const green = (command: string, durationMs: number): BaselineCheck => ({
  command,
  verdict: 'green',
  durationMs,
  reason: null,
});
const checks = [green('npm test', 5), green('npm run lint', 7)];

describe('the cache of baselines', () => {
  let dir: string;
  let nowMs: number;
  beforeEach(async () => {
    dir = join(await tempDir('baselines'), 'cache');
    nowMs = Date.now();
  });
  const cache = (o: Partial<BaselineCacheOptions> = {}) =>
    new BaselineCache({ dir, log: silentLogger, now: () => nowMs, ...o });

  it('knows what was green, in another life too', async () => {
    expect(await cache().get(identity)).toBeNull();
    await cache().put(identity, checks);
    expect(await cache().get({ ...identity, env: { A: '1', B: '2' } })).toEqual(checks);
  });

  it.each<[string, Partial<BaselineIdentity>]>([
    ['repository', { url: '/other' }],
    ['base', { baseSha: 'b'.repeat(40) }],
    ['set-up', { setup: ['npm install'] }],
    ['set of checks', { verify: ['npm test'] }],
    ['order of checks', { verify: ['npm run lint', 'npm test'] }],
    ['environment', { env: { A: '1', B: '3' } }],
    ['value', { values: { SKEIN_VALUE_1: 'y' } }],
    ['network', { network: true }],
    ['sandbox', { sandbox: 'process' }],
  ])('says nothing of another %s', async (_what, other) => {
    await cache().put(identity, checks);
    expect(await cache().get({ ...identity, ...other })).toBeNull();
  });

  it('keeps nothing that is red or flaky', async () => {
    for (const verdict of ['red', 'flaky'] as const) {
      await cache().put(identity, [checks[0]!, { ...checks[1]!, verdict, reason: 'x' }]);
    }
    expect(await cache().get(identity)).toBeNull();
  });

  it('forgets after a day, and takes nothing from the future', async () => {
    await cache().put(identity, checks);
    nowMs += 24 * 3_600_000 + 1;
    expect(await cache().get(identity)).toBeNull();
    nowMs -= 48 * 3_600_000;
    expect(await cache().get(identity)).toBeNull();
  });

  it.each([
    ['no JSON', '{"version":1,'],
    ['nothing', ''],
    ['null', 'null'],
    ['another version', '{"version":2,"at":0,"durations":[1,2]}'],
    ['too few checks', `{"version":1,"at":${Date.now()},"durations":[1]}`],
    ['no numbers', `{"version":1,"at":${Date.now()},"durations":["x",{}]}`],
  ])('ignores an entry that holds %s, and writes it anew', async (_what, text) => {
    await cache().put(identity, checks);
    const [name] = await readdir(dir);
    await writeFile(join(dir, name!), text);
    expect(await cache().get(identity)).toBeNull();
    await cache().put(identity, checks);
    expect(await cache().get(identity)).toEqual(checks);
  });

  it('follows nothing that lies in an entry’s place, and fails no plan with it', async () => {
    await cache().put(identity, checks);
    const [name] = await readdir(dir);
    await writeFile(join(dir, 'elsewhere'), `{"version":1,"at":${nowMs},"durations":[5,7]}`);
    await rm(join(dir, name!));
    await symlink(join(dir, 'elsewhere'), join(dir, name!));
    expect(await cache().get(identity)).toBeNull();
    await rm(join(dir, name!));
    await mkdir(join(dir, name!));
    expect(await cache().get(identity)).toBeNull();
    await cache().put(identity, checks);
    expect((await readdir(dir)).sort()).toEqual([name, 'elsewhere'].sort());
  });

  it('is bounded in number and age, and clears what a killed writer left', async () => {
    const small = cache({ entriesMax: 3 });
    for (let i = 0; i < 5; i += 1) {
      await small.put({ ...identity, baseSha: String(i).repeat(40) }, checks);
      nowMs += 1_000;
    }
    expect(await readdir(dir)).toHaveLength(3);
    expect(await small.get({ ...identity, baseSha: '4'.repeat(40) })).toEqual(checks);
    const left = `${'f'.repeat(64)}.json~abc`;
    await writeFile(join(dir, left), 'half');
    nowMs = Date.now() + 2 * 3_600_000;
    await small.put(identity, checks);
    expect(await readdir(dir)).not.toContain(left);
    nowMs += 30 * 3_600_000;
    await small.put(identity, checks);
    expect(await readdir(dir)).toHaveLength(1);
  });
});
