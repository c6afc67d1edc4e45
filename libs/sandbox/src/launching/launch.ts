/** How to start a program in some kind of sandbox. */
export interface Launch {
  file: string;
  args: string[];
  /** Of the launcher, never of the program: an LD_PRELOAD of a plan must not run outside. */
  env: Record<string, string>;
  cwd: string;
  /** bubblewrap only: a file with its arguments, given as descriptor 3 and not to be seen in the process list. */
  argumentsFile: string | null;
  /** The launcher and its first child are ours, not the program's. */
  namespace: boolean;
  /**
   * `NAME=value` in the environment of the launcher, and of all descendants where no namespace holds them together:
   * how they are found when a parent is lost.
   */
  marker: string;
}

/**
 * First shell inside: no core files, a bound for each single file, first to go when memory is short (so that the
 * kernel takes the step and not the worker or the database); then the program in its place, with one stream for
 * all that it prints, in order.
 */
export const BEGIN = `ulimit -c 0 2>/dev/null
ulimit -f "$1" 2>/dev/null
shift
{ echo 500 >/proc/self/oom_score_adj; } 2>/dev/null
exec 2>&1
exec "$@"`;

/** `ulimit -f` counts blocks of 512 bytes. */
export function fileBlocks(diskBytes: number): string {
  return Number.isFinite(diskBytes) ? String(Math.max(1, Math.ceil(diskBytes / 512))) : 'unlimited';
}
