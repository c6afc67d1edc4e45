import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PLANTED_BUGS } from './planted-bugs.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** The bug is not there to be planted: its name is unknown, or the product's text has changed. */
export class PlantingError extends Error {
  readonly code = 'planting-failed';
}

/**
 * Changes the product's source as it is loaded, in this process alone. To be called before any of it is. Throws
 * PlantingError when the text to be changed is not there exactly once: then the bug is to be planted anew.
 */
export function plant(name: string): void {
  const bug = PLANTED_BUGS[name];
  if (!bug)
    throw new PlantingError(`no bug is called ${name}; there are ${Object.keys(PLANTED_BUGS).join(', ')}`);
  const changed = new Map<string, string>();
  for (const { file, text, instead } of bug.edits) {
    const url = pathToFileURL(join(ROOT, file)).href;
    const source = changed.get(url) ?? readFileSync(join(ROOT, file), 'utf8');
    if (source.split(text).length !== 2)
      throw new PlantingError(`${name}: ${file} does not hold this text exactly once:\n${text}`);
    changed.set(
      url,
      source.replace(text, () => instead),
    );
  }
  registerHooks({
    load(url, context, nextLoad) {
      const source = changed.get(url);
      return source === undefined
        ? nextLoad(url, context)
        : { format: 'module-typescript', source, shortCircuit: true };
    },
  });
}
