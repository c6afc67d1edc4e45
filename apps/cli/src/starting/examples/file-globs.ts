import { matchFiles } from '#workspace';
import type { Example } from './example.ts';

/** Steps that a first plan should have at most: enough to see them run beside each other. */
const STEPS_WANTED = 8;
const FOLDERS_MAX = 6;
/** Others' code, and what is made from sources: not what a person wants to change. */
const FOREIGN = ['node_modules', 'vendor', 'third_party', 'dist', 'build', 'target'];

/** Whether a file is one that a first plan may change. */
export function isOwnSource(path: string): boolean {
  const parts = path.split('/');
  return parts.every((part) => !part.startsWith('.') && !FOREIGN.includes(part)) && !/\.min\.\w+$/.test(path);
}

/**
 * Globs for files that have something to change: their top folders and kinds, never their names. A folder whose name is
 * more than letters, digits, `_`, `.` and `-` is not spelled out.
 */
export function matrixFor(files: readonly string[], tracked: ReadonlySet<string>): Example['matrix'] {
  const kinds = [...new Set(files.map((path) => /\.(\w+)$/.exec(path)?.[1] ?? ''))].filter(
    (kind) => kind !== '',
  );
  const kind =
    kinds.length === 1 ? `*.${kinds[0]}` : kinds.length > 1 ? `*.{${kinds.sort().join(',')}}` : '*';
  const tops = [
    ...new Set(files.map((path) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : ''))),
  ];
  const plain = tops.every((top) => /^[\w.-]*$/.test(top)) && tops.length <= FOLDERS_MAX;
  const glob = plain ? tops.sort().map((top) => (top === '' ? kind : `${top}/**/${kind}`)) : [`**/${kind}`];
  const wanted = { include: glob, exclude: [] as string[] };
  const matched = matchFiles([...tracked], wanted);
  const exclude = [...FOREIGN.map((folder) => `**/${folder}/**`), '**/*.min.*'].filter(
    (pattern) => matchFiles(matched, { include: [pattern], exclude: [] }).length > 0,
  );
  const count = matchFiles(matched, { include: glob, exclude }).length;
  return { glob, exclude, chunk: Math.max(1, Math.ceil(count / STEPS_WANTED)) };
}
