import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactKeyError } from './artifact-store.ts';
import { FileArtifactStore } from './file-artifact-store.ts';

describe('the artifact store on files', () => {
  let dir: string;
  let store: FileArtifactStore;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'skein-artifacts-'));
    store = new FileArtifactStore({ rootDir: join(dir, 'root'), maxBytes: 100 });
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('gives back what was put, and nothing for what was not', async () => {
    await store.put('plans/p1/s17/1/log', 'hello');
    expect((await store.get('plans/p1/s17/1/log', 1_000))?.toString()).toBe('hello');
    expect((await store.get('plans/p1/s17/1/log', 2))?.toString()).toBe('he');
    expect(await store.size('plans/p1/s17/1/log')).toBe(5);
    expect(await store.get('plans/p1/s17/2/log', 1_000)).toBeNull();
    expect(await store.get('plans/p1/s17', 1_000)).toBeNull();
    expect(await store.size('plans/p1/s17/1/log/deeper')).toBeNull();
  });

  it('replaces an artifact as a whole and leaves no half-made file beside it', async () => {
    const versions = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(300_000));
    await Promise.all(versions.map((version) => store.put('a/b', version)));
    expect(versions).toContain((await store.get('a/b', 1_000_000))!.toString());
    expect(await readdir(join(dir, 'root', 'a'))).toEqual(['b']);
  });

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '.',
    '..',
    'a/../b',
    '../x',
    'a\\b',
    'a b',
    'a\0b',
    'a/~b',
    'ä',
    `${'x'.repeat(201)}`,
    Array.from({ length: 400 }, () => 'abc').join('/'),
  ])('refuses the key %j', async (key) => {
    await expect(store.put(key, '')).rejects.toBeInstanceOf(ArtifactKeyError);
    await expect(store.get(key, 1)).rejects.toBeInstanceOf(ArtifactKeyError);
    await expect(store.open(key)).rejects.toBeInstanceOf(ArtifactKeyError);
    await expect(store.prune(key)).rejects.toBeInstanceOf(ArtifactKeyError);
  });

  it('keeps the order of appends that nobody waited for, and is readable while it grows', async () => {
    const log = await store.open('log');
    await log.append('start ');
    expect((await store.get('log', 100))?.toString()).toBe('start ');
    for (let i = 0; i < 10; i++) void log.append(`${i}`);
    await log.close();
    await log.close();
    expect((await store.get('log', 100))?.toString()).toBe('start 0123456789');
    expect(log.truncated).toBe(false);
    expect(log.bytes).toBe(16);
  });

  it('keeps the first bytes of a log that is too long and says so', async () => {
    const log = await store.open('log');
    await log.append('x'.repeat(90));
    await log.append('y'.repeat(90));
    await log.append('z'.repeat(90));
    await log.close();
    const content = (await store.get('log', 10_000))!.toString();
    expect(content).toBe(`${'x'.repeat(90)}${'y'.repeat(10)}\n[only the first 100 bytes are kept]\n`);
    expect(log.truncated).toBe(true);
    expect(log.bytes).toBe(100);
  });

  it('gives what came since a reader looked last', async () => {
    const log = await store.open('log');
    await log.append('one\n');
    expect((await store.get('log', 100, 4))?.toString()).toBe('');
    await log.append('two\nthree\n');
    await log.close();
    expect((await store.get('log', 100, 4))?.toString()).toBe('two\nthree\n');
    expect((await store.get('log', 3, 4))?.toString()).toBe('two');
    expect((await store.get('log', 100, 1_000))?.toString()).toBe('');
    expect(await store.get('none', 100, 4)).toBeNull();
  });

  it('starts anew when the same key is opened again', async () => {
    await using first = await store.open('log');
    await first.append('old and longer');
    await using second = await store.open('log');
    await second.append('new');
    expect((await store.get('log', 100))?.toString()).toBe('new');
  });

  it('prunes what lies below a prefix and not its namesake', async () => {
    await store.put('plans/p1/a', '1');
    await store.put('plans/p1/b/c', '2');
    await store.put('plans/p10/a', '3');
    expect(await store.measure('plans/p1')).toEqual({ files: 2, bytes: 2 });
    expect(await store.prune('plans/p1')).toEqual({ files: 2, bytes: 2 });
    expect(await store.get('plans/p1/a', 10)).toBeNull();
    expect((await store.get('plans/p10/a', 10))?.toString()).toBe('3');
    expect(await store.prune('plans/never')).toEqual({ files: 0, bytes: 0 });
  });

  it('lists the beginnings of its keys, and nothing that is none', async () => {
    const listed = async () => {
      const names: string[] = [];
      for await (const name of store.list()) names.push(name);
      return names.sort();
    };
    expect(await listed()).toEqual([]);
    await store.put('p1/s1/log', '1');
    await store.put('p1/s2/log', '2');
    await store.put('p2/s1/log', '3');
    await writeFile(join(dir, 'root', 'half~made'), '');
    expect(await listed()).toEqual(['p1', 'p2']);
  });

  it('counts a symlink as what it is and never prunes through it', async () => {
    await store.put('p1/a', 'x');
    await writeFile(join(dir, 'secret'), 'secret');
    await symlink(dir, join(dir, 'root', 'p1', 'out'));
    expect((await store.measure('p1')).files).toBe(2);
    await store.prune('p1');
    expect((await stat(join(dir, 'secret'))).size).toBe(6);
  });

  it('never reads through a symlink that somebody put at a key', async () => {
    await store.put('a/real', 'x');
    await writeFile(join(dir, 'secret'), 'secret');
    await symlink(join(dir, 'secret'), join(dir, 'root', 'a', 'link'));
    expect(await store.get('a/link', 100)).toBeNull();
    await store.put('a/link', 'mine');
    expect((await store.get('a/link', 100))?.toString()).toBe('mine');
    const log = await store.open('a/link');
    await log.close();
    expect((await stat(join(dir, 'secret'))).size).toBe(6);
  });

  it('is readable by its owner only', async () => {
    await store.put('a/b', 'x');
    expect((await stat(join(dir, 'root', 'a', 'b'))).mode & 0o077).toBe(0);
    expect((await stat(join(dir, 'root'))).mode & 0o077).toBe(0);
  });
});
