import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Older ones silently ignore settings that we depend on. */
export const OLDEST_NATS = { major: 2, minor: 12 };

/** The one we build and test on. */
export const BUILT_NATS_VERSION = '2.15.1';

/** Null when the program cannot be run or is something else. */
export async function versionOf(path: string): Promise<string | null> {
  const answer = await run(path, ['--version'], { timeout: 10_000 }).catch(() => null);
  return /nats-server:? v?(\d+\.\d+\.\d+\S*)/.exec(answer?.stdout ?? '')?.[1] ?? null;
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_NATS.major || (major === OLDEST_NATS.major && minor >= OLDEST_NATS.minor);
}
