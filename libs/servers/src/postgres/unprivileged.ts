import { execFile } from 'node:child_process';
import { chown, stat } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How to run Postgres, which refuses to run as root. */
export interface Unprivileged {
  kind: 'as-is' | 'user-namespace' | 'nobody';
  /** Goes before the command. */
  prefix: string[];
  user?: { uid: number; gid: number };
}

/**
 * An ordinary user runs it as it is. For root there are two ways:
 * - a user namespace in which root is user 1000: works in trees that only root can read;
 * - the user `nobody`, where namespaces are forbidden (many containers): needs folders that `nobody` can reach.
 */
export function dropRoot(): Promise<Unprivileged> {
  return (found ??= find());
}

let found: Promise<Unprivileged> | undefined;

async function find(): Promise<Unprivileged> {
  if (process.getuid?.() !== 0) return { kind: 'as-is', prefix: [] };
  const prefix = ['unshare', '--user', '--map-user=1000', '--'];
  const works = await run(prefix[0]!, [...prefix.slice(1), 'true'], { timeout: 10_000 }).then(
    () => true,
    () => false,
  );
  if (works) return { kind: 'user-namespace', prefix };
  return { kind: 'nobody', prefix: [], user: { uid: await idOf('-u'), gid: await idOf('-g') } };
}

/** For folders that hold a server's folder: private, but `nobody` has to pass through where it is the one. */
export async function folderMode(): Promise<number> {
  return (await dropRoot()).kind === 'nobody' ? 0o711 : 0o700;
}

/** Where `nobody` can reach the binaries: root's home is closed to it. */
export function binariesDir(cacheDir: string, as: Unprivileged): string {
  return as.kind === 'nobody' ? '/var/cache/skein' : cacheDir;
}

/** Files must belong to who runs the server; a folder may have been used in the other way before. */
export async function handOver(folder: string, as: Unprivileged): Promise<void> {
  const uid = as.user?.uid ?? process.getuid?.() ?? 0;
  const gid = as.user?.gid ?? process.getgid?.() ?? 0;
  if ((await stat(folder)).uid === uid) return;
  await chown(folder, uid, gid);
  await run('chown', ['-R', '-h', `${uid}:${gid}`, folder], { timeout: 60_000 });
}

/** Throws PostgresRefusesRootError when `nobody` cannot get at what it needs. */
export async function checkReachable(paths: string[], as: Unprivileged): Promise<void> {
  if (as.user === undefined) return;
  for (const path of paths) {
    try {
      await run('test', ['-x', path], { uid: as.user.uid, gid: as.user.gid, cwd: '/', timeout: 10_000 });
    } catch (cause) {
      throw new PostgresRefusesRootError(path, { cause });
    }
  }
}

async function idOf(flag: '-u' | '-g'): Promise<number> {
  const { stdout } = await run('id', [flag, 'nobody']);
  return Number.parseInt(stdout, 10);
}

export class PostgresRefusesRootError extends Error {
  readonly code = 'postgres-refuses-root';
  readonly retry = 'never';

  constructor(
    readonly path: string,
    options?: ErrorOptions,
  ) {
    super(
      `Postgres refuses to run as root. User namespaces do not work here, and the user "nobody" cannot reach ${path}. ` +
        'Run as an ordinary user, choose a data and cache folder that everybody can reach, or set DATABASE_URL.',
      options,
    );
    this.name = 'PostgresRefusesRootError';
  }
}
