import { join } from 'node:path';
import { FileArtifactStore, type Extent } from '#artifacts';
import { loadSettings } from '#config';
import { ConnectionError, ProblemError } from '#client';
import { exitCodes } from '../exit-code.ts';
import { deadWorkersOf, oldCachesOf, oldLogsOf, unusedMirrorsOf } from '../pruning/host-leftovers.ts';
import { OldArtifacts, type PlanEnd } from '../pruning/old-artifacts.ts';
import { prune, PRUNED_KINDS, type Prunable, type PruneReport } from '../pruning/prunable.ts';
import { escapeText } from '../rendering/escape.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { jsonLine, type CommandContext, type CommandResult } from './context.ts';

export interface PruneOptions {
  /** Milliseconds. */
  olderThan: number;
  dryRun: boolean;
  json: boolean;
  dataDir?: string;
}

/**
 * Removes from this machine what nobody needs any more. The ledger is not touched: it is append-only, and what it says of
 * a pruned attempt (verdict, feedback, outputs) stays. Plans are asked for at the server; without one no artifact goes.
 */
export async function pruneData(context: CommandContext, o: PruneOptions): CommandResult {
  const dirs = dirsOf(o.dataDir);
  const before = new Date(Date.now() - o.olderThan);
  const store = new FileArtifactStore({ rootDir: dirs.artifacts });
  const artifacts = new OldArtifacts({ store, planEnd: (id) => planEnd(context, id), endedBefore: before });
  const reachable = await serverAnswers(context);
  const sources: AsyncIterable<Prunable>[] = [
    ...(reachable ? [artifacts] : []),
    deadWorkersOf(dirs.work),
    unusedMirrorsOf(dirs.work, before),
    oldCachesOf(dirs.work, before),
    oldLogsOf(dirs.data, before),
  ];
  const pruned = await prune(sources, { dryRun: o.dryRun });
  const kept = keptOf(artifacts, reachable, context);
  if (o.json)
    context.terminal.out(jsonLine({ dryRun: o.dryRun, before: before.toISOString(), pruned, kept }));
  else render(context.terminal, { pruned, kept }, o.dryRun);
  return exitCodes.ok;
}

/** As `skein up` gives them to its programs: a folder that was set on its own wins over its place in the data folder. */
function dirsOf(dataDir: string | undefined): { data: string; work: string; artifacts: string } {
  const { dirs } = loadSettings();
  if (dataDir === undefined) return dirs;
  const given = (folder: string, name: string) =>
    folder === join(dirs.data, name) ? join(dataDir, name) : folder;
  return { data: dataDir, work: given(dirs.work, 'work'), artifacts: given(dirs.artifacts, 'artifacts') };
}

async function serverAnswers({ client }: CommandContext): Promise<boolean> {
  try {
    await client.plans({ limit: 1 });
    return true;
  } catch (error) {
    if (error instanceof ConnectionError) return false;
    throw error;
  }
}

async function planEnd({ client }: CommandContext, planId: string): Promise<PlanEnd> {
  try {
    const { closed, endedAt } = await client.plan(planId);
    return { closed, endedAt: endedAt ?? null };
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return null;
    throw error;
  }
}

function keptOf(
  { young, unknown }: OldArtifacts,
  reachable: boolean,
  { client }: CommandContext,
): PruneReport['kept'] {
  if (!reachable) {
    const why = `all artifacts: no server at ${client.baseUrl} says which plans are open; start \`skein up\` and prune again`;
    return [{ why, count: 0 }];
  }
  const kept = [
    { why: 'artifacts of plans that run or ended later', count: young },
    { why: `artifacts of plans that ${client.baseUrl} does not know`, count: unknown },
  ];
  return kept.filter(({ count }) => count > 0);
}

const ABOUT: Record<(typeof PRUNED_KINDS)[number], string> = {
  artifacts: 'logs and diffs of ended plans; they show as lost',
  mirrors: 'copies of repositories; fetched again when needed',
  workers: 'what dead workers left',
  caches: 'what was remembered of green bases',
  logs: 'logs of programs',
};

function render(terminal: Terminal, { pruned, kept }: PruneReport, dryRun: boolean): void {
  const { paint } = terminal;
  const out = (line: string) => terminal.out(line);
  const total: Extent = { files: 0, bytes: 0 };
  out(paint('bold', dryRun ? 'would be removed:' : 'removed:'));
  for (const kind of PRUNED_KINDS) {
    const { count, files, bytes } = pruned[kind];
    total.files += files;
    total.bytes += bytes;
    out(
      `  ${kind.padEnd(10)}${String(count).padStart(7)}  ${amount({ files, bytes })}  ${paint('dim', ABOUT[kind])}`,
    );
  }
  out(`  ${'together'.padEnd(10)}${' '.repeat(7)}  ${amount(total)}`);
  for (const { why, count } of kept) out(`kept: ${count > 0 ? `${count} × ` : ''}${escapeText(why)}`);
  out(paint('dim', 'The ledger is never pruned: it is append-only.'));
}

function amount({ files, bytes }: Extent): string {
  return `${String(files).padStart(8)} files ${bytesText(bytes).padStart(10)}`;
}

/** `950 B`, `4.2 MB`. */
function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1_000 && unit < units.length - 1) [value, unit] = [value / 1_000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
