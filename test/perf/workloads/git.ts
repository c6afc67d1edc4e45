import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '#servers';
import { percentiles, time, type LedgerEvent } from '../ledger-times.ts';
import { round } from '../processes.ts';
import { measured } from './measured.ts';
import { numbers } from './shapes.ts';
import type { Bench, Workload } from './workload.ts';

const run = promisify(execFile);

const FILES = 1_000;
const FOLDERS = 40;
const LINES = 40;
const BARE_RUNS = 20;
const IN_A_ROW_MAX = 20;
const COMMAND = 'echo done > "done-$SKEIN_STEP.txt"';

/** Half in parallel, for what a step costs; then some in a row, for how long one of them takes. */
export const gitLoad: Workload = {
  meaning: 'N run steps on a repository of 1,000 files, each with a change that is committed and pushed',
  defaultSize: 400,
  defaultSlots: 8,
  run: async ({ stack, size, slots, say }: Bench) => {
    const url = await makeRepository(join(stack.folder, 'repository'));
    const bareWorktreeMs = await timeBareWorktrees(url, join(stack.folder, 'bare-worktrees'));
    const bareCommandMs = await timeCommand(stack.folder);
    const metrics = await freePort();
    await stack.start({ workers: 1, slots, env: { SKEIN_METRICS_PORT: String(metrics) } });
    await stack.run([{ text: steps('warm', url, slots, false) }]);
    say('in parallel ...');
    const parallel = (await measured(stack, [{ text: steps('parallel', url, size, false) }])) as {
      stepsPerSecond: number;
    };
    say('in a row ...');
    const inARow = Math.min(IN_A_ROW_MAX, size);
    const before = await checkouts(metrics);
    const [planId = ''] = await stack.run([{ text: steps('row', url, inARow, true) }]);
    const after = await checkouts(metrics);
    const worktreeMs = round(((after.sum - before.sum) / (after.count - before.count)) * 1_000);
    return {
      ...parallel,
      msPerStep: round(1_000 / parallel.stepsPerSecond),
      bareCommandMs,
      leaseMsInARow: percentiles(leasesOf(await stack.ledger(planId))),
      worktreeMs,
      bareWorktreeMs,
      worktreeRatio: round(worktreeMs / bareWorktreeMs),
    };
  },
};

function steps(name: string, url: string, count: number, inARow: boolean): string {
  const run = [COMMAND];
  const list = inARow
    ? numbers(count).map((n, at) => ({ name: `s-${n}`, run, ...(at > 0 && { needs: [`s-${at - 1}`] }) }))
    : [{ name: 's', matrix: numbers(count), run }];
  return JSON.stringify({ version: 1, name, repo: { url, base: 'main' }, integrate: 'none', steps: list });
}

async function makeRepository(folder: string): Promise<string> {
  const bare = `${folder}.git`;
  const line = 'export const value = "a line of text that is about as long as lines of code are";\n';
  for (const n of numbers(FILES)) {
    const parent = join(folder, 'src', `folder-${Number(n) % FOLDERS}`);
    await mkdir(parent, { recursive: true });
    await writeFile(join(parent, `file-${n}.js`), `// ${n}\n${line.repeat(LINES)}`);
  }
  const git = (...args: string[]) => run('git', ['-C', folder, '-c', 'gc.auto=0', ...args]);
  await run('git', ['init', '--quiet', '--initial-branch=main', folder]);
  await git('add', '.');
  await git('-c', 'user.name=Bench', '-c', 'user.email=bench@localhost', 'commit', '--quiet', '-m', 'Begin');
  await run('git', ['clone', '--quiet', '--bare', folder, bare]);
  return bare;
}

/** Alone on the machine, from a clone as workers have one. */
async function timeBareWorktrees(url: string, folder: string): Promise<number> {
  await run('git', ['clone', '--quiet', '--bare', url, folder]);
  const times: number[] = [];
  for (const n of numbers(BARE_RUNS)) {
    const startedAt = performance.now();
    await run('git', ['-C', folder, 'worktree', 'add', '--quiet', '--detach', `${folder}-${n}`, 'main']);
    times.push(performance.now() - startedAt);
  }
  return round(percentiles(times)!.p50);
}

async function timeCommand(folder: string): Promise<number> {
  const times: number[] = [];
  for (const n of numbers(BARE_RUNS)) {
    const startedAt = performance.now();
    await run('/bin/sh', ['-c', COMMAND], { cwd: folder, env: { SKEIN_STEP: n } });
    times.push(performance.now() - startedAt);
  }
  return round(percentiles(times)!.p50);
}

async function checkouts(port: number): Promise<{ sum: number; count: number }> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const of = (suffix: string): number =>
    [...text.matchAll(new RegExp(`^skein_git_operation_seconds_${suffix}\\{([^}]*)\\} (\\S+)`, 'gm'))]
      .filter(([, labels]) => labels!.includes('operation="checkout"'))
      .reduce((total, [, , value]) => total + Number(value), 0);
  return { sum: of('sum'), count: of('count') };
}

function leasesOf(events: LedgerEvent[]): number[] {
  const grantedAt = new Map<unknown, number>();
  const times: number[] = [];
  for (const event of events) {
    const ordinal = event.data['ordinal'];
    if (event.type === 'lease.granted') grantedAt.set(ordinal, time(event));
    const at = grantedAt.get(ordinal);
    if (event.type === 'step.passed' && at !== undefined) times.push(time(event) - at);
  }
  return times;
}
