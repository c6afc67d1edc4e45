import { z } from 'zod';
import { optionally, use } from './key-facts.ts';
import { show } from './problem.ts';
import {
  command,
  duration,
  envName,
  expressionText,
  glob,
  lockName,
  matrixValue,
  outputName,
  poolName,
  stepName,
  templateName,
  text,
  valueName,
} from './rules.ts';
import { agent, codemod, run, wait } from './work-schema.ts';

/** What a plan text may say of a step. The descriptions become docs/plan.schema.json and docs/plan-format.md. */

export const commands = z
  .array(use('command', command))
  .max(100)
  .describe('Shell commands (sh -c), run one after the other in the worktree.');

export const env = z
  .record(envName, use('late', text(32_768)))
  .describe('Environment variables for every program of the step. Names that begin with SKEIN_ are ours.');

export const network = use('static', z.boolean())
  .default(false)
  .describe(
    'Whether programs of the step may use the network. It is the host’s: they reach what listens on its loopback, the API of Skein included, which has no login yet.',
  );

export const timeout = z
  .strictObject({
    attempt: use('text', duration)
      .default('10m')
      .describe('Wall clock of one attempt, setup and verify included: 100ms to 168h.'),
    idle: use('text', duration)
      .default('2m')
      .describe('Longest time that a program may print nothing: 100ms to 168h.'),
  })
  .describe('How long programs may take, such as 500ms, 30s, 10m or 2h.');

export const pool = use('text', poolName)
  .default('default')
  .describe('Kind of worker capacity that runs it.');

export const priority = (about: string) => use('static', z.int().min(-10).max(10)).default(0).describe(about);

const globs = (about: string) => use('glob', z.array(use('glob', glob)).max(1_000)).describe(about);

export const oneOrMore = <T extends z.ZodType>(one: T, most: number, expected: string) =>
  z.union([one, z.array(one).min(1, 'the list is empty').max(most)], { error: expected });

/** Each is there once. */
export const unique = <T extends z.ZodType<string[]>>(list: T): T =>
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

// Written out, an empty list is a mistake (see matrix-problems); one that a param gives is not.
const matrixValues = unique(z.array(use('text', matrixValue)).max(100_000)).meta({ minItems: 1 });

const staticGlobs = z.array(use('text', glob)).max(1_000);

const matrixObject = z.strictObject({
  values: use('static', matrixValues)
    .optional()
    .describe('One step per value. Programs see it as $SKEIN_MATRIX.'),
  glob: use('static', oneOrMore(use('text', glob), 1_000, 'expected a glob or a list of globs'))
    .optional()
    .describe(
      'One step per chunk of the files at the base that match, sorted by path. When no file matches, the plan ends with that reason.',
    ),
  exclude: optionally(use('static', staticGlobs), 'none').describe(
    'Files that match `glob` but are left out.',
  ),
  chunk: optionally(use('static', z.int().min(1).max(100_000)), '1').describe('Files per step.'),
  from: use('bare', expressionText)
    .optional()
    .describe(
      'An expression, evaluated when the needs are met: one step per item of the list that it gives. The list may be empty. Programs see a text as it is in $SKEIN_MATRIX, any other item as JSON.',
    ),
});

const matrix = use(
  'static',
  z.union([matrixValues, matrixObject], {
    error: 'expected a list of values, { values: [...] }, { glob: ... } or { from: ... }',
  }),
).describe('Turns the step into many, one per value, per chunk of files, or per item of a list.');

export const step = z.strictObject({
  name: stepName.describe('For people and for `needs`; unique in the plan.'),
  include: optionally(
    oneOrMore(templateName, 16, 'expected the name of a template or a list of names'),
    'none',
  ).describe(
    'Templates whose keys the step takes over. Later ones win, and what the step says itself wins over all.',
  ),
  with: optionally(
    z.record(
      valueName,
      use(
        'static',
        z.union([text(32_768), z.number(), z.boolean()], { error: 'expected text, a number, true or false' }),
      ),
    ),
    'none',
  ).describe('Values for expressions in the step and in the templates that it includes: `${{ with.name }}`.'),
  needs: z
    .array(z.string().max(64))
    .default([])
    .describe('Names of steps that must pass first; their results are merged to make the start of this one.'),
  when: optionally(
    use('bare', z.union([expressionText, z.boolean()], { error: 'expected an expression' })),
    'always',
  ).describe(
    'An expression, evaluated when the needs are met: if it gives false, the step is skipped. A skipped step counts as met.',
  ),
  pool,
  priority: priority('Order among the steps of the plan: those with a higher one start first.'),
  locks: optionally(use('static', unique(z.array(use('text', lockName)).max(16))), 'none').describe(
    'Named semaphores that the step holds while it is in flight: those of the plan, else of the tenant, which one step at a time holds.',
  ),
  attempts: use('static', z.int().min(1).max(100))
    .default(3)
    .describe('Turns of the fix loop: after this many rejected ones the step is blocked.'),
  timeout: timeout.optional(),
  paths: z
    .strictObject({
      write: optionally(globs('Files that the step may change.'), 'all').describe(
        'Files that the step may change.',
      ),
      protect: globs('Files that it must not change; wins over `write`.').default([]),
    })
    .optional()
    .describe('Which files the step may change. A change outside is a rejected attempt.'),
  setup: optionally(commands, 'none').describe(
    'Shell commands before the first attempt of a lease, such as installing dependencies.',
  ),
  verify: optionally(commands, 'none').describe(
    'Shell commands that must all exit 0 for an attempt to be accepted.',
  ),
  env: optionally(env, 'none').describe(
    'Environment variables for every program of the step. Names that begin with SKEIN_ are ours.',
  ),
  network,
  outputs: unique(z.array(outputName).max(64))
    .default([])
    .describe('Names that the step must write to the JSON object in the file $SKEIN_OUTPUTS.'),
  matrix: optionally(matrix, 'one step').describe(
    'Turns the step into many, one per value, per chunk of files, or per item of a list.',
  ),
  noop: z.literal(true, 'expected true').optional().describe('Does nothing: joins other steps.'),
  wait: wait
    .optional()
    .describe('Passes when its time has come. It holds no worker and no lease until then.'),
  run: run.optional().describe('Shell commands or a script that do the work.'),
  codemod: codemod.optional().describe('Rewrites source by ast-grep rules or a jscodeshift transform.'),
  agent: agent.optional().describe('A program of yours that edits the worktree.'),
});

/** Keys that `defaults` may give to every step. */
export const stepDefaults = step
  .pick({
    pool: true,
    priority: true,
    locks: true,
    attempts: true,
    timeout: true,
    paths: true,
    setup: true,
    verify: true,
    env: true,
    network: true,
  })
  .describe('Keys that every step takes over unless it says them itself. Maps are merged key by key.');

/** A step that lacks what the including one gives: everything may be left out. */
export const stepTemplate = step.omit({ name: true, include: true }).partial();
