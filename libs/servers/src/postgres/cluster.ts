import { execFile } from 'node:child_process';
import { access, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { randomPassword } from '../random.ts';
import type { PostgresBinaries } from './binaries.ts';
import { handOver, type Unprivileged } from './unprivileged.ts';

const run = promisify(execFile);

export const SUPERUSER = 'postgres';

/** Nothing of the launcher's environment reaches the database: PGDATA, PGPORT or a locale would change what it does. */
export const POSTGRES_ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

export interface Cluster {
  /** Postgres' own data directory. */
  path: string;
  password: string;
}

/** Makes the cluster if there is none. It appears whole: a killed initdb leaves nothing that looks like one. */
export async function openCluster(o: {
  dataDir: string;
  password: string | undefined;
  binaries: PostgresBinaries;
  as: Unprivileged;
  fsync: boolean;
  onProgress?: (line: string) => void;
}): Promise<Cluster> {
  const path = join(o.dataDir, 'cluster');
  const passwordFile = join(o.dataDir, 'superuser-password');
  if (await exists(join(path, 'PG_VERSION'))) {
    await handOver(path, o.as);
    return { path, password: (await readFile(passwordFile, 'utf8')).trim() };
  }
  await removeHalfMade(o.dataDir);
  o.onProgress?.('Setting up Postgres ...');
  const password = o.password ?? randomPassword();
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await handOver(passwordFile, o.as);
  const fresh = join(o.dataDir, `cluster.new-${process.pid}`);
  await mkdir(fresh, { mode: 0o700 });
  await handOver(fresh, o.as);
  await initialise(fresh, passwordFile, o);
  await rename(fresh, path);
  return { path, password };
}

async function initialise(
  folder: string,
  passwordFile: string,
  o: { binaries: PostgresBinaries; as: Unprivileged; fsync: boolean },
): Promise<void> {
  const argv = [
    ...o.as.prefix,
    join(o.binaries.root, 'bin', 'initdb'),
    ...['-D', folder, '-U', SUPERUSER, '--auth=scram-sha-256', '--encoding=UTF8', '--no-instructions'],
    // Built in: the same order and case rules whatever locales the machine has.
    ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
    ...(o.fsync ? [] : ['--no-sync']),
    `--pwfile=${passwordFile}`,
  ];
  await run(argv[0]!, argv.slice(1), { cwd: '/', env: POSTGRES_ENV, timeout: 120_000, ...o.as.user });
}

async function removeHalfMade(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name.startsWith('cluster.new-')) await rm(join(dataDir, name), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
