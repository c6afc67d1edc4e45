import type { LedgerPage, LimitView, LimitsView } from '#client';
import { UsageError, exitCodes } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import { changeLine, limitLines } from '../rendering/limit-lines.ts';
import { jsonLine, type CommandContext, type CommandResult } from './context.ts';

export interface LimitOptions {
  why?: string;
  json: boolean;
}

const PAGE = 500;

/** All limits, and how much of them is in use. */
export async function listLimits(
  { client, terminal }: CommandContext,
  o: Pick<LimitOptions, 'json'>,
): CommandResult {
  tell({ terminal }, await client.operator.limits(), () => true, o);
  return exitCodes.ok;
}

/** `tenant:acme=20`, several of them: all or nothing. Prints how they stand then. */
export async function setLimits(
  { client, terminal }: CommandContext,
  given: readonly string[],
  o: LimitOptions,
): CommandResult {
  const limits = Object.fromEntries(given.map((text) => limitOf(text)));
  return change({ client, terminal }, limits, o);
}

/** As the settings have them again. */
export async function unsetLimits(
  { client, terminal }: CommandContext,
  keys: readonly string[],
  o: LimitOptions,
): CommandResult {
  const withValue = keys.find((key) => /=\d*$/.test(key));
  if (withValue !== undefined) throw new UsageError(`${escapeText(withValue)}: unset takes no value`);
  return change({ client, terminal }, Object.fromEntries(keys.map((key) => [key, null])), o);
}

/** Who changed what, when and why: oldest first. */
export async function limitsHistory(
  { client, terminal }: CommandContext,
  o: Pick<LimitOptions, 'json'>,
): CommandResult {
  let after = 0;
  let page: LedgerPage;
  do {
    page = await client.operator.limitsLedger(after, PAGE);
    for (const { seq, at, type, data } of page.events)
      terminal.out(o.json ? jsonLine({ seq, at, type, ...data }) : changeLine({ seq, at, type, data }));
    after = page.events.at(-1)?.seq ?? after;
  } while (page.events.length > 0);
  if (after === 0) terminal.err('no limit was ever changed at run time');
  return exitCodes.ok;
}

async function change(
  { client, terminal }: CommandContext,
  limits: Record<string, number | null>,
  o: LimitOptions,
): CommandResult {
  const now = await client.operator.changeLimits(limits, o.why);
  tell({ terminal }, now, ({ key }) => Object.hasOwn(limits, key), o);
  return exitCodes.ok;
}

function tell(
  { terminal }: Pick<CommandContext, 'terminal'>,
  { limits, cut }: LimitsView,
  wanted: (limit: LimitView) => boolean,
  { json }: { json: boolean },
): void {
  const shown = limits.filter(wanted);
  if (json) for (const limit of shown) terminal.out(jsonLine(limit));
  else for (const line of limitLines(shown, terminal.paint)) terminal.out(line);
  if (cut) terminal.err('there are more than one answer holds: some are not shown');
}

/** Everything before the last `=`: the address of a repository may hold some itself. */
function limitOf(text: string): [key: string, value: number] {
  const match = /^(.+)=(-?\d{1,12})$/.exec(text);
  if (!match) throw new UsageError(`${escapeText(text)}: expected such as tenant:acme=20`);
  return [match[1]!, Number(match[2])];
}
