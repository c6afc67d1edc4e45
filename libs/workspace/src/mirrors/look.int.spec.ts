import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '#telemetry';
import { gitRepo, tempDir, type GitRepo } from '#testing';
import { Mirrors, resolveAt, ResolutionError, type Mirror } from '../index.ts';

const run = promisify(execFile);

const opened: Mirrors[] = [];
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((mirrors) => mirrors.close()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function lookAt(url: string, contents = true): Promise<Mirror> {
  const mirrors = new Mirrors({
    rootDir: join(await tempDir('look'), 'own'),
    allowed: { schemes: ['file', 'http'], hosts: null },
    credentials: null,
    log: silentLogger,
    look: { contents },
  });
  opened.push(mirrors);
  return mirrors.open(url);
}

/** Everything below a folder: path, size and time of change. */
async function snapshot(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const info = await stat(path);
    return `${path} ${info.size} ${info.mtimeMs}`;
  });
  return (await Promise.all(lines)).sort();
}

async function bytesOf(mirror: Mirror): Promise<number> {
  const { stdout } = await run('du', ['--summarize', '--bytes', join(mirror.path, 'objects')]);
  return Number(stdout.split('\t')[0]);
}

/** The bare repository over HTTP, by git's own program. */
async function serve(repo: GitRepo): Promise<string> {
  await repo.bareGit('config', 'uploadpack.allowFilter', 'true');
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: dirname(repo.bare),
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
    });
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('close', () => {
      const output = Buffer.concat(chunks);
      const end = output.indexOf('\r\n\r\n');
      const headers = output.toString('latin1', 0, end).split('\r\n');
      response.writeHead(
        200,
        Object.fromEntries(headers.map((line) => line.split(': ') as [string, string])),
      );
      response.end(output.subarray(end + 4));
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/origin.git`;
}

/** Random text does not compress: what was fetched can be told from the size. */
function noise(bytes: number): string {
  return Array.from({ length: bytes / 8 }, () => Math.random().toString(36).slice(2, 10)).join('');
}

describe('a look at a local folder', () => {
  it('copies no object and changes nothing in it', async () => {
    const repo = await gitRepo({ 'big.txt': noise(400_000), 'rules/a.yml': 'id: a\n' });
    const before = await snapshot(repo.work);
    const mirror = await lookAt(repo.work);
    const base = await mirror.resolve('main');
    expect(base).toBe(await repo.head());
    expect((await mirror.listFiles(base)).map(({ path }) => path)).toEqual(['big.txt', 'rules/a.yml']);
    expect(await mirror.readText(base, 'rules/a.yml', 100)).toBe('id: a\n');
    expect(await bytesOf(mirror)).toBeLessThan(100_000);
    expect(await snapshot(repo.work)).toEqual(before);
  });

  it('finds bases as a worker does: branches, tags, short SHAs, and names what is there for one that is not', async () => {
    const repo = await gitRepo();
    const first = (await repo.head())!;
    await repo.git('tag', '-a', 'v1', '-m', 'One');
    const second = await repo.commit({ 'a.txt': 'a' });
    const mirror = await lookAt(repo.work);
    expect(await mirror.resolve('v1')).toBe(first);
    expect(await mirror.resolve(first.slice(0, 9))).toBe(first);
    expect(await mirror.resolve('HEAD')).toBe(second);
    await expect(mirror.resolve('mian')).rejects.toMatchObject({ code: 'REF_NOT_FOUND' });
    await expect(mirror.resolve('mian')).rejects.toThrow(/branch main/);
  });

  it('works in a linked worktree, in a shallow clone and in a bare repository', async () => {
    const repo = await gitRepo();
    await repo.commit({ 'a.txt': 'a' });
    const folder = await tempDir('clones');
    await repo.git('worktree', 'add', '--quiet', '--detach', join(folder, 'linked'));
    await run('git', ['clone', '--quiet', '--depth=1', repo.url, join(folder, 'shallow')]);
    for (const place of [join(folder, 'linked'), join(folder, 'shallow'), repo.bare]) {
      const mirror = await lookAt(place);
      const base = await mirror.resolve('HEAD');
      expect(base).toBe(await repo.head());
      expect(await mirror.listFiles(base)).toHaveLength(2);
    }
  });

  it('merges what is there without writing it there', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const base = (await repo.head())!;
    await repo.git('switch', '--quiet', '--create', 'one');
    await writeFile(join(repo.work, 'a.txt'), 'A\n');
    await repo.git('commit', '--quiet', '--all', '--message', 'One');
    const one = await repo.git('rev-parse', 'HEAD');
    await repo.git('switch', '--quiet', 'main');
    await repo.commit({ 'b.txt': 'B\n' });
    const before = await snapshot(repo.work);
    const mirror = await lookAt(repo.work);
    const onto = await mirror.resolve('main');
    const merged = await mirror.mergeInputs(onto, [{ label: 'one', sha: one }], {
      date: '2026-01-01T00:00:00Z',
    });
    expect(merged.status).toBe('merged');
    const { sha } = merged as { sha: string };
    expect((await mirror.changedFiles(onto, sha)).map(({ path }) => path)).toEqual(['a.txt']);
    expect(await mirror.isAncestor(base, sha)).toBe(true);
    expect(await snapshot(repo.work)).toEqual(before);
  });

  it('believes no attribute and no setting of it', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n', '.gitattributes': '*.txt diff=evil\n' });
    const from = (await repo.head())!;
    const to = await repo.commit({ 'a.txt': 'b\n' });
    const witness = join(await tempDir('witness'), 'ran');
    await repo.git('config', 'diff.evil.textconv', `touch ${witness}; cat`);
    await repo.git('config', 'diff.external', `touch ${witness}`);
    await repo.git('config', 'core.fsmonitor', `touch ${witness}`);
    const mirror = await lookAt(repo.work);
    await mirror.resolve('main');
    expect((await mirror.diff(from, to)).text).toContain('+b');
    await expect(stat(witness)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses what is no repository with the words of a worker', async () => {
    await expect(lookAt(await tempDir('plain'))).rejects.toMatchObject({ code: 'GIT_NOT_FOUND' });
    const repo = await gitRepo({ 'sub/a.txt': 'a' });
    await expect(lookAt(join(repo.work, 'sub'))).rejects.toMatchObject({ code: 'GIT_NOT_FOUND' });
    await expect(lookAt('/nowhere/at/all')).rejects.toMatchObject({ code: 'REPO_URL' });
  });
});

describe('a look at a remote', () => {
  it('fetches the names of the base alone, without contents and without history', async () => {
    const repo = await gitRepo({ 'old.txt': noise(800_000) });
    await repo.commit({ 'old.txt': null, 'new.txt': noise(800_000) });
    const mirror = await lookAt(await serve(repo), false);
    const base = await mirror.resolve('main');
    const resolved = await resolveAt(mirror, base, {
      globs: [{ definition: 0, include: ['*.txt'], exclude: [] }],
      texts: [],
      maxFiles: 10,
    });
    expect(resolved).toEqual({ baseSha: await repo.head(), files: { '0': ['new.txt'] }, texts: {} });
    expect(await bytesOf(mirror)).toBeLessThan(200_000);
  });

  it('fetches the contents of the base when texts are to be read, and still no history', async () => {
    const repo = await gitRepo({ 'old.txt': noise(1_600_000) });
    await repo.commit({ 'old.txt': null, 'prompt.md': 'Do it.\n' });
    const mirror = await lookAt(await serve(repo));
    const base = await mirror.resolve('HEAD');
    expect(await mirror.readText(base, 'prompt.md', 100)).toBe('Do it.\n');
    expect(await bytesOf(mirror)).toBeLessThan(400_000);
  });

  it('finds a short SHA in the history', async () => {
    const repo = await gitRepo();
    const first = (await repo.head())!;
    await repo.commit({ 'a.txt': 'a' });
    const mirror = await lookAt(await serve(repo));
    expect(await mirror.resolve(first.slice(0, 10))).toBe(first);
    expect((await mirror.listFiles(first)).map(({ path }) => path)).toEqual(['README.md']);
  });

  it('takes results of steps upon the base, so that they can be merged', async () => {
    const repo = await gitRepo({ 'old.txt': noise(1_600_000), 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const base = await repo.commit({ 'old.txt': null });
    const results: string[] = [];
    for (const name of ['a.txt', 'b.txt']) {
      await repo.git('switch', '--quiet', '--detach', base);
      await writeFile(join(repo.work, name), 'changed\n');
      await repo.git('commit', '--quiet', '--all', '--message', name);
      results.push(await repo.git('rev-parse', 'HEAD'));
      await repo.git(
        'push',
        '--quiet',
        'origin',
        `HEAD:refs/skein/plan0001/s${results.length}/1-0123456789ab/1`,
      );
    }
    const mirror = await lookAt(await serve(repo));
    expect(await mirror.ensureCommit({ sha: base, ref: 'refs/heads/main' })).toBe(true);
    const inputs = [];
    for (const [index, sha] of results.entries()) {
      const ref = `refs/skein/plan0001/s${index + 1}/1-0123456789ab/1`;
      expect(await mirror.ensureCommit({ sha, ref })).toBe(true);
      inputs.push({ label: ref, sha });
    }
    const merged = await mirror.mergeInputs(base, inputs, { date: '2026-01-01T00:00:00Z' });
    const { sha } = merged as { sha: string };
    expect((await mirror.changedFiles(base, sha)).map(({ path }) => path)).toEqual(['a.txt', 'b.txt']);
    expect(await bytesOf(mirror)).toBeLessThan(400_000);
  });
});

describe('what a plan asks of its base', () => {
  it('is refused with the reasons that a step would be blocked with', async () => {
    const repo = await gitRepo({ 'a.js': '1', 'b.js': '2' });
    const mirror = await lookAt(repo.bare);
    const base = await mirror.resolve('main');
    const ask = (more: { include?: string[]; texts?: string[]; maxFiles?: number }) =>
      resolveAt(mirror, base, {
        globs: [{ definition: 3, include: more.include ?? ['*.js'], exclude: [] }],
        texts: more.texts ?? [],
        maxFiles: more.maxFiles ?? 10,
      });
    const refusals = [
      [ask({ include: ['src/**'] }), 'glob-matches-nothing', /src\/\*\*/],
      [ask({ texts: ['no\u001b[2J.md'] }), 'file-missing', /no\\x1b\[2J\.md/],
      [ask({ maxFiles: 1 }), 'too-many-files', /2 files/],
    ] as const;
    for (const [asked, code, words] of refusals) {
      await expect(asked).rejects.toBeInstanceOf(ResolutionError);
      await expect(asked).rejects.toMatchObject({ code, retry: 'never' });
      await expect(asked).rejects.toThrow(words);
    }
    expect((await ask({})).files).toEqual({ '3': ['a.js', 'b.js'] });
  });

  it('is too large to be carried when it is too large for a message', async () => {
    const files = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`t${i}.md`, noise(240_000)]));
    const mirror = await lookAt((await gitRepo(files)).bare);
    const base = await mirror.resolve('main');
    await expect(
      resolveAt(mirror, base, { globs: [], texts: Object.keys(files), maxFiles: 1 }),
    ).rejects.toMatchObject({ code: 'resolve-too-large' });
  });
});

it('a look has its own configuration, whatever was in its folder', async () => {
  const repo = await gitRepo();
  const root = join(await tempDir('look'), 'own');
  await mkdir(join(root, 'git'), { recursive: true });
  await writeFile(join(root, 'git', 'config'), '[core]\n\tfsmonitor = evil\n');
  const mirrors = new Mirrors({
    rootDir: root,
    credentials: null,
    log: silentLogger,
    look: { contents: true },
  });
  opened.push(mirrors);
  await (await mirrors.open(repo.work)).resolve('main');
  expect(await readFile(join(root, 'git', 'config'), 'utf8')).not.toContain('evil');
});
