import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** Where a program is, by PATH and in the usual folders; null when it is nowhere. */
export async function findProgram(name: string, path: string): Promise<string | null> {
  for (const folder of [...path.split(delimiter), '/usr/bin', '/bin', '/usr/local/bin']) {
    if (!isAbsolute(folder)) continue;
    const candidate = join(folder, name);
    const usable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return candidate;
  }
  return null;
}
