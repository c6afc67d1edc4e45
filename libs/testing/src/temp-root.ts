import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// One folder per Jest run holds all temporary folders of its tests: made and removed by the global set-up.
const PREFIX = 'skein-test-';
const VARIABLE = 'SKEIN_TEST_ROOT';

export function makeTempRoot(): void {
  removeRootsOfDeadRuns();
  const prefix = join(tmpdir(), `${PREFIX}${process.pid}-`);
  // The set-up runs once per project. An inherited folder is that of a Jest run that started this one: not ours.
  if (process.env[VARIABLE]?.startsWith(prefix) !== true) process.env[VARIABLE] = makeFolder(prefix);
}

export function removeTempRoot(): void {
  const root = process.env[VARIABLE];
  if (root === undefined) return;
  delete process.env[VARIABLE];
  rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Null outside of a run with one of the global set-ups. */
export function tempRoot(): string | null {
  return process.env[VARIABLE] ?? null;
}

/** A new empty folder, not readable for others. It goes when the run ends, so tests need not remove it. */
export async function tempDir(name = 'dir'): Promise<string> {
  const root = process.env[VARIABLE];
  if (root === undefined) throw new Error('The global set-up of libs/testing did not run.');
  mkdirSync(root, { recursive: true });
  return makeFolder(join(root, `${name}-`));
}

/** Where root cannot use user namespaces its Postgres runs as `nobody`, who has to pass through. */
function makeFolder(prefix: string): string {
  const path = mkdtempSync(prefix);
  if (process.getuid?.() === 0) chmodSync(path, 0o711);
  return path;
}

function removeRootsOfDeadRuns(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
