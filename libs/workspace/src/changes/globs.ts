import { createContext, Script } from 'node:vm';
import picomatch from 'picomatch';
import { printablePath } from '../git/path-bytes.ts';

/** All paths of one call. Less than the time between two heartbeats: nothing else of the worker runs meanwhile. */
const MATCHING_MS_MAX = 2_000;

/** A plan's globs and a repository's names that together would keep a processor busy for years. */
export class GlobTooSlowError extends Error {
  readonly code = 'GLOB_TOO_SLOW';
  readonly retry = 'never';
  override readonly name = 'GlobTooSlowError';
  constructor(globs: readonly string[], paths: number) {
    const shown = globs.slice(0, 5).map(printablePath).join(', ');
    const more = globs.length > 5 ? ` and ${globs.length - 5} more` : '';
    super(
      `Matching ${paths} files with ${shown}${more} took longer than ${MATCHING_MS_MAX / 1_000} s and was stopped. Use fewer wildcards in one pattern, or fewer patterns.`,
    );
  }
}

export interface GlobOptions {
  /** Whether wildcards also mean dot files. */
  dot: boolean;
  /** Globs of paths that do not count. */
  except?: readonly string[];
}

/**
 * Those of the paths that match one of the globs. `s`: a newline in a name must not slip through `*`. No negation: `!x`
 * would allow all but x. Throws `GlobTooSlowError`: both sides are hostile, and `*a*a*a*a*b` against a name of a's makes
 * a regular expression try without end.
 */
export function matchingPaths(
  paths: Iterable<string>,
  globs: readonly string[],
  options: GlobOptions,
): Set<string> {
  const all = [...paths];
  if (globs.length === 0 || all.length === 0) return new Set();
  const { dot, except = [] } = options;
  return withinTime(
    () => {
      const ignore = except.length === 0 ? {} : { ignore: [...except] };
      const matches = picomatch([...globs], { dot, windows: false, flags: 's', nonegate: true, ...ignore });
      return new Set(all.filter((path) => matches(path)));
    },
    () => new GlobTooSlowError([...globs, ...except], all.length),
  );
}

const call = new Script('work()');

/** The engine's own watchdog is the only thing that stops a regular expression in the thread that runs it. */
function withinTime<T>(work: () => T, tooSlow: () => Error): T {
  try {
    return call.runInContext(createContext({ work }), { timeout: MATCHING_MS_MAX }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw tooSlow();
    throw error;
  }
}
