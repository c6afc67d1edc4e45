import { resolve } from 'node:path';
import { isScalar, parseDocument } from 'yaml';
import { isLocalFolder, isRelativeFolder } from '#domain';
import { readJsonTree } from './json-tree.ts';
import { mapOf, textOf } from './outline.ts';
import type { UnplacedProblem } from './problem.ts';
import { repoUrl } from './rules.ts';
import { locate } from './text-tree.ts';

const DEPTH_MAX = 32;

/** A local folder as an absolute path; any other address as it is. */
export function resolveRepoUrl(url: string, cwd: string): string {
  return isLocalFolder(url) ? resolve(cwd, url) : url;
}

/**
 * The plan text with its repository's folder made absolute and nothing else changed: what a command line submits.
 * Text that cannot be read comes back as it is; parsing will say what is wrong with it.
 */
export function resolveRepoInText(text: string, cwd: string): string {
  const found = repoInJson(text) ?? repoInYaml(text);
  if (!found) return text;
  const resolved = resolveRepoUrl(found.url, cwd);
  if (resolved === found.url) return text;
  return text.slice(0, found.start) + JSON.stringify(resolved) + text.slice(found.end);
}

interface FoundRepo {
  url: string;
  start: number;
  end: number;
}

function repoInJson(text: string): FoundRepo | null {
  const reading = readJsonTree(text, DEPTH_MAX);
  if (!reading?.ok) return null;
  const { value, place } = reading.tree;
  const found = repoAddress(value);
  if (!found) return null;
  const start = locate(place, found.path, false).offset;
  const literal = /"(?:[^"\\]|\\.)*"/y;
  literal.lastIndex = start;
  const end = start + (literal.exec(text)?.[0].length ?? 0);
  return { url: found.url, start, end };
}

function repoInYaml(text: string): FoundRepo | null {
  const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, logLevel: 'silent' });
  if (document.errors.length > 0) return null;
  const node = [['repo', 'url'], ['repo']].map((path) => document.getIn(path, true)).find(isScalar);
  // A block scalar ends with a line break of its own, which must stay: nobody writes an address like that.
  const isOnOneLine =
    node?.type === 'PLAIN' || node?.type === 'QUOTE_DOUBLE' || node?.type === 'QUOTE_SINGLE';
  if (!isOnOneLine || !node.range || typeof node.value !== 'string') return null;
  return { url: node.value, start: node.range[0], end: node.range[1] };
}

function repoAddress(value: unknown): { url: string; path: string[] } | null {
  const repo = mapOf(value)?.['repo'];
  const inMap = textOf(mapOf(repo)?.['url']);
  if (inMap !== null) return { url: inMap, path: ['repo', 'url'] };
  const alone = textOf(repo);
  return alone === null ? null : { url: alone, path: ['repo'] };
}

const RELATIVE = 'a relative folder means nothing here';

/** What is wrong with an address that is given beside a plan text; null when a worker can use it as it is. */
export function repoUrlProblem(url: string): string | null {
  const checked = repoUrl.safeParse(url);
  if (!checked.success) return checked.error.issues[0]?.message ?? 'not an address';
  return isRelativeFolder(url) ? `${RELATIVE}: give its absolute path` : null;
}

export function relativeRepoProblems(value: unknown): UnplacedProblem[] {
  const found = repoAddress(value);
  if (!found || !isRelativeFolder(found.url)) return [];
  return [
    {
      code: 'wrong-value',
      message: RELATIVE,
      path: found.path,
      hint: 'give its absolute path, or submit with `skein submit`',
    },
  ];
}
