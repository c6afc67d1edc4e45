import { mkdir, readdir, rm, stat, writeFile, copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet } from '../fleet/fleet.ts';
import type { Judged } from '../oracle/judging.ts';

const KEPT_MAX = 5;

/** A new folder for what the programs say. Of earlier runs the newest few stay. */
export async function makeLogFolder(seed: number): Promise<string> {
  const parent = join(tmpdir(), 'skein-chaos-logs');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const times = await Promise.all(
    (await readdir(parent)).map(async (name) => ({ name, ms: (await stat(join(parent, name))).mtimeMs })),
  );
  times.sort((one, other) => other.ms - one.ms);
  for (const { name } of times.slice(KEPT_MAX - 1))
    await rm(join(parent, name), { recursive: true, force: true });
  const folder = join(parent, `seed-${seed}-${process.pid}`);
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

/** What is needed to understand a violation: the ledgers of its plans and the witness. */
export async function keepEvidence(logDir: string, fleet: Fleet, judged: Judged): Promise<void> {
  await copyFile(Fleet.witnessFile(fleet.folder), join(logDir, 'witness.log'));
  for (const { planId, shape, violations, events } of judged.broken.slice(0, 50)) {
    const lines = [...violations, ...events.map((event) => JSON.stringify(event))];
    await writeFile(join(logDir, `${shape}-${planId}.ledger`), `${lines.join('\n')}\n`);
  }
}
