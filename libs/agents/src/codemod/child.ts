import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { RunResult } from '#sandbox';

/** How a sandboxed child of ours is started: node, and the entry file in either form, source or built. */
export function childArgv(folder: string): string[] {
  return [nodeProgram(), join(folder, `main${extname(import.meta.filename)}`)];
}

/** What a child loads and so must be able to read: this folder, its packages with all that they need, node itself. */
export function childReadable(packages: string[]): string[] {
  return [import.meta.dirname, ...manifest(), ...packageFolders(packages), dirname(nodeProgram())];
}

export function stoppedMessage(run: RunResult): string {
  const words = run.end === 'exited' ? run.output.trim().split('\n').slice(-5).join('\n') : '';
  return words === '' ? run.message : `${run.message}: ${words}`;
}

function nodeProgram(): string {
  return realpathSync(process.execPath);
}

/** Says that our files are ES modules. */
function manifest(): string[] {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (existsSync(path)) return [path];
    if (folder === dirname(folder)) return [];
  }
}

const known = new Map<string, string[]>();

/** The folders of packages and of all that they depend on, and of nothing else that is installed. */
function packageFolders(packages: string[]): string[] {
  const key = packages.join(' ');
  const folders = known.get(key) ?? [...closure(packages)];
  known.set(key, folders);
  return folders;
}

function closure(packages: string[]): Set<string> {
  const found = new Set<string>();
  const wanted = packages.map((name) => ({ name, from: import.meta.dirname }));
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    const folder = packageFolder(next.name, next.from);
    // Optional ones are not there for every platform.
    if (folder === null || found.has(folder)) continue;
    found.add(folder);
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Partial<Record<string, Record<string, string>>>;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies }))
      wanted.push({ name, from: folder });
  }
  return found;
}

function packageFolder(name: string, from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return null;
  }
}
