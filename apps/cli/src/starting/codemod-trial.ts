import { mkdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { runCodemod } from '#agents';
import { loadSettings, stepEnvironment } from '#config';
import { detectSandbox, removeTree, Sandbox } from '#sandbox';
import { silentLogger } from '#telemetry';
import type { TryCodemod } from './examples/codemods.ts';

const TRIAL_MS_MAX = 30_000;

/**
 * Runs rules as a step would: by the codemod of libs/agents in a sandbox, on copies below `dir`. The copies have names of
 * ours; a repository's names never become paths here.
 */
export function codemodTrials(dir: string): TryCodemod {
  return async ({ language, rules, sources }) => {
    const worktree = join(dir, 'trial');
    await removeTree(worktree);
    await mkdir(worktree, { recursive: true });
    const pathOf = new Map<string, string>();
    for (const [path, text] of sources) {
      const copy = `source-${pathOf.size}${extname(path)}`;
      pathOf.set(copy, path);
      await writeFile(join(worktree, copy), text, { flag: 'wx' });
    }
    const sandbox = await openSandbox(join(dir, 'runs'));
    const { memoryBytes, diskBytes, outputBytes, processes } = loadSettings().sandbox;
    const limits = {
      wallMs: TRIAL_MS_MAX,
      idleMs: TRIAL_MS_MAX,
      memoryBytes,
      diskBytes,
      outputBytes,
      processes,
    };
    const task = { sandbox, worktree, rules, language, files: [...pathOf.keys()], limits };
    const result = await runCodemod(task, AbortSignal.timeout(TRIAL_MS_MAX));
    if (result.status !== 'done') return { files: [], matches: 0 };
    return { files: result.report.changed.map((copy) => pathOf.get(copy)!), matches: result.report.matches };
  };
}

async function openSandbox(scratchRoot: string): Promise<Sandbox> {
  const { PATH: path, LANG: lang } = stepEnvironment();
  const { kind } = await detectSandbox({ path, log: silentLogger });
  return new Sandbox({ kind, path, lang, scratchRoot, readable: [], extraWritable: [], log: silentLogger });
}
