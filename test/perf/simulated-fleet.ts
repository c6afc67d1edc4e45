import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { NAMESPACE, type BenchStack } from './bench-stack.ts';

const PROGRAM = join(import.meta.dirname, 'simulated-workers.ts');
const READY_TIMEOUT_MS = 60_000;

export interface SimulatedFleet {
  workers: number;
  slots: number;
  /** Shortest and longest time that a step is held. */
  minMs: number;
  maxMs: number;
}

/** Returns its stopper. */
export async function startSimulated(
  { nats, folder }: BenchStack,
  o: SimulatedFleet,
): Promise<() => Promise<void>> {
  const args = ['--nats', nats.url, '--namespace', NAMESPACE];
  for (const [name, value] of Object.entries(o)) args.push(`--${name}`, String(value));
  const env = { ...process.env, SKEIN_BENCH: folder };
  const child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const ready = once(child.stdout, 'data', { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
  await Promise.race([ready, ended.then(() => Promise.reject(new Error('the simulated workers ended')))]);
  return async () => {
    child.stdin.end();
    await ended;
  };
}
