import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { parse } from 'yaml';
import { isLocalFolder, parsePlan, type ParsePlanOptions } from '#contracts';
import { UsageError } from '../exit-code.ts';

/** A plan text as it will be sent, and what its relative paths are relative to. */
export interface PlanText {
  /** For messages: the file's name, or `stdin`. */
  label: string;
  text: string;
  folder: string;
}

/** Reads a plan file, or standard input for `-`. */
export async function readPlanText(file: string): Promise<PlanText> {
  if (file === '-') return { label: 'stdin', text: await readAll(process.stdin), folder: process.cwd() };
  try {
    return { label: file, text: await readFile(file, 'utf8'), folder: dirname(resolve(file)) };
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * The absolute form of a `repo.url` that is a relative folder: the server does not know our folder.
 * Null when there is nothing to resolve; a text that is no plan is the server's to refuse.
 */
export function absoluteRepoUrl(
  plan: PlanText,
  given: Pick<ParsePlanOptions, 'params' | 'files'> = {},
): string | null {
  const written = writtenUrl(plan);
  const url = typeof written === 'string' && written.includes('${{') ? settledUrl(plan, given) : written;
  if (typeof url !== 'string' || url === '' || !isLocalFolder(url) || isAbsolute(url)) return null;
  return resolve(plan.folder, url);
}

function writtenUrl({ text }: PlanText): unknown {
  try {
    // Aliases are bounded, so that a bomb in a file that somebody sent costs nothing.
    const document: unknown = parse(text, { maxAliasCount: 100, logLevel: 'silent' });
    const repo = (document as { repo?: { url?: unknown } | string } | null)?.repo;
    return typeof repo === 'string' ? repo : repo?.url;
  } catch {
    return undefined;
  }
}

/** The address that a param gives. */
function settledUrl({ text }: PlanText, given: Pick<ParsePlanOptions, 'params' | 'files'>): unknown {
  const parsed = parsePlan(text, given);
  return parsed.ok ? parsed.definition.repo?.url : undefined;
}
