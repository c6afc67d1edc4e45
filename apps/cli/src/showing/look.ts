import { join } from 'node:path';
import { loadSettings, stepEnvironment } from '#config';
import { RunRegistry } from '#servers';
import { silentLogger } from '#telemetry';
import { accessOf, Mirrors, type Mirror } from '#workspace';
import { Interrupts } from '../up/interrupts.ts';

/**
 * Looks at a repository and leaves nothing: not in it, and not on this disk, whether the look ends well, by Ctrl-C or
 * (with the next start of Skein) by kill -9. It sees what a worker with the same settings would see.
 */
export async function lookAtRepository<T>(
  o: { url: string; contents: boolean },
  work: (mirror: Mirror, scratchDir: string) => Promise<T>,
): Promise<T> {
  const settings = loadSettings();
  const log = silentLogger;
  using interrupts = new Interrupts();
  await using run = await new RunRegistry({ log, cacheDir: settings.dirs.cache }).begin({ kind: 'look' });
  const dir = await run.ephemeralDir('look');
  await using mirrors = new Mirrors({
    rootDir: join(dir, 'own'),
    ...accessOf(settings.git),
    path: stepEnvironment().PATH,
    look: { contents: o.contents },
    log,
  });
  const stopped = new Promise<never>((_, reject) =>
    interrupts.stop.addEventListener('abort', () => reject(interrupts.stop.reason as Error), { once: true }),
  );
  // Awaited here: what was opened is closed when this function is left.
  return await Promise.race([
    mirrors.open(o.url).then((mirror) => work(mirror, join(dir, 'scratch'))),
    stopped,
  ]);
}
