import { open, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { parsePlan, resolveRepoUrl, type ParsedPlan } from '#contracts';
import { UsageError } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import { folderWarnings, type FolderWarning } from '../showing/folder-warnings.ts';
import { absoluteRepoUrl, readPlanText, type PlanText } from './plan-text.ts';

/** What a person gives of a plan, on the command line and in files. */
export interface PlanInput {
  plan: PlanText;
  params: Record<string, string>;
  /** Texts of the files that hold the plan's step templates, by their paths in the plan. */
  files: Record<string, string>;
  /** The plan as the server will understand it. */
  parsed: ParsedPlan;
  /** Instead of the plan's own: the server does not know our folder. Null: as the plan says. */
  repoUrl: string | null;
  base: string | null;
  /** Where the plan was read from: nobody needs to commit these. */
  sources: string[];
}

export interface PlanInputOptions {
  param?: Record<string, string>;
  base?: string;
}

const TEMPLATE_FILES_MAX = 20;
const TEMPLATE_BYTES_MAX = 1_024 ** 2;

export async function readPlanInput(file: string, o: PlanInputOptions): Promise<PlanInput> {
  const plan = await readPlanText(file);
  const files = await readTemplates(plan);
  const sources = [
    ...(file === '-' ? [] : [resolve(file)]),
    ...Object.keys(files).map((path) => join(plan.folder, path)),
  ];
  const params = o.param ?? {};
  const parsed = parsePlan(plan.text, { params, files });
  // What an expression makes of the address is known only to who parses; a text with problems is sent as it is.
  const repoUrl = parsed.ok ? absoluteFolder(plan, parsed) : absoluteRepoUrl(plan);
  const base = o.base ?? null;
  return { plan, params, files, parsed: placed(parsed, { repoUrl, base }), repoUrl, base, sources };
}

function absoluteFolder(plan: PlanText, { definition }: ParsedPlan & { ok: true }): string | null {
  const url = definition.repo?.url ?? null;
  const absolute = url === null ? null : resolveRepoUrl(url, plan.folder);
  return absolute === url ? null : absolute;
}

/** With what is given beside the text in its place. */
function placed(parsed: ParsedPlan, given: Pick<PlanInput, 'repoUrl' | 'base'>): ParsedPlan {
  if (!parsed.ok || parsed.definition.repo === null) return parsed;
  const { url, base } = parsed.definition.repo;
  const repo = { url: given.repoUrl ?? url, base: given.base ?? base };
  return { ...parsed, definition: { ...parsed.definition, repo } };
}

/** The body of a submission. */
export function submissionOf({ plan, params, files, repoUrl, base }: PlanInput, tenant?: string) {
  return {
    text: plan.text,
    ...(tenant === undefined ? {} : { tenant }),
    ...(repoUrl === null ? {} : { repoUrl }),
    ...(base === null ? {} : { base }),
    ...(Object.keys(params).length === 0 ? {} : { params }),
    ...(Object.keys(files).length === 0 ? {} : { files }),
  };
}

/** What of the plan's own folder it will not see; nothing for a plan that cannot be read. */
export async function warningsFor({ parsed, sources }: PlanInput): Promise<FolderWarning[]> {
  if (!parsed.ok || parsed.definition.repo === null) return [];
  return folderWarnings({ ...parsed.definition.repo, except: sources });
}

async function readTemplates(plan: PlanText): Promise<Record<string, string>> {
  const texts: [string, string][] = [];
  for (const path of templateFiles(plan)) texts.push([path, await readBeside(plan.folder, path)]);
  return Object.fromEntries(texts);
}

/** Paths as the plan names them; what is no list of paths is the server's to refuse. */
function templateFiles({ text }: PlanText): string[] {
  let named: unknown;
  try {
    const document: unknown = parse(text, { maxAliasCount: 100, logLevel: 'silent' });
    named = (document as { templateFiles?: unknown } | null)?.templateFiles;
  } catch {
    return [];
  }
  if (!Array.isArray(named)) return [];
  const paths = named.filter((path): path is string => typeof path === 'string');
  return [...new Set(paths)].slice(0, TEMPLATE_FILES_MAX);
}

/** A file below the plan's folder. A plan that somebody sent must not carry off others: no `..`, no link that leads out. */
async function readBeside(folder: string, path: string): Promise<string> {
  const refuse = (why: string, cause?: unknown) =>
    new UsageError(`the template file ${escapeText(path)} ${why}`, { cause });
  let inside: boolean;
  try {
    const root = await realpath(folder);
    inside = (await realpath(join(root, path))).startsWith(`${root === '/' ? '' : root}/`);
  } catch (error) {
    throw refuse(`cannot be read: ${(error as Error).message}`, error);
  }
  if (!inside || path.startsWith('/')) throw refuse('is not below the folder of the plan');
  await using file = await open(join(folder, path), 'r');
  if ((await file.stat()).size > TEMPLATE_BYTES_MAX) throw refuse('is larger than 1 MB');
  return file.readFile('utf8');
}
