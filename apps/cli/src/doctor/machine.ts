import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { detectSandbox } from '#sandbox';
import type { Logger } from '#telemetry';
import { nextFreePort } from '../up/ports.ts';
import { found, missing, weak, type Finding } from './finding.ts';

const DISK_BYTES_MIN = 2 * 1024 ** 3;

export async function checkSandbox(o: { path: string; log: Logger; required: boolean }): Promise<Finding> {
  const { kind, reason } = await detectSandbox(o);
  if (kind === 'bubblewrap') return found('sandbox', reason);
  const todo =
    'install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap); on macOS use Docker or a Linux VM for code that you do not trust';
  return o.required
    ? missing('sandbox', `SKEIN_SANDBOX=required, but there is only ${reason}`, todo)
    : weak('sandbox', `${reason}; only plans of trusted tenants run`, todo);
}

export async function checkDataDir(path: string): Promise<Finding> {
  const existing = await nearestExisting(path);
  const exists = existing === path;
  try {
    await access(existing, constants.W_OK | constants.X_OK);
  } catch {
    return missing(
      'data directory',
      `${existing} cannot be written`,
      'choose another one with --data-dir or SKEIN_DATA_DIR',
    );
  }
  if (exists && ((await stat(path)).mode & 0o077) !== 0) {
    return weak(
      'data directory',
      `${path} can be read by others`,
      `\`skein up\` makes it private, or do it now: chmod 700 ${path}`,
    );
  }
  return found('data directory', exists ? path : `${path} (will be made)`);
}

export async function checkDisk(path: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestExisting(path));
  const free = bavail * bsize;
  const detail = `${(free / 1024 ** 3).toFixed(1)} GB free for ${path}`;
  if (free >= DISK_BYTES_MIN) return found('disk', detail);
  return weak('disk', detail, 'free some space: worktrees and the ledger need it');
}

export async function checkPort(wanted: number, host: string): Promise<Finding> {
  const port = await nextFreePort(wanted, host).catch(() => null);
  if (port === wanted) return found('port', `${wanted} is free`);
  if (port === null)
    return missing(
      'port',
      `${wanted} and the next ones are taken`,
      'choose another one with --port or SKEIN_PORT',
    );
  return found('port', `${wanted} is taken (perhaps by \`skein up\` itself); ${port} would be used`);
}

async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const exists = await stat(folder).then(
      () => true,
      () => false,
    );
    if (exists || dirname(folder) === folder) return folder;
  }
}
