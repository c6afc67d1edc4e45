import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger as log } from '#telemetry';
import { tempDir } from '#testing';
import { cachedNatsServer } from './build-nats-server.ts';
import { findNatsServer, NatsServerNotFoundError } from './find-nats-server.ts';

/** A PATH of our own: the programs are shell scripts that say what the real ones say. */
async function fakePath(programs: Record<string, string>): Promise<string> {
  const folder = await tempDir('path');
  for (const [name, body] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

const nats = (version: string): string => `echo "nats-server: v${version}"`;
/** Takes its time, counts its runs, and leaves a program where Go would. */
const go = (counter: string): string =>
  `echo built >> ${counter}; sleep 0.4; mkdir -p "$GOBIN"
cat > "$GOBIN/nats-server" <<'END'
#!/bin/sh
${nats('2.15.1')}
END
chmod +x "$GOBIN/nats-server"`;
const dockerWithEngine = 'case "$1" in info) echo 28.0;; image) echo sha256:1;; esac';
const dockerWithoutEngine = 'echo "Cannot connect to the Docker daemon" >&2; exit 1';

describe('finding a nats-server', () => {
  it('takes the one on PATH when it is new enough', async () => {
    const path = await fakePath({ 'nats-server': nats('2.12.0'), go: 'exit 1' });
    const found = await findNatsServer({ log, path, cacheDir: await tempDir() });
    expect(found).toEqual({
      kind: 'binary',
      path: join(path, 'nats-server'),
      version: '2.12.0',
      source: 'path',
    });
  });

  it('looks further along PATH past an old one', async () => {
    const old = await fakePath({ 'nats-server': nats('2.9.10') });
    const fresh = await fakePath({ 'nats-server': nats('2.14.3') });
    const found = await findNatsServer({ log, path: `${old}:${fresh}`, cacheDir: await tempDir() });
    expect(found).toMatchObject({ path: join(fresh, 'nats-server'), version: '2.14.3' });
  });

  it('passes over an old one, builds one, and takes that from the cache from then on', async () => {
    const cacheDir = await tempDir();
    const counter = join(cacheDir, 'counter');
    const path = `${await fakePath({ 'nats-server': nats('2.9.10'), go: go(counter) })}:/usr/bin:/bin`;
    const told: string[] = [];
    const built = await findNatsServer({ log, path, cacheDir, onProgress: (line) => told.push(line) });
    expect(built).toMatchObject({ kind: 'binary', version: '2.15.1', source: 'built' });
    expect(told).toHaveLength(1);
    expect(await findNatsServer({ log, path, cacheDir })).toMatchObject({ source: 'cache' });
    expect(await readFile(counter, 'utf8')).toBe('built\n');
  });

  it('builds once when two start at once, and keeps nothing of the build but the program', async () => {
    const cacheDir = await tempDir();
    const counter = join(cacheDir, 'counter');
    const path = await fakePath({ go: go(counter) });
    const found = await Promise.all([1, 2, 3].map(() => findNatsServer({ log, path, cacheDir })));
    expect(found.map((program) => program.kind)).toEqual(['binary', 'binary', 'binary']);
    expect(await readFile(counter, 'utf8')).toBe('built\n');
    const kept = await readdir(join(cacheDir, 'nats-server'), { recursive: true });
    const name = `2.15.1-${process.platform}-${process.arch}`;
    expect(kept.sort()).toEqual([name, `${name}.lock`, `${name}/nats-server`].sort());
  });

  it('clears away what a killed build left', async () => {
    const cacheDir = await tempDir();
    const left = join(cacheDir, 'nats-server', `2.15.1-${process.platform}-${process.arch}.new-abc123`);
    await mkdir(join(left, 'build', 'cache'), { recursive: true });
    const path = await fakePath({ go: go(join(cacheDir, 'counter')) });
    await findNatsServer({ log, path, cacheDir });
    expect(await cachedNatsServer(cacheDir)).not.toBeNull();
    await expect(readdir(left)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('builds again when the cached program does not run', async () => {
    const cacheDir = await tempDir();
    const folder = join(cacheDir, 'nats-server', `2.15.1-${process.platform}-${process.arch}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'nats-server'), 'not a program', { mode: 0o755 });
    const path = await fakePath({ go: go(join(cacheDir, 'counter')) });
    expect(await findNatsServer({ log, path, cacheDir })).toMatchObject({ kind: 'binary', source: 'built' });
  });

  it('goes on to Docker when Go cannot build it', async () => {
    const path = await fakePath({ go: 'echo "requires go >= 1.25" >&2; exit 1', docker: dockerWithEngine });
    const found = await findNatsServer({ log, path, cacheDir: await tempDir() });
    expect(found).toEqual({ kind: 'docker', docker: join(path, 'docker'), image: 'nats:2.15.1' });
  });

  it('says what to install, and why each way was no way', async () => {
    const path = await fakePath({
      'nats-server': nats('2.9.10'),
      go: 'echo "requires go >= 1.25" >&2; exit 1',
      docker: dockerWithoutEngine,
    });
    const failure = findNatsServer({ log, path, cacheDir: await tempDir() });
    await expect(failure).rejects.toThrow(NatsServerNotFoundError);
    const { message } = (await failure.catch((error: unknown) => error)) as Error;
    for (const part of [
      'Linux',
      'macOS',
      'WSL2',
      '2.9.10 is too old',
      'requires go >= 1.25',
      'no engine answers',
    ]) {
      expect(message).toContain(part);
    }
  });
});
