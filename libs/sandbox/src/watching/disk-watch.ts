import { statfs } from 'node:fs/promises';
import { BYTES_PER_ENTRY_MIN, type DiskUse, diskUse, diskUseByDu } from './disk-usage.ts';

const MS_BETWEEN_COUNTS_MIN = 500;
/** All runs of this process together count during at most a tenth of the time. */
const REST_FACTOR = 10;
/** Up to here our own counting is cheaper than a process. */
const ENTRIES_BEFORE_DU = 3_000;

let watching = 0;

/**
 * Watches what a run's folders hold. Counting takes time in proportion to their files, so it is done when the file
 * system's free space says that it could matter, and now and then in any case.
 */
export class DiskWatch {
  private usedBytes = 0;
  private unreadable = false;
  private free: number | null = null;
  private countedAt = -Infinity;
  private restMs = MS_BETWEEN_COUNTS_MIN;
  private byDu = false;
  private readonly closing = new AbortController();

  constructor(
    private readonly folders: string[],
    private readonly limitBytes: number,
  ) {
    watching++;
  }

  close(): void {
    if (!this.closing.signal.aborted) watching--;
    this.closing.abort();
  }

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
    // Others may have taken the space: unfair, and only where a program hides its files from us.
    if (this.unreadable && dropped >= remaining) return true;
    const since = performance.now();
    const use = await this.count();
    this.usedBytes = use.bytes;
    this.unreadable = use.unreadable;
    this.free = free;
    this.countedAt = performance.now();
    this.restMs = Math.max(MS_BETWEEN_COUNTS_MIN, (this.countedAt - since) * REST_FACTOR * watching);
    return use.exceeded;
  }

  private async count(): Promise<DiskUse> {
    if (!this.byDu) {
      const use = await diskUse(this.folders, this.limitBytes, ENTRIES_BEFORE_DU);
      if (!use.incomplete) return use;
      this.byDu = true;
    }
    const { signal } = this.closing;
    const use = await diskUseByDu(this.folders, this.limitBytes, signal);
    return use ?? diskUse(this.folders, this.limitBytes, signal.aborted ? 0 : Infinity);
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
