import { styleText } from 'node:util';
import type { Mirror } from '#workspace';
import { exitCodes, UsageError } from '../exit-code.ts';
import { filesOfPatch } from '../landing/patch-files.ts';
import { findLanding, type FileChange, type LandingSubject } from '../landing/landing.ts';
import { renderNames, renderPatch, renderStat } from '../landing/render-changes.ts';
import { escapeText } from '../rendering/escape.ts';
import { plainPaint, type Paint, type Terminal } from '../rendering/terminal.ts';
import { lookAtRepository } from '../showing/look.ts';
import type { CommandContext, CommandResult } from './context.ts';

export interface DiffOptions {
  attempt?: number;
  stat: boolean;
  nameOnly: boolean;
  color: 'auto' | 'always' | 'never';
}

/** More is read by nobody; a branch of that size is looked at with git. */
const PATCH_BYTES_MAX = 64 * 1024 * 1024;

/** What is shown, as far as it was asked for. */
type Changes = { patch: Buffer } | { files: FileChange[] };

/**
 * What a plan would land, or has landed. Worked out here, by git on the repository; where that cannot be read from here,
 * from the diffs that the server kept.
 */
export async function showDiff(
  context: CommandContext,
  planId: string,
  step: string | null,
  o: DiffOptions,
): CommandResult {
  if (step === null && o.attempt !== undefined) throw new UsageError('--attempt needs a step');
  const changes =
    step === null ? await planChanges(context, planId, o) : await stepChanges(context, { planId, step }, o);
  print(context.terminal, changes, o);
  return exitCodes.ok;
}

async function stepChanges(
  { client }: CommandContext,
  { planId, step }: { planId: string; step: string },
  o: DiffOptions,
): Promise<Changes> {
  const attempt = o.attempt ?? (await lastAttempt(client, planId, step));
  return wanted(await client.attemptText(planId, step, attempt, 'diff'), o);
}

async function lastAttempt(
  client: CommandContext['client'],
  planId: string,
  wantedStep: string,
): Promise<number> {
  const steps = await client.steps(planId);
  const step = steps.find(({ ordinal, name }) => ordinal === wantedStep || name === wantedStep);
  if (!step) throw new UsageError(`the plan has no step ${escapeText(wantedStep)}`);
  // The integration's diff is kept as of a first attempt.
  if (step.kind === 'integrate' && step.epoch > 0) return 1;
  if (step.attempts === 0) throw new UsageError(`${escapeText(step.name)} has no recorded attempt yet`);
  return step.attempts;
}

async function planChanges(context: CommandContext, planId: string, o: DiffOptions): Promise<Changes> {
  const { client, terminal } = context;
  const subject = await readSubject(client, planId);
  const note = (text: string) => terminal.err(terminal.paint('dim', `# ${text}`));
  if (subject === null) {
    note('the plan has no repository');
    return { files: [] };
  }
  try {
    return await lookAtRepository({ url: subject.repo.url, contents: true }, async (mirror) => {
      const landing = await findLanding(mirror, subject);
      for (const text of landing.notes) note(text);
      return changesBetween(mirror, landing, o, note);
    });
  } catch (error) {
    const why = expectedWhy(error);
    if (why === null) throw error;
    note(`the repository cannot tell it from here: ${escapeText(why)}`);
    note('so these are the diffs that the server kept, one after the other');
    return wanted(await client.planDiff(planId), o);
  }
}

async function readSubject(client: CommandContext['client'], planId: string): Promise<LandingSubject | null> {
  const plan = await client.plan(planId);
  const [first] = (await client.ledger(planId, 0, 1)).events;
  const submitted = JSON.parse(first?.body ?? '{}') as { data?: { definition?: { repo?: unknown } } };
  const repo = submitted.data?.definition?.repo as { url: string; base: string } | null | undefined;
  if (!repo) return null;
  return { plan, repo, steps: plan.integration ? [] : await client.steps(planId) };
}

async function changesBetween(
  mirror: Mirror,
  { from, to }: { from: string; to: string },
  o: DiffOptions,
  note: (text: string) => void,
): Promise<Changes> {
  if (o.stat || o.nameOnly) return { files: await mirror.changedFiles(from, to) };
  const { bytes, truncated } = await mirror.diff(from, to, { maxBytes: PATCH_BYTES_MAX });
  if (truncated) note(`cut after ${PATCH_BYTES_MAX / 1024 ** 2} MB; --stat tells the files`);
  return { patch: bytes };
}

function wanted(patch: string, o: DiffOptions): Changes {
  return o.stat || o.nameOnly ? { files: filesOfPatch(patch) } : { patch: Buffer.from(patch, 'utf8') };
}

/** Failures of git and of the look are reasons to ask the server; null: a bug, or Ctrl-C. */
function expectedWhy(error: unknown): string | null {
  const { code, retry } = (error ?? {}) as { code?: unknown; retry?: unknown };
  if (!(error instanceof Error) || typeof retry !== 'string' || code === 'interrupted') return null;
  return error.message.split('\n')[0]!;
}

function print(terminal: Terminal, changes: Changes, o: DiffOptions): void {
  const forEyes = terminal.isTty || o.color === 'always';
  const paint = { auto: terminal.paint, always, never: plainPaint }[o.color];
  if ('files' in changes) {
    if (changes.files.length === 0) return;
    for (const line of o.stat ? renderStat(changes.files, paint) : renderNames(changes.files))
      terminal.out(line);
    return;
  }
  if (changes.patch.length === 0) return;
  // A pipe gets the bytes as they are, so that they can be applied; a terminal gets nothing that steers it.
  if (forEyes) terminal.out(renderPatch(changes.patch.toString('utf8'), paint));
  else terminal.stdout.write(changes.patch);
}

const always: Paint = (style, text) => styleText(style, text, { validateStream: false });
