import { randomUUID } from 'node:crypto';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childEnvironment, loadSettings } from '#config';
import { RunRegistry } from '#servers';
import { createLogger } from '#telemetry';
import { CoordinatorClient } from '../client/coordinator-client.ts';
import type { PlanView } from '#client';
import { watcherFor } from '../commands/watching.ts';
import { exitCodeOfStatus, type ExitCode } from '../exit-code.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { packageRoot } from '../package-root.ts';
import { DataDir } from '../up/data-dir.ts';
import type { Interrupts } from '../up/interrupts.ts';
import { Stack } from '../up/stack.ts';
import { demoAgentFolder, demoPlanText, demoService } from './demo-plan.ts';
import { DemoRepository } from './demo-repository.ts';
import { DemoReport } from './demo-report.ts';
import { leaveForeignServers } from './foreign-servers.ts';
import { followPlan } from '../watching/follow-plan.ts';

export interface DemoOptions {
  /** The data directory and the repository stay, to look at them with `skein up`. */
  keep: boolean;
  /** The agent ignores its feedback: the plan must halt. For tests. */
  sabotage: boolean;
}

const CLOSED_MS_MAX = 15_000;
/** Nobody needs what a demo was doing when it is interrupted. */
const DRAIN_GRACE_MS = 500;

/** Everything on one machine, a real migration on a real git repository, and nothing left afterwards. */
export async function runDemo(terminal: Terminal, interrupts: Interrupts, o: DemoOptions): Promise<ExitCode> {
  const given = childEnvironment();
  const log = createLogger({ name: 'skein-demo', level: 'error', pretty: true });
  const registry = new RunRegistry({ log, cacheDir: loadSettings(given).dirs.cache });
  const kept = o.keep ? await mkdtemp(join(await realpath(tmpdir()), 'skein-demo-')) : null;
  await using run = await registry.begin({ kind: 'demo', ...(kept === null ? {} : { dataDir: kept }) });
  const dataDir = await DataDir.open(run.dataDir ?? (await run.ephemeralDir('demo')));
  const environment = demoEnvironment(given);
  const settings = loadSettings(environment);
  const say = (line: string) => terminal.out(terminal.paint('dim', line));
  terminal.out(terminal.paint('bold', 'Skein demo: a service moves from callbacks to promises'));
  const repository = await DemoRepository.create({
    folder: dataDir.path,
    service: demoService,
    searchPath: environment['PATH'] ?? '',
  });
  say(`made a git repository from ${relative(packageRoot, demoService)}`);
  try {
    const port = settings.rest.port;
    const stackOptions = { run, dataDir, port, workers: 1, slots: 4, settings, environment, log, say };
    const stack = await Stack.start(stackOptions, interrupts.stop);
    try {
      return await showMigration({
        terminal,
        interrupts,
        stack,
        repository,
        say,
        kept,
        sabotage: o.sabotage,
      });
    } finally {
      await stack.stop(interrupts.hurry);
    }
  } finally {
    if (kept === null) await leaveForeignServers({ settings, namespace: dataDir.secrets.namespace, log });
  }
}

async function showMigration(o: {
  terminal: Terminal;
  interrupts: Interrupts;
  stack: Stack;
  repository: DemoRepository;
  say: (line: string) => void;
  kept: string | null;
  sabotage: boolean;
}): Promise<ExitCode> {
  const { terminal, stack, repository, say } = o;
  say(`the stack is ready at ${stack.url}`);
  const client = new CoordinatorClient(stack.url);
  const { planId } = await client.submit({ text: demoPlanText(o), repoUrl: repository.path }, randomUUID());
  say(`submitted the plan apps/cli/demo/plan.yaml as ${planId}\n`);
  const over = new AbortController();
  const signal = AbortSignal.any([o.interrupts.stop, over.signal]);
  try {
    const watcher = watcherFor(terminal, { json: false });
    await Promise.race([followPlan({ source: client, planId, watcher, signal }), stack.broken]);
  } finally {
    over.abort();
  }
  const plan = await waitForClose(client, planId, o.interrupts.stop);
  const report = new DemoReport({ terminal, client, repository, plan });
  await report.print();
  if (o.kept !== null) report.printKept(o.kept);
  return exitCodeOfStatus(plan.status);
}

const ELSEWHERE = new Set([
  'SKEIN_WORK_DIR',
  'SKEIN_ARTIFACTS_DIR',
  'SKEIN_SCHEMA',
  'SKEIN_NAMESPACE',
  // A demo that halts must wake nobody.
  'SKEIN_SINKS',
  'SKEIN_WORKER_ID',
]);

/** The settings that were given, but for those that say where things are kept: the demo keeps everything in its folder. */
function demoEnvironment(given: Record<string, string>): Record<string, string> {
  // `node` in the plan is the Node that runs us, also where another one, or none, is on PATH.
  const node = dirname(process.execPath);
  const readable = [demoAgentFolder, node, ...(given['SKEIN_STEP_READABLE'] ?? '').split(delimiter)].filter(
    Boolean,
  );
  return {
    ...Object.fromEntries(Object.entries(given).filter(([name]) => !ELSEWHERE.has(name))),
    PATH: [node, given['PATH']].filter(Boolean).join(delimiter),
    SKEIN_STEP_READABLE: readable.join(delimiter),
    SKEIN_DRAIN_GRACE_MS: String(DRAIN_GRACE_MS),
  };
}

/** Its private refs are removed after a plan has ended; only then is its ledger complete. */
async function waitForClose(
  client: CoordinatorClient,
  planId: string,
  signal: AbortSignal,
): Promise<PlanView> {
  const deadlineMs = performance.now() + CLOSED_MS_MAX;
  for (;;) {
    signal.throwIfAborted();
    const plan = await client.plan(planId);
    if (plan.closed || performance.now() > deadlineMs) return plan;
    await sleep(100);
  }
}
