import type { LoopJob } from '#contracts';
import { matchingPaths, type Mirror } from '#workspace';
import type { TaskSetting } from './task-setting.ts';

/**
 * What the plan's `files` name, as globs or as they stand, narrowed to the chunk of a matrix; without `files` the chunk,
 * else every file that ends in one of `extensions`.
 */
export async function codemodFiles(
  { loop, mirror, startSha }: TaskSetting,
  files: string[],
  extensions: string[],
): Promise<string[]> {
  const chunk = chunkOf(loop);
  if (chunk !== null && files.length === 0) return chunk;
  const globs = files.length > 0 ? files : extensions.map((end) => `**/*${end}`);
  const literal = new Set(globs);
  const candidates = chunk ?? (await regularFiles(mirror, startSha));
  const matched = matchingPaths(candidates, globs, { dot: false });
  return candidates.filter((path) => literal.has(path) || matched.has(path));
}

function chunkOf({ matrix }: LoopJob): string[] | null {
  return matrix !== null && 'files' in matrix ? matrix.files : null;
}

async function regularFiles(mirror: Mirror, sha: string): Promise<string[]> {
  const tracked = await mirror.listFiles(sha);
  return tracked.filter(({ mode }) => mode.startsWith('100')).map(({ path }) => path);
}
