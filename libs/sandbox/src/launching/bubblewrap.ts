import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunSpec } from '../run-spec.ts';
import { composeEnvironment, markerEnvironment, newMarker } from './environment.ts';
import { BEGIN, type Launch, fileBlocks } from './launch.ts';
import type { Scratch } from './scratch.ts';
import { type Mount, runView, systemView } from './view.ts';

export interface BubblewrapRequest {
  spec: RunSpec;
  scratch: Scratch;
  /** Where bwrap is. */
  bwrap: string;
  path: string;
  lang: string;
  readable: string[];
  extraWritable: string[];
  /** See ViewRequest. */
  covered: string[];
}

/** Where the program's home is, always: paths that end up in caches do not change between attempts. */
export const HOME_INSIDE = '/home/skein';

/**
 * Files of /proc that belong to root. A worker that is root is root for them inside its user namespace too: writing
 * /proc/sys/kernel/core_pattern there would be a way out (seen with bubblewrap 0.8). The list is Docker's.
 */
const PROC_READ_ONLY = [
  '/proc/sys',
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sysrq-trigger',
  '/proc/mtrr',
];
const PROC_EMPTY_FOLDERS = ['/proc/acpi', '/proc/scsi', '/proc/asound'];
const PROC_EMPTY_FILES = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/kmsg',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
];

/** bwrap(1): the program sees a file system that is made of what it is given and of nothing else. */
export async function launchInBubblewrap(request: BubblewrapRequest): Promise<Launch> {
  const { spec, scratch, bwrap } = request;
  const env = composeEnvironment(
    { PATH: request.path, LANG: request.lang, HOME: HOME_INSIDE, TMPDIR: '/tmp' },
    spec.env,
  );
  const view = await runView({
    readable: [...request.readable, ...spec.readable],
    writable: [...request.extraWritable, ...spec.writable],
    hidden: spec.hidden ?? [],
    covered: request.covered,
    // Never a PATH of the plan: its entries become visible.
    path: request.path,
  });
  const args = [
    ...namespaceArgs(spec.network, await canForbidUserNamespaces(bwrap)),
    ...mountArgs(await cachedSystemView(), scratch),
    ...baseArgs(spec, scratch),
    ...mountArgs(view, scratch),
    // Last, so that places to mount on could still be made.
    ...view.flatMap((mount) => (mount.kind === 'cover' ? ['--remount-ro', mount.at] : [])),
    '--remount-ro',
    '/',
    '--chdir',
    spec.cwd,
    '--clearenv',
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
  const marker = newMarker();
  const argumentsFile = join(scratch.dir, 'arguments');
  await writeFile(argumentsFile, args.map((arg) => `${arg}\0`).join(''), { mode: 0o600 });
  return {
    file: bwrap,
    args: [
      '--args',
      '3',
      '--',
      '/bin/sh',
      '-c',
      BEGIN,
      'sh',
      fileBlocks(spec.limits.diskBytes),
      ...spec.argv,
    ],
    env: markerEnvironment(marker),
    cwd: '/',
    argumentsFile,
    namespace: true,
    marker,
  };
}

function namespaceArgs(network: boolean, forbidUserNamespaces: boolean): string[] {
  return [
    '--unshare-all',
    ...(network ? ['--share-net'] : []),
    ...['--unshare-user', '--uid', '1000', '--gid', '1000'],
    ...(forbidUserNamespaces ? ['--disable-userns'] : []),
    ...['--hostname', 'skein', '--die-with-parent', '--new-session', '--info-fd', '4'],
  ];
}

function baseArgs(spec: RunSpec, scratch: Scratch): string[] {
  const there = (paths: string[]) => paths.filter((path) => existsSync(path));
  return [
    ...['--proc', '/proc'],
    ...there(PROC_READ_ONLY).flatMap((path) => ['--ro-bind', path, path]),
    ...there(PROC_EMPTY_FOLDERS).flatMap((path) => ['--tmpfs', path, '--remount-ro', path]),
    ...there(PROC_EMPTY_FILES).flatMap((path) => ['--ro-bind', join(scratch.etc, 'empty'), path]),
    // Folders of the scratch and no tmpfs: what lies there is measured, and takes no memory.
    ...['--dev', '/dev', '--bind', scratch.shm, '/dev/shm', '--remount-ro', '/dev'],
    ...['--bind', scratch.tmp, '/tmp', '--bind', spec.home ?? scratch.home, HOME_INSIDE],
    ...[
      '--ro-bind',
      join(scratch.etc, 'passwd'),
      '/etc/passwd',
      '--ro-bind',
      join(scratch.etc, 'group'),
      '/etc/group',
    ],
    // Names of the host's own network matter only to those who may reach it.
    ...[
      '--ro-bind',
      spec.network && existsSync('/etc/hosts') ? '/etc/hosts' : join(scratch.etc, 'hosts'),
      '/etc/hosts',
    ],
  ];
}

function mountArgs(mounts: Mount[], scratch: Scratch): string[] {
  return mounts.flatMap((mount) => {
    switch (mount.kind) {
      case 'read':
        // What vanished since we looked (a resolv.conf that was made anew) is missing, and no reason to fail.
        return ['--ro-bind-try', mount.source, mount.at];
      case 'write':
        return ['--bind', mount.source, mount.at];
      case 'symlink':
        return ['--symlink', mount.target, mount.at];
      case 'cover':
        return ['--tmpfs', mount.at];
      case 'empty-folder':
        return ['--tmpfs', mount.at, '--remount-ro', mount.at];
      case 'empty-file':
        return ['--ro-bind', join(scratch.etc, 'empty'), mount.at];
    }
  });
}

let system: Promise<Mount[]> | null = null;
function cachedSystemView(): Promise<Mount[]> {
  system ??= systemView();
  return system;
}

const forbidding = new Map<string, Promise<boolean>>();
/** Since bubblewrap 0.8, and not in every container: further user namespaces are much of the kernel to attack. */
function canForbidUserNamespaces(bwrap: string): Promise<boolean> {
  let known = forbidding.get(bwrap);
  if (known === undefined) {
    const args = [
      '--unshare-user',
      '--disable-userns',
      '--ro-bind',
      '/',
      '/',
      '--',
      '/bin/sh',
      '-c',
      'exit 0',
    ];
    known = promisify(execFile)(bwrap, args, { env: {}, timeout: 10_000 }).then(
      () => true,
      () => false,
    );
    forbidding.set(bwrap, known);
  }
  return known;
}
