import { Command, InvalidArgumentError, Option } from 'commander';
import { CoordinatorClient } from '../client/coordinator-client.ts';
import type { ExitCode } from '../exit-code.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { parseAge } from '../pruning/age.ts';
import type { CommandContext, UpOptions, VerifyOptions } from './context.ts';
import type { DiffOptions } from './diff.ts';
import { addLimitCommands } from './limit-commands.ts';
import { addOperatorCommands } from './operator-commands.ts';
import type { InitOptions } from './init.ts';
import { collectParam } from './param.ts';
import type { PlanShowOptions } from './plan-show.ts';
import type { PruneOptions } from './prune.ts';
import type { SubmitOptions } from './submit.ts';
import type { ListOptions } from './plans.ts';
import type { WatchOptions } from './watching.ts';

/**
 * The `skein` command line. Commands are loaded when they run: `skein status` must not wait for a database
 * driver to load.
 */
export function createProgram(o: {
  terminal: Terminal;
  defaultUrl: () => string;
  version: string;
  ended(code: ExitCode): void;
}): Command {
  const program = new Command('skein')
    .description('Carries large code changes to their end.')
    .version(o.version)
    .option('--url <url>', 'the server (default: SKEIN_URL, else http://127.0.0.1:7070)')
    .showHelpAfterError('(skein --help shows the usage)')
    .exitOverride();

  const context = (): CommandContext => ({
    terminal: o.terminal,
    client: new CoordinatorClient(program.opts<{ url?: string }>().url ?? o.defaultUrl()),
  });
  const plans = () => import('./plans.ts');

  program
    .command('up')
    .description('run the whole stack on this machine, in the foreground')
    .option(
      '--port <port>',
      'port of the server; a taken one is stepped over, 0 takes any',
      wholeNumber(0, 65_535),
    )
    .option('--workers <n>', 'worker processes', wholeNumber(0, 64))
    .option('--slots <n>', 'steps that each worker runs at once', wholeNumber(1, 512))
    .option('--data-dir <dir>', 'where the ledger and everything else is kept')
    .action(async (options: UpOptions) => {
      const { up } = await import('./up.ts');
      o.ended(await up(o.terminal, options));
    });

  program
    .command('init')
    .description('write a first plan (skein.yaml) for a repository')
    .argument('[dir]', 'a working folder of git', '.')
    .option('--force', 'replace a skein.yaml that is there', false)
    .option('--stdout', 'print the plan instead of writing it', false)
    .action(async (dir: string, options: InitOptions) => {
      const { initPlan } = await import('./init.ts');
      o.ended(await initPlan(o.terminal, dir, options));
    });

  withPlanInput(program.command('submit'))
    .description('submit a plan (YAML or JSON; - reads standard input)')
    .argument('<file>')
    .option('--watch', 'follow it to its end', false)
    .option('-f, --follow <step>', 'with --watch: show the log of this step (ordinal or name), too')
    .option('--dry-run', 'check all that can be checked, against the base too, and submit nothing', false)
    .option('--json', 'machine-readable lines', false)
    .option('--key <key>', 'idempotency key: the same key is the same plan')
    .option('--tenant <tenant>', 'whom the plan belongs to (default: local)')
    .action(async (file: string, options: SubmitOptions) => {
      const { submitPlan } = await import('./submit.ts');
      o.ended(await submitPlan(context(), file, options));
    });

  program
    .command('watch')
    .description('follow a plan to its end')
    .argument('<plan>')
    .option('-f, --follow <step>', 'show the log of this step (ordinal or name), too')
    .option('--json', "the plan's events, one to a line", false)
    .action(async (plan: string, options: WatchOptions) => {
      const { watchPlan } = await import('./watching.ts');
      o.ended(await watchPlan(context(), plan, options));
    });

  program
    .command('status')
    .description('how a plan and its steps are')
    .argument('<plan>')
    .option('--json', 'one machine-readable line', false)
    .action(async (plan: string, options: { json: boolean }) => {
      o.ended(await (await plans()).showStatus(context(), plan, options));
    });

  program
    .command('plans')
    .description('the newest plans')
    .option('--status <status>', 'that are running, completed, halted or cancelled')
    .option('--name <text>', 'whose names begin so')
    .option('--label <key=value>', 'that have this label (key alone: any value); may be repeated', repeated)
    .option('--tenant <tenant>', 'of this tenant')
    .option('--age <duration>', "submitted within it (24h), or longer ago ('>7d')")
    .option('--limit <n>', 'how many', wholeNumber(1, 10_000), 20)
    .option('--all', 'all of them, however many', false)
    .option('--json', 'machine-readable lines', false)
    .action(async (options: ListOptions) => {
      o.ended(await (await plans()).listPlans(context(), options));
    });

  program
    .command('log')
    .description("an attempt's log (default: the last recorded attempt)")
    .argument('<plan>')
    .argument('<step>', 'ordinal (s3) or name')
    .option('--attempt <n>', 'which attempt', wholeNumber(1, 1_000))
    .action(async (plan: string, step: string, options: { attempt?: number }) => {
      o.ended(await (await plans()).showLog(context(), plan, step, options.attempt ?? null));
    });

  program
    .command('diff')
    .description('what a plan would land, or has landed; with a step: what its last attempt changed')
    .argument('<plan>')
    .argument('[step]', 'ordinal (s3) or name')
    .option('--attempt <n>', 'which attempt of the step', wholeNumber(1, 1_000))
    .option('--stat', 'files and counts of lines', false)
    .option('--name-only', 'names of files', false)
    .addOption(
      new Option('--color <when>', 'colours, and control characters made visible')
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    )
    .action(async (plan: string, step: string | undefined, options: DiffOptions) => {
      const { showDiff } = await import('./diff.ts');
      o.ended(await showDiff(context(), plan, step ?? null, options));
    });

  program
    .command('prune')
    .description('remove what nobody needs any more from this machine: artifacts of old plans, mirrors, logs')
    .option(
      '--older-than <age>',
      'of plans that ended before, and of files: 30d, 12h, 2w',
      parseAge,
      MONTH_MS,
    )
    .option('--dry-run', 'say what would go, and how much', false)
    .option('--data-dir <dir>', 'the data directory of `skein up`')
    .option('--json', 'one machine-readable line', false)
    .action(async (options: PruneOptions) => {
      const { pruneData } = await import('./prune.ts');
      o.ended(await pruneData(context(), options));
    });

  program
    .command('progress')
    .description("a plan's progress.md")
    .argument('<plan>')
    .action(async (plan: string) => {
      o.ended(await (await plans()).showProgress(context(), plan));
    });

  program
    .command('cancel')
    .description('cancel a plan')
    .argument('<plan>')
    .option('--why <text>', 'recorded with it')
    .action(async (plan: string, options: { why?: string }) => {
      o.ended(await (await plans()).cancelPlan(context(), plan, options.why ?? null));
    });

  addOperatorCommands(program, context, (code) => o.ended(code));
  addLimitCommands(program, context, (code) => o.ended(code));

  program
    .command('ledger')
    .description("a plan's ledger, or that of the limits")
    .command('verify')
    .description('recompute the hash chain here, over the exact bytes')
    .argument('[plan]')
    .option('--limits', 'what was recorded of limits, instead of a plan', false)
    .option('--anchor <seq:hash>', 'a head that is kept outside the database')
    .addOption(new Option('--repo <path>', 'take the anchor from a commit of this repository'))
    .addOption(new Option('--ref <ref>', 'the commit or branch that carries the anchor'))
    .option('--json', 'one machine-readable line', false)
    .action(async (plan: string | undefined, options: VerifyOptions) => {
      const { verifyLedger } = await import('./ledger.ts');
      o.ended(await verifyLedger(context(), plan ?? null, options));
    });

  const plan = program.command('plan').description('plan texts');
  withPlanInput(plan.command('show'))
    .description("what a plan would run, against its repository's base; no server is asked")
    .argument('<file>')
    .option('--mermaid', 'as a Mermaid chart', false)
    .option('--json', 'one machine-readable line, with every step', false)
    .action(async (file: string, options: PlanShowOptions) => {
      const { showPlan } = await import('./plan-show.ts');
      o.ended(await showPlan(o.terminal, file, options));
    });

  plan
    .command('validate')
    .description('check a plan text, without a server')
    .argument('<file>')
    .option('--param <name=value>', 'a param of the plan; may be given many times', collectParam)
    .option('--json', 'one machine-readable line', false)
    .action(async (file: string, options: { json: boolean; param?: Record<string, string> }) => {
      const { validatePlan } = await import('./validating.ts');
      o.ended(await validatePlan(o.terminal, file, options));
    });

  const sinks = program
    .command('sinks')
    .description('who is paged, and whether it arrives')
    .option('--json', 'machine-readable lines', false)
    .action(async (options: { json: boolean }) => {
      const { listSinks } = await import('./sinks.ts');
      o.ended(await listSinks(context(), options));
    });

  sinks
    .command('test')
    .description('send a test page now')
    .argument('<sink>', 'its name')
    .option('--json', 'one machine-readable line', false)
    .action(async (sink: string, options: { json: boolean }) => {
      const { testSink } = await import('./sinks.ts');
      o.ended(
        await testSink(context(), sink, { json: options.json || sinks.opts<{ json: boolean }>().json }),
      );
    });

  program
    .command('config')
    .description('every setting with its value, default and meaning')
    .option('--json', 'machine-readable lines', false)
    .action(async (options: { json: boolean }) => {
      const { showConfig } = await import('./config.ts');
      o.ended(await showConfig(o.terminal, options));
    });

  program
    .command('doctor')
    .description('what Skein finds on this machine, what is missing, what to do')
    .option('--data-dir <dir>', 'the data directory to look at')
    .option('--json', 'machine-readable lines', false)
    .action(async (options: { json: boolean; dataDir?: string }) => {
      const { doctor } = await import('./doctor.ts');
      o.ended(await doctor(o.terminal, options));
    });

  return program;
}

function repeated(value: string, before: string[] = []): string[] {
  return [...before, value];
}

const MONTH_MS = 30 * 86_400_000;

/** What a plan is made of besides its text. */
function withPlanInput(command: Command): Command {
  return command
    .option('--param <name=value>', 'a param of the plan; may be given many times', collectParam)
    .option('--base <ref>', "branch, tag or commit to start from, instead of the plan's")
    .option('--strict', 'uncommitted files in the repository are an error', false);
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
    return value;
  };
}
