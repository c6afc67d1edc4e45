import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { silentLogger as log } from '#telemetry';
import { eventually, runs, startLauncher, startOwnPostgres, tempDir } from '#testing';
import { DataDirInUseError } from '../data-dir.ts';
import { startPostgres } from './postgres-server.ts';
import { dropRoot, PostgresRefusesRootError } from './unprivileged.ts';

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function takePort(): Promise<{ port: number; close(): void }> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

describe('our own Postgres', () => {
  it('keeps its data from one start to the next, in UTF-8, behind a random password', async () => {
    const first = await startOwnPostgres();
    await query(first.adminUrl, "CREATE TABLE kept AS SELECT 'grüße' AS word");
    await first.stop();
    const second = await startOwnPostgres({ dataDir: first.dataDir });
    expect(await query(second.adminUrl, 'SELECT word FROM kept')).toEqual([{ word: 'grüße' }]);
    expect(await query(second.adminUrl, "SELECT current_setting('server_encoding') AS e")).toEqual([
      { e: 'UTF8' },
    ]);
    expect(second.adminUrl).toBe(first.adminUrl.replace(String(first.port), String(second.port)));
    const wrong = new URL(second.adminUrl);
    wrong.password = 'guess';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    await second.stop();
  });

  it('leaves no process, and nothing that others can read', async () => {
    const server = await startOwnPostgres();
    expect((await stat(join(server.dataDir, 'superuser-password'))).mode & 0o077).toBe(0);
    expect((await stat(join(server.dataDir, 'cluster'))).mode & 0o077).toBe(0);
    await server.stop();
    await server.stop();
    expect(await runs(server.pid)).toBe(false);
    expect(await readdir(join(server.dataDir, 'cluster'))).not.toContain('postmaster.pid');
  });

  it('steps over a port that is taken', async () => {
    const taken = await takePort();
    const server = await startOwnPostgres({ port: taken.port });
    expect(server.port).not.toBe(taken.port);
    expect(await query(server.adminUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    taken.close();
  });

  it('refuses a folder whose owner lives, naming its process', async () => {
    const server = await startOwnPostgres();
    const refusal = startPostgres({ dataDir: server.dataDir, log });
    await expect(refusal).rejects.toThrow(DataDirInUseError);
    await expect(refusal).rejects.toMatchObject({ ownerPid: process.pid });
    await server.stop();
  });

  it('takes over from a launcher that was killed, with everything that was committed', async () => {
    const dataDir = await tempDir();
    const launcher = await startLauncher({ cacheDir: await tempDir(), dataDir });
    await query(launcher.adminUrl, 'CREATE TABLE kept AS SELECT 7 AS n');
    await launcher.kill('SIGKILL');
    expect(await runs(launcher.pids[0]!)).toBe(true);
    const server = await startOwnPostgres({ dataDir: join(dataDir, 'postgres') });
    expect(await runs(launcher.pids[0]!)).toBe(false);
    expect(await query(server.adminUrl, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
    await server.stop();
    process.kill(launcher.pids[1]!, 'SIGKILL');
  });

  it('starts after a kill of its own, also when its old pid belongs to another program by now', async () => {
    const killed = await startOwnPostgres();
    await query(killed.adminUrl, 'CREATE TABLE kept AS SELECT 7 AS n');
    await killed.kill();
    const file = join(killed.dataDir, 'cluster', 'postmaster.pid');
    const [, ...rest] = (await readFile(file, 'utf8')).split('\n');
    // This very process is alive, ours, and no Postgres.
    await writeFile(file, [String(process.pid), ...rest].join('\n'));
    const server = await startOwnPostgres({ dataDir: killed.dataDir });
    expect(await query(server.adminUrl, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
    await server.stop();
  });

  it('begins anew when initdb was killed half-way', async () => {
    const dataDir = await tempDir();
    await mkdir(join(dataDir, 'cluster.new-1', 'base'), { recursive: true });
    const server = await startOwnPostgres({ dataDir });
    expect(await readdir(dataDir)).not.toContain('cluster.new-1');
    await server.stop();
  });

  it('works in folders that only their owner can enter, whoever that is, and through links and odd names', async () => {
    const parent = join(await tempDir(), "a b'c");
    await mkdir(parent, { mode: 0o700 });
    await symlink(parent, `${parent}-link`);
    const cacheDir = join(parent, 'cache');
    const start = startPostgres({ dataDir: join(`${parent}-link`, 'pg'), cacheDir, log, fsync: false });
    if ((await dropRoot()).kind === 'nobody') {
      // Root without user namespaces: nobody else can get in, and that is said.
      await expect(start).rejects.toThrow(PostgresRefusesRootError);
      return;
    }
    const server = await start;
    expect(await query(server.adminUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
  });

  it('tells when it dies, and can be started again then', async () => {
    const server = await startOwnPostgres();
    process.kill(server.pid, 'SIGKILL');
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
    const again = await server.restart();
    expect(again.adminUrl).toBe(server.adminUrl);
    await again.stop();
    await server.stop();
  });

  it('leaves no shared memory, however it ended', async () => {
    const segments = async (): Promise<string[]> =>
      (await promisify(execFile)('ipcs', ['-m'])).stdout.split('\n').filter((line) => line.startsWith('0x'));
    const server = await startOwnPostgres();
    const file = await readFile(join(server.dataDir, 'cluster', 'postmaster.pid'), 'utf8');
    const id = file.split('\n')[6]!.trim().split(/\s+/)[1]!;
    const isThere = async (): Promise<boolean> =>
      (await segments()).some((line) => line.split(/\s+/)[1] === id);
    expect(await isThere()).toBe(true);
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
    await server.stop();
    await eventually(async () => !(await isThere()), { what: 'the segment to go' });
  });
});
