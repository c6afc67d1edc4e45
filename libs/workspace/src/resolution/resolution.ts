import { matchingPaths } from '../changes/globs.ts';
import { printablePath } from '../git/path-bytes.ts';
import type { Mirror } from '../mirrors/mirror.ts';

/** A prompt or a rule file larger than this is a mistake. */
const TEXT_BYTES_MAX = 256 * 1024;
/** A worker's result is one message; the server's limit is 1 MB with everything around it. */
const RESOLUTION_BYTES_MAX = 900_000;

/** What a plan asks of its repository. */
export interface ResolutionRequest {
  /** `definition`: index of the step in the plan. */
  globs: { definition: number; include: string[]; exclude: string[] }[];
  /** Paths of texts that the plan names. */
  texts: string[];
  maxFiles: number;
}

/** What only git can say of a plan. */
export interface Resolution {
  baseSha: string;
  /** By index of the step in the plan. */
  files: Record<string, string[]>;
  texts: Record<string, string>;
}

export type ResolutionErrorCode =
  'glob-matches-nothing' | 'too-many-files' | 'file-missing' | 'resolve-too-large';

/** The repository does not have what the plan asks of it. The message is for a person and safe to print. */
export class ResolutionError extends Error {
  readonly retry = 'never';
  override readonly name = 'ResolutionError';
  constructor(
    readonly code: ResolutionErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The files that globs match at a commit, and the texts that a plan names there. One set of rules for the worker that
 * resolves a plan and for whoever shows it before it runs. Throws `ResolutionError`, `GlobTooSlowError`, `FileTooLargeError`.
 */
export async function resolveAt(
  mirror: Pick<Mirror, 'listFiles' | 'readText'>,
  baseSha: string,
  request: ResolutionRequest,
): Promise<Resolution> {
  const resolution = {
    baseSha,
    files: await matchGlobs(mirror, baseSha, request),
    texts: await readTexts(mirror, baseSha, request.texts),
  };
  const bytes = Buffer.byteLength(JSON.stringify(resolution));
  if (bytes <= RESOLUTION_BYTES_MAX) return resolution;
  throw new ResolutionError(
    'resolve-too-large',
    `What the plan asks of the repository is ${bytes} bytes, more than the ${RESOLUTION_BYTES_MAX} that a plan may carry. Narrow its globs or shorten its texts.`,
  );
}

async function matchGlobs(
  mirror: Pick<Mirror, 'listFiles'>,
  baseSha: string,
  request: ResolutionRequest,
): Promise<Record<string, string[]>> {
  if (request.globs.length === 0) return {};
  const tracked = await mirror.listFiles(baseSha);
  // Symlinks and submodules are no files that a step could rewrite.
  const paths = tracked.filter(({ mode }) => mode.startsWith('100')).map(({ path }) => path);
  const matched: Record<string, string[]> = {};
  for (const glob of request.globs) {
    const files = matchFiles(paths, glob);
    if (files.length === 0) throw matchesNothing(glob, baseSha);
    matched[String(glob.definition)] = files;
  }
  const count = Object.values(matched).reduce((sum, files) => sum + files.length, 0);
  if (count <= request.maxFiles) return matched;
  throw new ResolutionError(
    'too-many-files',
    `The plan's globs match ${count} files at ${baseSha.slice(0, 12)}, more than the ${request.maxFiles} allowed. Narrow them.`,
  );
}

/** A migration over no files is a mistyped pattern far more often than a wish. */
function matchesNothing(glob: { include: string[]; exclude: string[] }, baseSha: string): ResolutionError {
  const without = glob.exclude.length > 0 ? ` without ${glob.exclude.map(printablePath).join(', ')}` : '';
  return new ResolutionError(
    'glob-matches-nothing',
    `No file at the base ${baseSha.slice(0, 12)} matches ${glob.include.map(printablePath).join(', ')}${without}. Patterns are relative to the root of the repository.`,
  );
}

/** Sorted by code unit, so that chunks are the same on every machine. Dot files must be named to match; line breaks match like letters. */
export function matchFiles(paths: string[], glob: { include: string[]; exclude: string[] }): string[] {
  const matched = matchingPaths(paths, glob.include, { dot: false, except: glob.exclude });
  return [...matched].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

async function readTexts(
  mirror: Pick<Mirror, 'readText'>,
  baseSha: string,
  paths: string[],
): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  const missing: string[] = [];
  for (const path of paths) {
    const text = await mirror.readText(baseSha, path, TEXT_BYTES_MAX);
    if (text === null) missing.push(path);
    else texts[path] = text;
  }
  if (missing.length === 0) return texts;
  throw new ResolutionError(
    'file-missing',
    `The plan reads ${missing.map(printablePath).join(', ')}, which is no text file of at most ${TEXT_BYTES_MAX / 1024} KB at the base ${baseSha.slice(0, 12)}.`,
  );
}
