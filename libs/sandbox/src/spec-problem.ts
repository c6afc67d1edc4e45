import { lstat, stat } from 'node:fs/promises';
import { isAbsolute, normalize } from 'node:path';
import { environmentProblem } from './launching/environment.ts';
import type { RunSpec } from './run-spec.ts';

/** What is wrong with a spec, for a person; null when it can be tried. */
export async function specProblem(spec: RunSpec): Promise<string | null> {
  return argumentsProblem(spec.argv) ?? environmentProblem(spec.env) ?? (await pathsProblem(spec));
}

function argumentsProblem(argv: string[]): string | null {
  if (argv.length === 0 || argv[0] === '') return 'there is no program to run';
  if (argv.some((arg) => arg.includes('\0'))) return 'an argument holds a NUL character';
  const bytes = argv.reduce((sum, arg) => sum + Buffer.byteLength(arg) + 1, 0);
  if (argv.some((arg) => Buffer.byteLength(arg) > 100_000) || bytes > 1_000_000)
    return 'the arguments are too long';
  return null;
}

async function pathsProblem(spec: RunSpec): Promise<string | null> {
  const home = spec.home === undefined ? [] : [spec.home];
  for (const path of [spec.cwd, ...spec.writable, ...spec.readable, ...home, ...(spec.hidden ?? [])]) {
    if (!isAbsolute(path) || path.includes('\0') || normalize(path) !== path)
      return `${JSON.stringify(path)} is no absolute path`;
  }
  for (const path of [...spec.writable, ...spec.readable, ...home]) {
    const found = await lstat(path).catch(() => null);
    if (found === null) return `${path} is not there`;
    // A program that may write in the folder around it could have pointed it anywhere.
    if (found.isSymbolicLink()) return `${path} is a symlink`;
  }
  const cwd = await stat(spec.cwd).catch(() => null);
  return cwd?.isDirectory() ? null : `${spec.cwd} is not a folder`;
}
