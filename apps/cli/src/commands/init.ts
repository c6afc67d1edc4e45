import { randomBytes } from 'node:crypto';
import { link, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { childEnvironment, stepEnvironment } from '#config';
import { silentLogger } from '#telemetry';
import { mainBranch, readWorkingFolder } from '#workspace';
import { exitCodes, UsageError } from '../exit-code.ts';
import { packageRoot } from '../package-root.ts';
import { escapeText } from '../rendering/escape.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { lookAtRepository } from '../showing/look.ts';
import { codemodTrials } from '../starting/codemod-trial.ts';
import { findExample } from '../starting/examples/find-example.ts';
import { firstPlanText, type FirstPlan } from '../starting/first-plan.ts';
import { networkEnvironment, networkHints, programHints } from '../starting/program-hints.ts';
import { surveyBase } from '../starting/survey.ts';
import { findToolchain } from '../starting/toolchains/find-toolchain.ts';
import type { CommandResult } from './context.ts';

export interface InitOptions {
  force: boolean;
  stdout: boolean;
}

const FILE = 'skein.yaml';

/** Writes a first plan for a repository, from what is committed there. */
export async function initPlan(terminal: Terminal, dir: string, o: InitOptions): CommandResult {
  const { root, base } = await findRepository(dir);
  const file = join(root, FILE);
  if (!o.stdout && !o.force) await refuseExisting(file);
  const plan = await planFor(root, base);
  const text = firstPlanText(plan);
  if (o.stdout) {
    terminal.out(text);
    return exitCodes.ok;
  }
  await writeWhole(file, text, o.force);
  await tell(terminal, file, plan);
  return exitCodes.ok;
}

async function findRepository(dir: string): Promise<{ root: string; base: string }> {
  const folder = resolve(dir);
  const shown = escapeText(folder);
  if (!(await stat(folder).catch(() => null))?.isDirectory())
    throw new UsageError(`there is no folder ${shown}`);
  const options = { env: childEnvironment(), log: silentLogger };
  const working = await readWorkingFolder(folder, options);
  if (working === null)
    throw new UsageError(
      `${shown} is no working folder of git. For a new repository: git init, git add --all, git commit`,
    );
  if (working.head === null)
    throw new UsageError(`${shown} has no commit yet, and a plan starts from one: git add --all, git commit`);
  return { root: working.root, base: (await mainBranch(folder, options)) ?? working.head };
}

async function planFor(root: string, base: string): Promise<FirstPlan> {
  return lookAtRepository({ url: root, contents: true }, async (mirror, scratchDir) => {
    const survey = await surveyBase(mirror, await mirror.resolve(base));
    const { toolchain, others } = await findToolchain(survey);
    const isNode = toolchain.network && toolchain.programs.includes('node');
    if (isNode) Object.assign(toolchain.env, networkEnvironment(childEnvironment()));
    const example = await findExample(survey, toolchain, codemodTrials(scratchDir));
    const schemaUrl = pathToFileURL(join(packageRoot, 'docs', 'plan.schema.json')).href;
    return { base, toolchain, others, example, schemaUrl };
  });
}

async function refuseExisting(file: string): Promise<void> {
  if ((await stat(file).catch(() => null)) !== null) throw taken(file);
}

function taken(file: string): UsageError {
  return new UsageError(
    `${escapeText(file)} is there already; --force replaces it, --stdout only prints the plan`,
  );
}

/** Whole or not at all, and never through a link: a repository may have one of that name that leads anywhere. */
async function writeWhole(file: string, text: string, replace: boolean): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, text, { flag: 'wx' });
  try {
    if (replace) await rename(draft, file);
    else await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw taken(file);
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function tell(terminal: Terminal, file: string, plan: FirstPlan): Promise<void> {
  const { paint } = terminal;
  const { toolchain, example } = plan;
  const shown = shellWord(relative(process.cwd(), file) || file);
  terminal.out(`wrote ${paint('bold', shown)}: ${example.name}, ${example.evidence}`);
  const checks = toolchain.verify.join(', ');
  terminal.out(`  ${toolchain.name}; ${checks === '' ? toolchain.because : `checks: ${checks}`}`);
  const hints = [
    ...toolchain.hints,
    ...(await programHints(toolchain.programs, stepEnvironment().PATH)),
    ...(toolchain.network ? networkHints(childEnvironment()) : []),
  ];
  for (const hint of hints) terminal.err(paint('yellow', `note: ${escapeText(hint)}`));
  terminal.out(
    [
      'next:',
      `  skein plan show ${shown}         # what would run`,
      '  skein up                          # in another terminal: the server',
      `  skein submit ${shown} --watch    # do it`,
    ].join('\n'),
  );
}

/** As it can be typed. */
function shellWord(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${escapeText(path).replaceAll("'", "'\\''")}'`;
}
