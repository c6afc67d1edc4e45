import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '#telemetry';
import { usableCacheDir } from '../cache-dir.ts';
import { claimDir, DataDirInUseError } from '../data-dir.ts';
import { FileLock } from '../file-lock.ts';
import { identify, isAlive } from '../processes.ts';
import { findUnrecorded, removeFolders, stopChildren } from './leftovers.ts';
import { newRecord, readRecord, recordPath, writeRecord, type RunRecord } from './run-record.ts';
import { Run } from './run.ts';

export interface Swept {
  /** Ids of the dead runs. */
  runs: string[];
  /** Processes that still ran and were stopped. */
  pids: number[];
  folders: string[];
}

/** Stopping a Postgres may take 25 s. */
const SWEEP_LOCK_TIMEOUT_MS = 120_000;
/** A record of another machine on a shared home folder, or one that nobody can read. */
const FOREIGN_RECORD_MS = 30 * 86_400_000;

/** The runs of this user on this machine, live and dead; one file each. */
export class RunRegistry {
  private readonly baseDir: string;
  private readonly log: Logger;

  constructor(o: { cacheDir?: string; log: Logger }) {
    this.baseDir = join(usableCacheDir(o.cacheDir), 'runs');
    this.log = o.log;
  }

  /**
   * Cleans up after dead runs, then registers one of this process. With a data folder: claims it for the run.
   * Throws DataDirInUseError.
   */
  async begin(o: { kind: string; dataDir?: string }): Promise<Run> {
    await this.sweep();
    const claim = o.dataDir === undefined ? null : await claimDir(o.dataDir);
    try {
      const owner = await identify(process.pid);
      if (owner === null) throw new Error('This process cannot find itself in the process table.');
      const record = newRecord(o.kind, owner, claim?.path ?? null);
      await writeRecord(this.baseDir, record);
      return new Run(this.baseDir, record, claim, this.log);
    } catch (error) {
      await claim?.release();
      throw error;
    }
  }

  /** Stops and removes what dead runs left. What belongs to a live run is never touched. */
  async sweep(): Promise<Swept> {
    await mkdir(this.baseDir, { recursive: true, mode: 0o700 });
    const lock = await FileLock.acquire(join(this.baseDir, 'registry.lock'), SWEEP_LOCK_TIMEOUT_MS);
    try {
      const swept: Swept = { runs: [], pids: [], folders: [] };
      for (const name of await readdir(this.baseDir)) {
        if (name.endsWith('.json')) await this.visit(name, swept);
        else if (name.endsWith('.tmp')) await this.removeIfOld(name, 3_600_000);
      }
      return swept;
    } finally {
      await lock.release();
    }
  }

  private async visit(name: string, swept: Swept): Promise<void> {
    const record = await readRecord(join(this.baseDir, name));
    if (record === null || record.host !== hostname()) return this.removeIfOld(name, FOREIGN_RECORD_MS);
    if (await isAlive(record.owner)) return;
    this.log.info({ run: record.id, owner: record.owner.pid }, 'Cleaning up after a run that was killed');
    await this.clean(record, swept);
    await rm(recordPath(this.baseDir, record.id), { force: true });
    swept.runs.push(record.id);
  }

  private async clean(record: RunRecord, swept: Swept): Promise<void> {
    const folders = [...record.ephemeral];
    // Somebody else may work in the data folder by now: its servers are not the dead run's.
    if (record.dataDir !== null && (await isUnclaimed(record.dataDir))) folders.push(record.dataDir);
    const unrecorded = await findUnrecorded(folders);
    const known = new Set(record.children.map((child) => ('pid' in child ? child.pid : 0)));
    const children = [
      ...record.children,
      ...unrecorded.filter((child) => 'pid' in child && !known.has(child.pid)),
    ];
    swept.pids.push(...(await stopChildren(children, this.log)));
    swept.folders.push(...(await removeFolders(record.ephemeral, this.log)));
  }

  private async removeIfOld(name: string, ageMs: number): Promise<void> {
    const path = join(this.baseDir, name);
    const modified = await stat(path).then(
      (info) => info.mtimeMs,
      () => null,
    );
    if (modified !== null && Date.now() - modified > ageMs) await rm(path, { force: true });
  }
}

async function isUnclaimed(dataDir: string): Promise<boolean> {
  const exists = await stat(dataDir).then(
    () => true,
    () => false,
  );
  // Somebody removed it, below servers that may still run.
  if (!exists) return true;
  try {
    await (await claimDir(dataDir)).release();
    return true;
  } catch (error) {
    if (error instanceof DataDirInUseError) return false;
    throw error;
  }
}
