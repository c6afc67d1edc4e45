import type { Command } from 'commander';
import type { ExitCode } from '../exit-code.ts';
import type { CommandContext } from './context.ts';
import type { LimitOptions } from './limits.ts';

const JSON_LINES = ['--json', 'machine-readable lines', false] as const;
const WHY = ['--why <text>', 'recorded with it'] as const;

/** What may be in flight at once, and whose turn it is. */
export function addLimitCommands(
  program: Command,
  context: () => CommandContext,
  ended: (code: ExitCode) => void,
): void {
  const verbs = () => import('./limits.ts');
  const limits = program
    .command('limits')
    .description('caps, weights and priorities, how much of them is in use, and who changed them')
    .option(...JSON_LINES)
    .action(async (o: { json: boolean }) => {
      ended(await (await verbs()).listLimits(context(), o));
    });
  // An option of the parent is taken by it, wherever it stands.
  const json = (o: { json: boolean }): boolean => o.json || limits.opts<{ json: boolean }>().json;

  limits
    .command('set')
    .description('change limits while the fleet runs; nothing that runs is ended')
    .argument(
      '<limit...>',
      'fleet=100 tenant:acme=20 tenant:*=50 pool:heavy=4 plan:ID=2 repository:ADDRESS=2 lock:staging=2 quota:acme=1000 weight:acme=3 priority:PLAN=5',
    )
    .option(...WHY)
    .option(...JSON_LINES)
    .action(async (given: string[], o: LimitOptions) => {
      ended(await (await verbs()).setLimits(context(), given, { ...o, json: json(o) }));
    });

  limits
    .command('unset')
    .description('let the settings hold again')
    .argument('<key...>', 'such as fleet, tenant:acme')
    .option(...WHY)
    .option(...JSON_LINES)
    .action(async (keys: string[], o: LimitOptions) => {
      ended(await (await verbs()).unsetLimits(context(), keys, { ...o, json: json(o) }));
    });

  limits
    .command('history')
    .description('who changed what, when and why')
    .option(...JSON_LINES)
    .action(async (o: { json: boolean }) => {
      ended(await (await verbs()).limitsHistory(context(), { json: json(o) }));
    });
}
