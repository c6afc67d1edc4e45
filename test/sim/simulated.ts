import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What `npm run sim` runs, without npm. */
const COMMAND = [
  '--disable-warning=ExperimentalWarning',
  '--experimental-transform-types',
  '--conditions=skein-source',
  join(import.meta.dirname, 'sim.ts'),
];

export interface Simulated<T> {
  exitCode: number | null;
  /** The last line of what it printed; null: it printed nothing. */
  result: T | null;
  /** What it told people. */
  told: string;
}

/** The real command, in a process of its own. `cacheDir`: where compiled sources are kept for the next one. */
export async function simulate<T>(args: string[], cacheDir: string): Promise<Simulated<T>> {
  const child = spawn(process.execPath, [...COMMAND, ...args], {
    env: { NODE_COMPILE_CACHE: cacheDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [printed, told] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const line = printed.trim().split('\n').at(-1) ?? '';
  return { exitCode: child.exitCode, result: line === '' ? null : (JSON.parse(line) as T), told };
}

export interface ManySeeds {
  seeds: number;
  failed: { seed: number; promise: string; story: ShortStory } | null;
  missing: string[];
}

export interface OneSeed {
  seed: number;
  digest: string;
  promise: string | null;
}

export interface ShortStory {
  promise: string;
  runs: number;
  lines: number;
  plans: number;
  steps: number;
  faults: number;
}
