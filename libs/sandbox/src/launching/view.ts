import { type Stats } from 'node:fs';
import { lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

/** One thing that the program sees. */
export type Mount =
  | { kind: 'read' | 'write'; source: string; at: string }
  | { kind: 'symlink'; target: string; at: string }
  /** An empty folder or file in the place of a real one. */
  | { kind: 'empty-folder' | 'empty-file'; at: string }
  /** Like an empty folder, but other things may lie upon it. */
  | { kind: 'cover'; at: string };

export interface ViewRequest {
  readable: string[];
  writable: string[];
  hidden: string[];
  /** Folders of the worker: not to be seen even where they lie in a folder that is, but for what is given of them. */
  covered: string[];
  path: string;
}

const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/opt', '/nix'];

/** What programs need to find libraries, certificates, names and the time. No host keys, no users, no settings. */
const ETC =
  /^(resolv\.conf|nsswitch\.conf|host\.conf|gai\.conf|protocols|services|ssl|ca-certificates|ca-certificates\.conf|pki|alternatives|ld\.so\..*|localtime|timezone|os-release|mime\.types|fonts|terminfo|java-.*)$/;
/** Inside those, and readable for a worker that runs as root. */
const PRIVATE_KEYS = ['/etc/ssl/private', '/etc/pki/tls/private', '/etc/pki/CA/private'];

/** Folders of the system, the same for every run. */
export async function systemView(): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const folder of SYSTEM_FOLDERS) mounts.push(...(await seenAs(folder)));
  for (const name of await readdir('/etc').catch(() => [])) {
    if (ETC.test(name)) mounts.push(...(await readIfThere(`/etc/${name}`)));
  }
  for (const folder of PRIVATE_KEYS) {
    if ((await look(folder))?.isDirectory()) mounts.push({ kind: 'empty-folder', at: folder });
  }
  return mounts;
}

/** What one run may see beside the system, outer folders first so that inner ones lie upon them. */
export async function runView(request: ViewRequest): Promise<Mount[]> {
  const reads = [...(await runtimeFolders(request.path)), ...request.readable];
  const readMounts = (await Promise.all(reads.map(readIfThere))).flat();
  const mounts: Mount[] = [...readMounts];
  for (const path of request.writable) {
    if ((await look(path)) !== null) mounts.push({ kind: 'write', source: await realpath(path), at: path });
    const git = join(path, '.git');
    // Never through a symlink: an earlier run may have made it, and it may point anywhere.
    const kept = await look(git);
    if (kept?.isFile() || kept?.isDirectory()) mounts.push({ kind: 'read', source: git, at: git });
  }
  mounts.push(...(await covers(request.covered, mounts)));
  mounts.sort((a, b) => depth(a.at) - depth(b.at) || rank(a) - rank(b));
  for (const path of request.hidden) {
    const kept = await look(path);
    if (kept?.isDirectory()) mounts.push({ kind: 'empty-folder', at: path });
    else if (kept?.isFile()) mounts.push({ kind: 'empty-file', at: path });
  }
  return mounts;
}

/**
 * What PATH needs that lies outside the system's folders: its entries, and where `node` and its companions really
 * are (version managers and node_modules/.bin link to them).
 */
export async function runtimeFolders(path: string): Promise<string[]> {
  const folders = new Set<string>();
  for (const entry of path.split(delimiter)) {
    if (!isAbsolute(entry) || isSystem(entry) || entry === '/') continue;
    if (!(await look(entry))) continue;
    folders.add(entry);
    for (const name of ['node', 'npm', 'npx', 'corepack']) {
      const program = await realpath(join(entry, name)).catch(() => null);
      if (program === null || isSystem(program)) continue;
      folders.add(dirname(program));
      const modules = join(dirname(dirname(program)), 'lib', 'node_modules');
      if (name === 'node' && (await look(modules))?.isDirectory()) folders.add(modules);
    }
  }
  return [...folders];
}

/** Covers go where a folder shows what is to be covered, which may be under another name than its own. */
async function covers(folders: string[], mounts: Mount[]): Promise<Mount[]> {
  const shown = SYSTEM_FOLDERS.map((folder) => ({ source: folder, at: folder }));
  for (const mount of mounts) if ('source' in mount) shown.push({ source: mount.source, at: mount.at });
  const places = new Set<string>();
  for (const folder of folders) {
    const real = await realpath(folder).catch(() => null);
    if (real === null) continue;
    for (const { source, at } of shown) {
      if (real.startsWith(`${source}/`)) places.add(join(at, real.slice(source.length)));
    }
  }
  return [...places].map((at) => ({ kind: 'cover', at }));
}

function isSystem(path: string): boolean {
  return SYSTEM_FOLDERS.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** `/bin` is a link to `usr/bin` on most systems and must stay one. */
async function seenAs(folder: string): Promise<Mount[]> {
  const stats = await look(folder);
  if (stats === null) return [];
  if (!stats.isSymbolicLink()) return [{ kind: 'read', source: folder, at: folder }];
  return [{ kind: 'symlink', target: await readlink(folder), at: folder }];
}

async function readIfThere(path: string): Promise<Mount[]> {
  const source = await realpath(path).catch(() => null);
  return source === null ? [] : [{ kind: 'read', source, at: path }];
}

async function look(path: string): Promise<Stats | null> {
  return lstat(path).catch(() => null);
}

function depth(path: string): number {
  return path.split('/').filter((part) => part !== '').length;
}

/** At the same place, writable wins; a cover hides what is readable there, and nothing that was given on purpose. */
function rank(mount: Mount): number {
  return mount.kind === 'write' ? 2 : mount.kind === 'cover' ? 1 : 0;
}
