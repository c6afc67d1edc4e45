import { z } from 'zod';
import { show } from './problem.ts';
import {
  branchName,
  command,
  duration,
  envName,
  gitRef,
  glob,
  matrixValue,
  outputName,
  planName,
  poolName,
  repoFile,
  repoUrl,
  stepName,
  text,
} from './rules.ts';

/** What a plan text may say, version 1. The descriptions become docs/plan.schema.json: editors show them. */

const TEXT_MAX = 1_048_576;

const commands = z
  .array(command)
  .max(100)
  .describe('Shell commands (sh -c), run one after the other in the worktree.');

const env = z
  .record(envName, text(32_768))
  .describe('Environment variables for every program of the step. Names that begin with SKEIN_ are ours.');

const network = z
  .boolean()
  .default(false)
  .describe(
    'Whether programs of the step may use the network. It is the host’s: they reach what listens on its loopback, the API of Skein included, which has no login yet.',
  );

const timeout = z
  .strictObject({
    attempt: duration.default('10m').describe('Wall clock of one attempt, setup and verify included.'),
    idle: duration.default('2m').describe('Longest time that a program may print nothing.'),
  })
  .describe('How long programs may take, such as 500ms, 30s, 10m or 2h.');

const pool = poolName.default('default').describe('Kind of worker capacity that runs it.');

const globs = (about: string) => z.array(glob).max(1_000).describe(about);

const oneOrMore = <T extends z.ZodType>(one: T, most: number, expected: string) =>
  z.union([one, z.array(one).min(1, 'the list is empty').max(most)], { error: expected });

/** Each is there once. */
const unique = <T extends z.ZodType<string[]>>(list: T): T =>
  list
    .superRefine((values, check) => {
      const seen = new Set<string>();
      for (const [index, value] of values.entries()) {
        if (seen.has(value))
          check.addIssue({ code: 'custom', path: [index], message: `${show(value)} is there twice` });
        seen.add(value);
      }
    })
    .meta({ uniqueItems: true });

const matrixValues = unique(z.array(matrixValue).min(1, 'the list is empty').max(100_000));

const matrixObject = z.strictObject({
  values: matrixValues.optional().describe('One step per value. Programs see it as $SKEIN_MATRIX.'),
  glob: oneOrMore(glob, 1_000, 'expected a glob or a list of globs')
    .optional()
    .describe('One step per chunk of the files at the base that match, sorted by path.'),
  exclude: globs('Files that match `glob` but are left out.').optional(),
  chunk: z.int().min(1).max(100_000).optional().describe('Files per step. Default 1.'),
});

const matrix = z
  .union([matrixValues, matrixObject], {
    error: 'expected a list of values, { values: [...] } or { glob: ... }',
  })
  .describe('Turns the step into many, one per value or per chunk of files.');

const codemod = z.strictObject({
  language: z
    .enum(['JavaScript', 'TypeScript', 'Tsx', 'Html', 'Css'])
    .describe('The language that the rules are for, as ast-grep names it.'),
  rules: text(TEXT_MAX)
    .min(1, 'the rules are empty')
    .optional()
    .describe('ast-grep rules: YAML documents with `rule` and `fix`.'),
  rulesFile: repoFile.optional().describe('Instead of `rules`: a file of the repository, read at the base.'),
  files: globs(
    'Files to rewrite. Default: the files of the matrix, else every file of the language.',
  ).default([]),
  unparsable: z
    .enum(['report', 'fail'])
    .default('report')
    .describe('A source that cannot be parsed is skipped and reported, or fails the attempt.'),
});

const agent = z.strictObject({
  command: command.describe(
    'Shell command that edits the worktree. It is given $SKEIN_PROMPT and, from the second attempt on, $SKEIN_FEEDBACK (both files).',
  ),
  prompt: text(TEXT_MAX).min(1, 'the prompt is empty').optional().describe('What the agent is asked to do.'),
  promptFile: repoFile
    .optional()
    .describe('Instead of `prompt`: a file of the repository, read at the base.'),
});

const step = z.strictObject({
  name: stepName.describe('For people and for `needs`; unique in the plan.'),
  needs: z
    .array(z.string().max(64))
    .default([])
    .describe('Names of steps that must pass first; their results are merged to make the start of this one.'),
  pool,
  attempts: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe('Turns of the fix loop: after this many rejected ones the step is blocked.'),
  timeout: timeout.optional(),
  paths: z
    .strictObject({
      write: globs('Files that the step may change. Default: all.').optional(),
      protect: globs('Files that it must not change; wins over `write`.').default([]),
    })
    .optional()
    .describe('Which files the step may change. A change outside is a rejected attempt.'),
  setup: commands
    .optional()
    .describe('Shell commands before the first attempt of a lease, such as installing dependencies.'),
  verify: commands.optional().describe('Shell commands that must all exit 0 for an attempt to be accepted.'),
  env: env.optional(),
  network,
  outputs: unique(z.array(outputName).max(64))
    .default([])
    .describe('Names that the step must write to the JSON object in the file $SKEIN_OUTPUTS.'),
  matrix: matrix.optional(),
  noop: z.literal(true, 'expected true').optional().describe('Does nothing: joins other steps.'),
  run: oneOrMore(command, 100, 'expected a command or a list of commands')
    .optional()
    .describe('Shell commands that do the work.'),
  codemod: codemod.optional().describe('Rewrites source by ast-grep rules.'),
  agent: agent.optional().describe('A program of yours that edits the worktree.'),
});

const integrate = z.strictObject({
  branch: branchName
    .optional()
    .describe('Branch to create. Default: skein/<plan name>-<start of the plan id>.'),
  setup: commands.optional().describe('Shell commands before verifying.'),
  verify: commands.optional().describe('Shell commands that must all exit 0 on the merged result.'),
  env: env.optional(),
  network,
  timeout: timeout.optional(),
  pool,
});

const repo = z.strictObject({
  url: repoUrl.describe(
    'A folder or any git address. A relative folder is taken from where the plan is submitted.',
  ),
  base: gitRef
    .default('HEAD')
    .describe('Branch, tag or SHA to start from. HEAD is the default branch of the remote.'),
});

export const planTextSchema = z
  .strictObject({
    version: z.literal(1, 'expected 1, the only version there is').describe('Version of this format: 1.'),
    name: planName.describe('For people.'),
    repo: z
      .union([repo.shape.url, repo], { error: 'expected an address or { url, base }' })
      .optional()
      .describe('The repository to change. Without one only `noop` steps are possible.'),
    maxParallel: z
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .describe('Steps in flight at once. Default: what the fleet allows.'),
    maxLeases: z
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe('A step that loses its lease this often is poisoned.'),
    sandbox: z
      .enum(['auto', 'required'])
      .default('auto')
      .describe('auto: trusted tenants may run where no sandbox works. required: never run without one.'),
    integrate: z
      .union([z.literal('none'), integrate], { error: 'expected none or { branch, verify, ... }' })
      .optional()
      .describe(
        'How accepted results come together on one branch; `none` leaves them on private refs. Default: {}.',
      ),
    steps: z.array(step).describe('The steps, in any order.'),
  })
  .describe('A Skein plan: a DAG of steps over a git repository.');

export type PlanText = z.output<typeof planTextSchema>;
export type StepText = PlanText['steps'][number];
export type IntegrateText = z.output<typeof integrate>;
export type MatrixText = NonNullable<StepText['matrix']>;
