import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { ProcessIdentity } from '../processes.ts';

/** What a launcher has running and lying about, so that the next one can clean up after its death. */
export interface RunRecord {
  version: 1;
  id: string;
  /** Process ids mean something on one machine (or in one container) only. */
  host: string;
  /** `up`, `demo`, `test`: for people. */
  kind: string;
  startedAt: string;
  owner: ProcessIdentity;
  dataDir: string | null;
  children: RunChild[];
  /** Folders that go with the run. */
  ephemeral: string[];
}

export type RunChild =
  | ({ role: ChildRole; folder: string | null } & ProcessIdentity)
  | { role: 'nats-container'; docker: string; folder: string };

/** Servers go last, and with the signals that they want. */
export type ChildRole = 'postgres' | 'nats' | 'program';

export function newRecord(kind: string, owner: ProcessIdentity, dataDir: string | null): RunRecord {
  return {
    version: 1,
    id: `${kind}-${owner.pid}-${randomBytes(4).toString('hex')}`,
    host: hostname(),
    kind,
    startedAt: new Date().toISOString(),
    owner,
    dataDir,
    children: [],
    ephemeral: [],
  };
}

export function recordPath(baseDir: string, id: string): string {
  return join(baseDir, `${id}.json`);
}

/** The file is whole at any time: a launcher may be killed while it writes. */
export async function writeRecord(baseDir: string, record: RunRecord): Promise<void> {
  const path = recordPath(baseDir, record.id);
  const fresh = join(dirname(path), `.${record.id}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    await writeFile(fresh, JSON.stringify(record, null, 2), { mode: 0o600 });
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** Null: no record, or one that this version does not understand. */
export async function readRecord(path: string): Promise<RunRecord | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const record = JSON.parse(text) as RunRecord;
    return record.version === 1 && Array.isArray(record.children) && Array.isArray(record.ephemeral)
      ? record
      : null;
  } catch {
    return null;
  }
}
