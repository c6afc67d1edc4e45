import { InvalidArgumentError, type Command } from 'commander';
import type { ExitCode } from '../exit-code.ts';
import type { CommandContext } from './context.ts';
import type { CommandOptions, ForkOptions, RedriveOptions, StepOptions } from './operating.ts';
import { collectParam } from './param.ts';

const WHY = ['--why <text>', 'recorded with it'] as const;
const JSON_LINES = ['--json', 'machine-readable lines', false] as const;
const STEP = ['<step>', 'ordinal (s3) or name'] as const;

/** What an operator does to plans and steps. */
export function addOperatorCommands(
  program: Command,
  context: () => CommandContext,
  ended: (code: ExitCode) => void,
): void {
  const operating = () => import('./operating.ts');

  for (const [verb, what] of [
    ['pause', 'begin no step of a plan any more; those that run go on'],
    ['resume', 'let a paused plan go on'],
  ] as const) {
    program
      .command(verb)
      .description(what)
      .argument('<plan>')
      .option(...WHY)
      .option(...JSON_LINES)
      .action(async (plan: string, o: CommandOptions) => {
        ended(await (await operating()).operatePlan(context(), plan, verb, o));
      });
  }

  program
    .command('retry')
    .description('try a blocked or poisoned step again, from its last attempt; a halted plan goes on with it')
    .argument('<plan>')
    .argument(...STEP)
    .option('--attempts <n>', 'so many more (default: as many as the plan gives)', wholeNumber(1, 100))
    .option('--note <text>', 'told to the next attempt')
    .option(...WHY)
    .option(...JSON_LINES)
    .action(async (planId: string, step: string, o: StepOptions) => {
      ended(await (await operating()).operateStep(context(), { planId, step, verb: 'retry' }, o));
    });

  for (const [verb, what] of [
    ['skip', 'go on without a step: it counts as done; a halted plan goes on'],
    ['kill', "end a step's lease: it is tried again at once"],
  ] as const) {
    program
      .command(verb)
      .description(what)
      .argument('<plan>')
      .argument(...STEP)
      .option(...WHY)
      .option(...JSON_LINES)
      .action(async (planId: string, step: string, o: CommandOptions) => {
        ended(await (await operating()).operateStep(context(), { planId, step, verb }, o));
      });
  }

  program
    .command('redrive')
    .description('try dead letters (poisoned steps) again: one, or all of a kind')
    .argument('[plan]')
    .argument('[step]', 'ordinal (s3) or name')
    .option('--all', 'all of the plan; without a plan, of all plans', false)
    .option('--reason <code>', 'with --all: those with this reason')
    .option('--name <text>', 'with --all: of plans whose names begin so')
    .option('--rate <n/m>', 'with --all: how many a minute (10/m), second (1/s) or hour (30/h)', rate)
    .option(...WHY)
    .option(...JSON_LINES)
    .action(async (plan: string | undefined, step: string | undefined, o: RedriveOptions) => {
      ended(await (await operating()).redrive(context(), plan ?? null, step ?? null, o));
    });

  program
    .command('dead-letters')
    .description('poisoned steps of all plans')
    .argument('[plan]', 'of this plan only')
    .option('--reason <code>', 'with this reason')
    .option('--name <text>', 'of plans whose names begin so')
    .option(...JSON_LINES)
    .action(async (plan: string | undefined, o: { reason?: string; name?: string; json: boolean }) => {
      const { json, ...filter } = o;
      const query = plan === undefined ? filter : { ...filter, plan };
      ended(await (await operating()).listDeadLetters(context(), query, json));
    });

  program
    .command('fork')
    .description('make a new plan of what a plan had come to, with another text if wanted')
    .argument('<plan>')
    .argument('[file]', 'the text of the new plan (default: as it was)')
    .option('--at <seq>', 'as it stood at this event of its ledger', wholeNumber(1, 999_999_999))
    .option('--name <name>', 'of the new plan')
    .option('--param <name=value>', 'with a file: a param of the plan; may be given many times', collectParam)
    .option('--base <ref>', 'with a file: branch, tag or commit to start from')
    .option('--key <key>', 'idempotency key: the same key is the same plan')
    .option(...JSON_LINES)
    .action(async (plan: string, file: string | undefined, o: ForkOptions) => {
      ended(await (await operating()).forkPlan(context(), plan, file ?? null, o));
    });

  program
    .command('explain')
    .description('what a step waits for; without a step, every step of the plan that waits')
    .argument('<plan>')
    .argument('[step]', 'ordinal (s3) or name')
    .option(...JSON_LINES)
    .action(async (plan: string, step: string | undefined, o: { json: boolean }) => {
      ended(await (await operating()).explain(context(), plan, step ?? null, o.json));
    });
}

const RATE_MAX = 60_000;

/** `10/m`: so many a minute. */
function rate(text: string): number {
  const match = /^([1-9]\d{0,4})\/(s|m|h)$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected such as 10/m, 1/s or 30/h');
  const perMinute = Number(match[1]) * { s: 60, m: 1, h: 1 / 60 }[match[2] as 's' | 'm' | 'h'];
  if (perMinute > RATE_MAX) throw new InvalidArgumentError('expected at most 1000/s');
  return perMinute;
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
    return value;
  };
}
