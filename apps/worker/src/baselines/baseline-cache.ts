import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaselineCheck } from '#contracts';
import type { Logger } from '#telemetry';

/** All that the verdict of a check may depend on and that we know of. */
export interface BaselineIdentity {
  url: string;
  baseSha: string;
  setup: string[];
  verify: string[];
  env: Record<string, string>;
  values: Record<string, string>;
  network: boolean;
  sandbox: string;
}

export interface BaselineCacheOptions {
  /** Made when missing; the workers of a host share it. */
  dir: string;
  log: Logger;
  /** Default: 24 h. What a host has installed changes without a word to us. */
  ageMsMax?: number;
  /** Default 1,000: a few KB each at most. */
  entriesMax?: number;
  now?: () => number;
}

const VERSION = 1;
const HOUR_MS = 3_600_000;
const ENTRY_BYTES_MAX = 256 * 1024;
const ENTRY = /^[0-9a-f]{64}\.json$/;
/** Of a writer that was killed. */
const UNFINISHED = /^[0-9a-f]{64}\.json~[0-9a-f]+$/;

/**
 * Bases on which all checks were green, on this host's disk. Only those: a red one is worth another look, and a flaky
 * one must be named to each plan anew. Nothing waits for it: what cannot be read is not there, what cannot be written
 * is checked again.
 */
export class BaselineCache {
  private readonly ageMsMax: number;
  private readonly entriesMax: number;
  private readonly now: () => number;

  constructor(private readonly o: BaselineCacheOptions) {
    this.ageMsMax = o.ageMsMax ?? 24 * HOUR_MS;
    this.entriesMax = o.entriesMax ?? 1_000;
    this.now = o.now ?? Date.now;
  }

  /** The checks as they were when they were run; null when that is not known, or too long ago. */
  async get(identity: BaselineIdentity): Promise<BaselineCheck[] | null> {
    try {
      const text = await readBounded(this.pathOf(identity));
      return text === null ? null : this.readEntry(text, identity);
    } catch (error) {
      this.o.log.warn({ err: error }, 'the cache of baselines could not be read');
      return null;
    }
  }

  /** Ignores what is not green throughout. Never throws. */
  async put(identity: BaselineIdentity, checks: BaselineCheck[]): Promise<void> {
    if (!checks.every((check) => check.verdict === 'green')) return;
    try {
      const durations = checks.map((check) => check.durationMs);
      await this.write(this.pathOf(identity), { version: VERSION, at: this.now(), durations });
      await this.prune();
    } catch (error) {
      this.o.log.warn({ err: error }, 'the cache of baselines could not be written');
    }
  }

  private readEntry(text: string, { verify }: BaselineIdentity): BaselineCheck[] | null {
    const entry = JSON.parse(text) as { version?: unknown; at?: unknown; durations?: unknown };
    const { version, at, durations } = entry ?? {};
    if (version !== VERSION || typeof at !== 'number' || !Array.isArray(durations)) return null;
    const ageMs = this.now() - at;
    if (ageMs > this.ageMsMax || ageMs < -HOUR_MS) return null;
    if (durations.length !== verify.length || !durations.every(Number.isSafeInteger)) return null;
    return verify.map((command, index) => ({
      command,
      verdict: 'green',
      durationMs: durations[index] as number,
      reason: null,
    }));
  }

  private pathOf(identity: BaselineIdentity): string {
    const { url, baseSha, setup, verify, env, values, network, sandbox } = identity;
    const sorted = [env, values].map((of) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));
    const all = [
      VERSION,
      process.version,
      process.arch,
      url,
      baseSha,
      setup,
      verify,
      sorted,
      network,
      sandbox,
    ];
    return join(this.o.dir, `${createHash('sha256').update(JSON.stringify(all)).digest('hex')}.json`);
  }

  /** Whole or not at all, also when the host loses its power. */
  private async write(
    path: string,
    entry: { version: number; at: number; durations: number[] },
  ): Promise<void> {
    await mkdir(this.o.dir, { recursive: true, mode: 0o700 });
    const unfinished = `${path}~${randomBytes(6).toString('hex')}`;
    try {
      const file = await open(unfinished, 'wx', 0o600);
      try {
        await file.writeFile(JSON.stringify(entry));
        await file.sync();
        // By our clock, which is also the one that says how old it is.
        await file.utimes(entry.at / 1_000, entry.at / 1_000);
      } finally {
        await file.close();
      }
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  /** The oldest go when there are too many, and so does what is past its time. Others may do the same meanwhile. */
  private async prune(): Promise<void> {
    const entries: { path: string; ageMs: number }[] = [];
    for (const name of await readdir(this.o.dir)) {
      if (!ENTRY.test(name) && !UNFINISHED.test(name)) continue;
      const path = join(this.o.dir, name);
      const found = await stat(path).catch(() => null);
      if (found === null) continue;
      const ageMs = this.now() - found.mtimeMs;
      if (ageMs > (ENTRY.test(name) ? this.ageMsMax : HOUR_MS)) await rm(path, { force: true });
      else if (ENTRY.test(name)) entries.push({ path, ageMs });
    }
    entries.sort((a, b) => a.ageMs - b.ageMs);
    for (const { path } of entries.slice(this.entriesMax)) await rm(path, { force: true });
  }
}

/** null: there is none, or nothing that we would have written. */
async function readBounded(path: string): Promise<string | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= ENTRY_BYTES_MAX ? await file.readFile('utf8') : null;
  } finally {
    await file.close();
  }
}
