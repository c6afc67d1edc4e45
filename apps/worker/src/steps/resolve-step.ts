import type { ResolveJob, ResultMessage } from '#contracts';
import { matchingPaths, type Mirror } from '#workspace';
import { printablePath } from '../fixing/printable.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import { openMirror } from './repository.ts';
import type { StepContext } from './step-context.ts';

/** A prompt or a rule file larger than this is a mistake. */
const TEXT_BYTES_MAX = 256 * 1024;
/** The result is one message; the server's limit is 1 MB with everything around it. */
const RESULT_BYTES_MAX = 900_000;

/** Asks git what only git can say: the base's commit, the files that globs match, the texts that the plan names. */
export async function runResolveStep(
  context: StepContext,
  resolve: ResolveJob,
): Promise<ResultMessage['result']> {
  const mirror = await openMirror(context);
  await mirror.checkPushable(context.job.planId);
  const baseSha = await mirror.resolve(context.job.repo?.base ?? 'HEAD');
  context.lease.throwIfEnded();
  const resolved = {
    baseSha,
    files: await matchGlobs(mirror, baseSha, resolve),
    texts: await readTexts(mirror, baseSha, resolve.texts),
  };
  const bytes = Buffer.byteLength(JSON.stringify(resolved));
  if (bytes > RESULT_BYTES_MAX) {
    throw new StepBlockedError({
      code: 'resolve-too-large',
      message: `What the plan asks of the repository is ${bytes} bytes, more than the ${RESULT_BYTES_MAX} that a plan may carry. Narrow its globs or shorten its texts.`,
    });
  }
  return { status: 'passed', commit: null, outputs: {}, resolved, candidate: null };
}

async function matchGlobs(
  mirror: Mirror,
  baseSha: string,
  resolve: ResolveJob,
): Promise<Record<string, string[]>> {
  if (resolve.globs.length === 0) return {};
  const tracked = await mirror.listFiles(baseSha);
  // Symlinks and submodules are no files that a step could rewrite.
  const paths = tracked.filter(({ mode }) => mode.startsWith('100')).map(({ path }) => path);
  const matched: Record<string, string[]> = {};
  for (const glob of resolve.globs) {
    const files = matchFiles(paths, glob);
    if (files.length === 0) throw matchesNothing(glob, baseSha);
    matched[String(glob.definition)] = files;
  }
  const count = Object.values(matched).reduce((sum, files) => sum + files.length, 0);
  if (count > resolve.maxFiles) {
    throw new StepBlockedError({
      code: 'too-many-files',
      message: `The plan's globs match ${count} files at ${baseSha.slice(0, 12)}, more than the ${resolve.maxFiles} allowed. Narrow them.`,
    });
  }
  return matched;
}

/** A migration over no files is a mistyped pattern far more often than a wish. */
function matchesNothing(glob: { include: string[]; exclude: string[] }, baseSha: string): StepBlockedError {
  const without = glob.exclude.length > 0 ? ` without ${glob.exclude.map(printablePath).join(', ')}` : '';
  return new StepBlockedError({
    code: 'glob-matches-nothing',
    message: `No file at the base ${baseSha.slice(0, 12)} matches ${glob.include.map(printablePath).join(', ')}${without}. Patterns are relative to the root of the repository.`,
  });
}

/** Sorted by code unit, so that chunks are the same on every machine. Dot files must be named to match; line breaks match like letters. */
export function matchFiles(paths: string[], glob: { include: string[]; exclude: string[] }): string[] {
  const matched = matchingPaths(paths, glob.include, { dot: false, except: glob.exclude });
  return [...matched].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

async function readTexts(mirror: Mirror, baseSha: string, paths: string[]): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  const missing: string[] = [];
  for (const path of paths) {
    const text = await mirror.readText(baseSha, path, TEXT_BYTES_MAX);
    if (text === null) missing.push(path);
    else texts[path] = text;
  }
  if (missing.length > 0) {
    const list = missing.map((path) => printablePath(path)).join(', ');
    throw new StepBlockedError({
      code: 'file-missing',
      message: `The plan reads ${list}, which is no text file of at most ${TEXT_BYTES_MAX / 1024} KB at the base ${baseSha.slice(0, 12)}.`,
    });
  }
  return texts;
}
