import type { Reason } from '#domain';
import type { Worktree } from '#workspace';
import { printable } from '../fixing/printable.ts';

export interface Snapshot {
  tree: string;
  /** What is said of names that git does not take; empty when there are none. */
  leftOut: string;
}

/**
 * What a step left can be more than git takes: names that it refuses, pipes in odd places, a worktree that is gone.
 * That is the step's doing and a rejected attempt; a full disk or a busy lock is ours. Names that some file system
 * takes for `.git` are left out, which is said and rejects nothing.
 */
export async function takeSnapshot(files: Worktree): Promise<Snapshot | { refused: Reason }> {
  try {
    const tree = await files.snapshot();
    return { tree, leftOut: sayLeftOut(files.leftOut()) };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (!STEPS_DOING.has(String(code))) throw error;
    return { refused: { code: 'unstorable-files', message: printable(message).slice(0, 4_000) } };
  }
}

const STEPS_DOING = new Set([
  'UNSTORABLE_PATHS',
  'WORKTREE_GONE',
  'GIT_FAILED',
  'GIT_TIMEOUT',
  'GIT_OUTPUT_LIMIT',
]);

function sayLeftOut(paths: string[]): string {
  if (paths.length === 0) return '';
  return ` (left out, because git takes no such name: ${printable(paths.join(', ')).slice(0, 1_000)})`;
}
