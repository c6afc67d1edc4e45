import { type Stats } from 'node:fs';
import { lstat, opendir, statfs } from 'node:fs/promises';
import { join } from 'node:path';

export interface DiskUse {
  bytes: number;
  /** Counting stopped at the limit, or below a folder that is nested deeper than a path can say. */
  exceeded: boolean;
  /** Some folder could not be listed: its owner took the permission away. */
  unreadable: boolean;
}

/** An empty file takes an inode and its name. */
const BYTES_PER_ENTRY_MIN = 1_024;
const ENTRIES_AT_ONCE = 32;

/** What the folders take on disk (blocks, not lengths: a sparse file is cheap). Stops counting above the limit. */
export async function diskUse(folders: string[], limitBytes: number): Promise<DiskUse> {
  const use: DiskUse = { bytes: 0, exceeded: false, unreadable: false };
  for (const folder of folders) {
    const pending = [folder];
    for (let next = pending.pop(); next !== undefined && !use.exceeded; next = pending.pop()) {
      await countFolder(next, limitBytes, use, pending);
    }
  }
  return use;
}

async function countFolder(
  folder: string,
  limitBytes: number,
  use: DiskUse,
  pending: string[],
): Promise<void> {
  let names: string[] = [];
  const count = async () => {
    const paths = names.map((name) => join(folder, name));
    names = [];
    const all = await Promise.all(paths.map(async (path) => [path, await look(path, use)] as const));
    for (const [path, stats] of all) {
      if (stats === null) continue;
      use.bytes += Math.max(stats.blocks * 512, BYTES_PER_ENTRY_MIN);
      if (stats.isDirectory()) pending.push(path);
    }
    if (use.bytes > limitBytes) use.exceeded = true;
  };
  try {
    for await (const entry of await opendir(folder, { bufferSize: 256 })) {
      names.push(entry.name);
      if (names.length >= ENTRIES_AT_ONCE) await count();
      if (use.exceeded) return;
    }
  } catch (error) {
    judge(error, use);
  }
  await count();
}

async function look(path: string, use: DiskUse): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    judge(error, use);
    return null;
  }
}

/** Things vanish while we count. But what we are kept from counting must not be a place to hide. */
function judge(error: unknown, use: DiskUse): void {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENAMETOOLONG') use.exceeded = true;
  if (code === 'EACCES') use.unreadable = true;
}

const MS_BETWEEN_COUNTS_MIN = 500;
/** Counting takes at most a tenth of the time. */
const REST_FACTOR = 10;

/**
 * Watches what a run's folders hold. Counting 100,000 files takes a second or two, so it is done when the file
 * system's free space says that it could matter, and now and then in any case.
 */
export class DiskWatch {
  private usedBytes = 0;
  private unreadable = false;
  private free: number | null = null;
  private countedAt = -Infinity;
  private restMs = MS_BETWEEN_COUNTS_MIN;

  constructor(
    private readonly folders: string[],
    private readonly limitBytes: number,
  ) {}

  /** Whether the folders hold more than the limit; `final`: what was written since the last count matters too. */
  async exceeded(final = false): Promise<boolean> {
    if (this.limitBytes === Infinity) return false;
    const free = await freeBytes(this.folders);
    const dropped = this.free === null || free === null ? 0 : this.free - free;
    const remaining = this.limitBytes - this.usedBytes;
    const suspicious = dropped * 2 >= remaining;
    const sinceMs = performance.now() - this.countedAt;
    const due = sinceMs >= this.restMs || (suspicious && (final || sinceMs >= MS_BETWEEN_COUNTS_MIN));
    if (!due) return false;
    if (this.unreadable && dropped >= remaining) return true;
    return this.count(free);
  }

  private async count(free: number | null): Promise<boolean> {
    const since = performance.now();
    const use = await diskUse(this.folders, this.limitBytes);
    this.usedBytes = use.bytes;
    this.unreadable = use.unreadable;
    this.free = free;
    this.countedAt = performance.now();
    this.restMs = Math.max(MS_BETWEEN_COUNTS_MIN, (this.countedAt - since) * REST_FACTOR);
    return use.exceeded;
  }
}

/** Of the first folder's file system, an inode counted as an entry. Null when it cannot be asked. */
async function freeBytes(folders: string[]): Promise<number | null> {
  try {
    const info = await statfs(folders[0] ?? '/');
    return info.bfree * info.bsize + info.ffree * BYTES_PER_ENTRY_MIN;
  } catch {
    return null;
  }
}
