import { execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const GIT_ENV = {
  PATH: process.env['PATH'],
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada Example',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada Example',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  LC_ALL: 'C',
};
const NAME = 'origin.git';

/** A real bare repository behind HTTP, served by git's own program. */
export class GitHost {
  private readonly server: Server;
  private readonly folder: string;

  private constructor(server: Server, folder: string) {
    this.server = server;
    this.folder = folder;
  }

  static async start(folder: string): Promise<GitHost> {
    await mkdir(folder, { recursive: true });
    const host = new GitHost(
      createServer((request, response) => serve(folder, request, response)),
      folder,
    );
    await host.make();
    await new Promise<void>((resolve) => host.server.listen(0, '127.0.0.1', resolve));
    return host;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/${NAME}`;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** git in the bare repository: its output, or null when it failed. */
  async git(...args: string[]): Promise<string | null> {
    return run('git', args, { cwd: join(this.folder, NAME), env: GIT_ENV, maxBuffer: 64 * 1024 * 1024 }).then(
      ({ stdout }) => stdout,
      () => null,
    );
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async make(): Promise<void> {
    const at = (cwd: string, ...args: string[]): Promise<unknown> =>
      run('git', ['-c', 'gc.auto=0', ...args], { cwd, env: GIT_ENV });
    const work = join(this.folder, 'work');
    await at(this.folder, 'init', '--quiet', '--bare', '--initial-branch=main', NAME);
    await at(join(this.folder, NAME), 'config', 'http.receivepack', 'true');
    await at(join(this.folder, NAME), 'config', 'gc.auto', '0');
    await at(this.folder, 'init', '--quiet', '--initial-branch=main', work);
    await writeFile(join(work, 'README.md'), '# Chaos\n');
    await at(work, 'add', '--all');
    await at(work, 'commit', '--quiet', '--message', 'Begin');
    await at(work, 'push', '--quiet', join(this.folder, NAME), 'HEAD:main');
  }
}

function serve(projects: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...GIT_ENV,
      GIT_PROJECT_ROOT: projects,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: 'skein',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // A caller that goes away in the middle takes nothing down but its own answer.
  child.on('error', () => response.destroy());
  child.stdin.on('error', () => undefined);
  response.on('error', () => undefined);
  request.on('error', () => child.stdin.end());
  request.once('close', () => child.stdin.end());
  request.pipe(child.stdin);
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.once('close', () => answer(Buffer.concat(pieces), response));
}

/** What a CGI program printed: headers, an empty line, the body. */
function answer(output: Buffer, response: ServerResponse): void {
  const end = output.indexOf('\r\n\r\n');
  if (end < 0 || response.destroyed) return void response.destroy();
  const headers = output
    .toString('latin1', 0, end)
    .split('\r\n')
    .map((line) => line.split(': ') as [string, string]);
  const status = Number(headers.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200);
  response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
  response.end(output.subarray(end + 4));
}
