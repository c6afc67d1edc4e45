import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { LOOPBACK } from '../free-port.ts';
import { BUILT_NATS_VERSION } from './version.ts';

const run = promisify(execFile);
const IMAGE = `nats:${BUILT_NATS_VERSION}`;
const PULL_TIMEOUT_MS = 10 * 60_000;

/** In the container; the outside port is bound to the loopback interface only. */
export const CONTAINER_PORT = 4222;
export const CONTAINER_DIR = '/skein';

/** A client without an engine is common: the engine itself is asked. Pulls the image if it is not there. */
export async function findDockerImage(
  docker: string,
  onProgress?: (line: string) => void,
): Promise<{ image: string } | { problem: string }> {
  const engine = await attempt(docker, ['info', '--format', '{{.ServerVersion}}'], 15_000);
  if (engine === null || engine === '') return { problem: 'no engine answers' };
  if ((await attempt(docker, ['image', 'inspect', '--format', '{{.Id}}', IMAGE], 15_000)) !== null)
    return { image: IMAGE };
  onProgress?.(`Fetching the Docker image ${IMAGE} (once) ...`);
  if ((await attempt(docker, ['pull', '--quiet', IMAGE], PULL_TIMEOUT_MS)) !== null) return { image: IMAGE };
  return { problem: `the image ${IMAGE} cannot be had` };
}

/** One container per store folder, named after it, so that the next owner finds what a dead one left. */
export function containerName(storeDir: string): string {
  return `skein-nats-${createHash('sha256').update(storeDir).digest('hex').slice(0, 16)}`;
}

/** Returns the pid of the server in the container; 0 when the engine runs elsewhere (Docker Desktop). */
export async function runContainer(o: {
  docker: string;
  image: string;
  storeDir: string;
  port: number;
}): Promise<number> {
  const user =
    process.getuid === undefined ? [] : ['--user', `${process.getuid()}:${process.getgid?.() ?? 0}`];
  const name = containerName(o.storeDir);
  await run(
    o.docker,
    [
      ...['run', '--detach', '--name', name, ...user],
      ...[
        '--publish',
        `${LOOPBACK}:${o.port}:${CONTAINER_PORT}`,
        '--volume',
        `${o.storeDir}:${CONTAINER_DIR}`,
      ],
      ...[o.image, '--config', `${CONTAINER_DIR}/nats.conf`],
    ],
    { timeout: 60_000 },
  );
  const pid = await attempt(o.docker, ['inspect', '--format', '{{.State.Pid}}', name], 15_000);
  return Number(pid ?? 0);
}

export interface ContainerEnd {
  /** Resolves when the container has ended, or is gone. Waiting for it keeps nobody from ending. */
  reached: Promise<void>;
  reachedWithin(timeoutMs: number): Promise<boolean>;
}

export function containerEnd(docker: string, storeDir: string): ContainerEnd {
  const waiting = spawn(docker, ['wait', containerName(storeDir)], { stdio: 'ignore' });
  waiting.unref();
  const reached = new Promise<void>((resolve) => {
    waiting.once('exit', () => resolve());
    waiting.once('error', () => resolve());
  });
  return {
    reached,
    reachedWithin: async (timeoutMs) => {
      const timer = new AbortController();
      const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
      const inTime = await Promise.race([reached.then(() => true), late]);
      timer.abort();
      return inTime;
    },
  };
}

/** Fine when there is none. */
export async function removeContainer(docker: string, storeDir: string, graceS: number): Promise<void> {
  const name = containerName(storeDir);
  await attempt(docker, ['stop', '--time', String(graceS), name], (graceS + 15) * 1000);
  await attempt(docker, ['rm', '--force', name], 30_000);
}

async function attempt(docker: string, args: string[], timeoutMs: number): Promise<string | null> {
  return run(docker, args, { timeout: timeoutMs }).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}
