import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** How much there is of something on a disk. */
export interface Extent {
  files: number;
  /** Lengths, not blocks. */
  bytes: number;
}

/**
 * What lies at a path, folders themselves not counted; symlinks count as files and are not followed. In memory are only
 * the folders that are still to be looked into. What vanishes meanwhile, or may not be read, does not count.
 */
export async function measure(path: string): Promise<Extent> {
  const extent: Extent = { files: 0, bytes: 0 };
  const folders: string[] = [];
  const look = async (entry: string): Promise<void> => {
    const info = await lstat(entry).catch(() => null);
    if (info === null) return;
    if (info.isDirectory()) folders.push(entry);
    else {
      extent.files += 1;
      extent.bytes += info.size;
    }
  };
  await look(path);
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await opendir(folder).catch(() => null);
    if (entries === null) continue;
    for await (const entry of entries) await look(join(folder, entry.name));
  }
  return extent;
}
