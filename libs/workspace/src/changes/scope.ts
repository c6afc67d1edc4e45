import type { Change } from './change.ts';
import { matchingPaths } from './globs.ts';
import { printablePath } from '../git/path-bytes.ts';

export interface Scope {
  /** Globs of files that may change; null allows all. */
  write: string[] | null;
  /** Globs of files that must not change; wins over `write`. */
  protect: string[];
}

export interface ScopeViolation {
  path: string;
  kind: 'outside-write' | 'protected' | 'gitlink' | 'symlink-leaves';
  /** For a person and for the next attempt's feedback; safe to print. */
  message: string;
}

const GITLINK = '160000';
const SYMLINK = '120000';

/**
 * What of a change breaks the step's scope, in the order of the changes. Pure. Throws `GlobTooSlowError`.
 * Gitlinks that were there and stay as they are do not appear in a diff, so they never count.
 */
export function judgeScope(changes: readonly Change[], scope: Scope): ScopeViolation[] {
  const paths = changes.map((change) => change.path);
  // A glob also means dot files.
  const writable = scope.write === null ? null : matchingPaths(paths, scope.write, { dot: true });
  const protectedOnes = matchingPaths(paths, scope.protect, { dot: true });
  return changes.flatMap((change) => {
    const found: ScopeViolation[] = [];
    const shown = printablePath(change.path);
    const add = (kind: ScopeViolation['kind'], message: string) =>
      found.push({ path: change.path, kind, message });
    if (change.newMode === GITLINK) {
      add(
        'gitlink',
        `${shown} is an embedded git repository (or a submodule's commit); steps may not add or move one`,
      );
    }
    if (change.symlinkLeaves) {
      const target = change.symlinkTarget === undefined ? '' : ` -> ${printablePath(change.symlinkTarget)}`;
      const what =
        change.newMode === SYMLINK
          ? `${shown}${target} is a symlink that`
          : `${shown}: with this change a symlink`;
      add('symlink-leaves', `${what} leads out of the repository's files`);
    }
    if (protectedOnes.has(change.path)) {
      add('protected', `${shown} was ${verb(change)}, but it is protected (paths.protect)`);
    } else if (writable !== null && !writable.has(change.path)) {
      add(
        'outside-write',
        `${shown} was ${verb(change)}, but only ${listed(scope.write ?? [])} may change (paths.write)`,
      );
    }
    return found;
  });
}

function verb(change: Change): string {
  return change.status === 'type-changed' ? 'changed to another kind of file' : change.status;
}

function listed(globs: readonly string[]): string {
  if (globs.length === 0) return 'nothing';
  const shown = globs.slice(0, 5).map(printablePath).join(', ');
  return globs.length > 5 ? `${shown} and ${globs.length - 5} more globs` : shown;
}
