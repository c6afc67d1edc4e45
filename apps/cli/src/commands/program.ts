import { Command, InvalidArgumentError, Option } from 'commander';
import { CoordinatorClient } from '../client/coordinator-client.ts';
import type { ExitCode } from '../exit-code.ts';
import type { Terminal } from '../rendering/terminal.ts';
import type { CommandContext, UpOptions, VerifyOptions } from './context.ts';
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
    .command('submit')
    .description('submit a plan (YAML or JSON; - reads standard input)')
    .argument('<file>')
    .option('--watch', 'follow it to its end', false)
    .option('-f, --follow <step>', 'with --watch: show the log of this step (ordinal or name), too')
    .option('--json', 'machine-readable lines', false)
    .option('--key <key>', 'idempotency key: the same key is the same plan')
    .action(async (file: string, options: WatchOptions & { watch: boolean; key?: string }) => {
      o.ended(await (await plans()).submitPlan(context(), file, options));
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
    .description('what a plan changed, or one attempt of a step')
    .argument('<plan>')
    .argument('[step]', 'ordinal (s3) or name')
    .option('--attempt <n>', 'which attempt', wholeNumber(1, 1_000))
    .action(async (plan: string, step: string | undefined, options: { attempt?: number }) => {
      o.ended(await (await plans()).showDiff(context(), plan, step ?? null, options.attempt ?? null));
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

  program
    .command('ledger')
    .description("a plan's ledger")
    .command('verify')
    .description('recompute the hash chain here, over the exact bytes')
    .argument('<plan>')
    .option('--anchor <seq:hash>', 'a head that is kept outside the database')
    .addOption(new Option('--repo <path>', 'take the anchor from a commit of this repository'))
    .addOption(new Option('--ref <ref>', 'the commit or branch that carries the anchor'))
    .option('--json', 'one machine-readable line', false)
    .action(async (plan: string, options: VerifyOptions) => {
      const { verifyLedger } = await import('./ledger.ts');
      o.ended(await verifyLedger(context(), plan, options));
    });

  program
    .command('plan')
    .description('plan texts')
    .command('validate')
    .description('check a plan text, without a server')
    .argument('<file>')
    .option('--json', 'one machine-readable line', false)
    .action(async (file: string, options: { json: boolean }) => {
      const { validatePlan } = await import('./validating.ts');
      o.ended(await validatePlan(o.terminal, file, options));
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

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
    return value;
  };
}
