import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { silentLogger, type Logger } from '#telemetry';
import { gitRepo, tempDir } from '#testing';
import { Mirrors, type GitCredentials, type MirrorsOptions } from '../index.ts';

const TOKEN = 'tok-3n/with odd+signs';
const allowed = { schemes: ['http' as const, 'ssh' as const], hosts: null };

interface Scene {
  url: string;
  root: string;
  sha: string;
  /** Authorization headers that the server saw. */
  seen: Set<string>;
  open(credentials: GitCredentials | null, options?: Partial<MirrorsOptions>): Mirrors;
}

const servers: Server[] = [];
const opened: Mirrors[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((mirrors) => mirrors.close()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function scene(
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<Scene> {
  const repo = await gitRepo();
  await repo.bareGit('config', 'http.receivepack', 'true');
  const seen = new Set<string>();
  const wanted = `Basic ${Buffer.from(`skein:${TOKEN}`).toString('base64')}`;
  const server = createServer((request, response) => {
    if (answer?.(request, response) === true) return;
    const given = request.headers.authorization;
    if (given !== undefined) seen.add(given);
    if (given !== wanted) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
      return;
    }
    serveGit(dirname(repo.bare), request, response);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const root = join(await tempDir('workspace'), 'own');
  const open: Scene['open'] = (credentials, options) => {
    const mirrors = new Mirrors({ rootDir: root, allowed, credentials, log: silentLogger, ...options });
    opened.push(mirrors);
    return mirrors;
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/origin.git`, root, sha: (await repo.head())!, seen, open };
}

/** Git's own CGI program behind node's server. */
function serveGit(projects: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: projects,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      REMOTE_USER: 'skein',
      PATH_INFO: decodeURIComponent(url.pathname),
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
    const headers = output
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string]);
    const status = Number(headers.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
    response.end(output.subarray(end + 4));
  });
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('a token', () => {
  it('opens a private repository for reading and writing', async () => {
    const s = await scene();
    const mirror = await s.open({ kind: 'token', username: 'skein', token: TOKEN }).open(s.url);
    expect(await mirror.resolve('main')).toBe(s.sha);
    await mirror.checkPushable('plan0001');
    expect(await mirror.publish('out', s.sha, null)).toEqual({ status: 'published' });
    expect(await mirror.publish('out', s.sha, null)).toEqual({ status: 'published' });
    await mirror.push({ ref: 'refs/skein/plan0001/s1/1-0123456789ab/1', sha: s.sha });
    expect(await mirror.deleteRefs('refs/skein/plan0001/', [])).toBe(1);
  }, 30_000);

  it('is in no file, argument or log line', async () => {
    const s = await scene();
    const lines: string[] = [];
    const note = (fields: object, message: string) => void lines.push(JSON.stringify(fields) + message);
    const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log };
    const wrapper = join(dirname(s.root), 'git');
    const argv = join(dirname(s.root), 'argv');
    await writeFile(wrapper, `#!/bin/sh\necho "$@" >> ${argv}\nexec git "$@"\n`);
    await chmod(wrapper, 0o755);
    const mirror = await s
      .open({ kind: 'token', username: 'skein', token: TOKEN }, { log, gitPath: wrapper })
      .open(s.url);
    await mirror.resolve('main');
    const texts = [lines.join('\n'), await readFile(argv, 'utf8')];
    for (const file of await filesBelow(s.root)) texts.push(await readFile(file, 'latin1'));
    for (const text of texts) expect(text).not.toContain('tok-3n');
    expect(lines.length).toBeGreaterThan(0);
  });

  it('that is wrong is an error without the token in it, and no retry', async () => {
    const s = await scene();
    const refused = s.open({ kind: 'token', username: 'skein', token: 'wrong-secret' }).open(s.url);
    await expect(refused).rejects.toMatchObject({ code: 'GIT_AUTH', retry: 'never' });
    await expect(refused).rejects.not.toThrow(/wrong-secret/);
    await expect(s.open(null).open(s.url)).rejects.toMatchObject({ code: 'GIT_AUTH' });
  });

  it('does not follow a redirect to another host', async () => {
    const thief = await scene();
    const s = await scene((request, response) => {
      const target = thief.url.replace('127.0.0.1', 'localhost').replace('/origin.git', '');
      response.writeHead(302, { Location: `${target}${request.url}` }).end();
      return true;
    });
    const credentials: GitCredentials = { kind: 'token', username: 'skein', token: TOKEN };
    await expect(s.open(credentials).open(s.url)).rejects.toMatchObject({ name: 'GitError' });
    expect([...thief.seen]).toEqual([]);
  });
});

describe('a credential helper', () => {
  it('is asked, with the environment that it was given', async () => {
    const s = await scene();
    const command = `!f() { echo username=skein; echo "password=$MY_SECRET"; }; f`;
    const mirrors = s.open({ kind: 'credential-helper', command, env: { MY_SECRET: TOKEN } });
    expect(await (await mirrors.open(s.url)).resolve('main')).toBe(s.sha);
  });
});

describe('an SSH key', () => {
  it('is the only one that ssh tries, with the host keys that we were given', async () => {
    const s = await scene();
    const bin = join(dirname(s.root), 'bin dir');
    const seen = join(dirname(s.root), 'seen');
    await mkdir(bin);
    await writeFile(
      join(bin, 'ssh'),
      `#!/bin/sh\nfor a in "$@"; do echo "<$a>" >> '${seen}'; done\nexit 255\n`,
    );
    await chmod(join(bin, 'ssh'), 0o755);
    const credentials: GitCredentials = {
      kind: 'ssh-key',
      path: "/keys/it's mine",
      knownHosts: '/keys/known',
    };
    const mirrors = s.open(credentials, { path: `${bin}:/usr/bin:/bin` });
    await expect(mirrors.open('git@example.com:team/x.git')).rejects.toMatchObject({ name: 'GitError' });
    const argv = await readFile(seen, 'utf8');
    expect(argv).toContain(`<IdentityFile="/keys/it's mine">`);
    expect(argv).toContain('<UserKnownHostsFile="/keys/known">');
    expect(argv).toContain('<StrictHostKeyChecking=yes>');
    expect(argv).toContain('<-F>\n</dev/null>');
    expect(argv).toContain('<git@example.com>');
  });
});

describe('a server that fails', () => {
  it.each([
    [503, 'GIT_UNREACHABLE', 'later'],
    [429, 'GIT_UNREACHABLE', 'later'],
    [404, 'GIT_NOT_FOUND', 'never'],
    [403, 'GIT_AUTH', 'never'],
  ])('with %i is %s: %s', async (status, code, retry) => {
    const s = await scene((_, response) => {
      response.writeHead(status).end();
      return true;
    });
    await expect(s.open(null).open(s.url)).rejects.toMatchObject({ code, retry });
  });

  it('by silence is stopped', async () => {
    const s = await scene(() => true);
    const mirrors = s.open(null, { remoteTimeoutMs: 500 });
    await expect(mirrors.open(s.url)).rejects.toMatchObject({ code: 'GIT_TIMEOUT', retry: 'later' });
  });
});
