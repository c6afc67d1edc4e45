import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder of our package.json. Found by walking up, so that it is the same from the sources (tests) and from
 * dist: files that are not TypeScript (the demo's service, bin) are not copied by the build.
 */
export const packageRoot = findPackageRoot(import.meta.dirname);

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
}

/** The built program of an app. */
export function builtProgram(app: 'coordinator' | 'worker' | 'cli', entry = 'main'): string {
  return join(packageRoot, 'dist', 'apps', app, 'src', `${entry}.js`);
}

function findPackageRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    // dist may one day hold a package.json of its own; ours is beside bin/skein.
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'bin', 'skein'))) return folder;
    if (dirname(folder) === folder) throw new Error(`no package root above ${from}`);
  }
}
