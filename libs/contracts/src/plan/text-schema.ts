import { z } from 'zod';
import { optionally, use } from './key-facts.ts';
import { paramDeclaration } from './param-schema.ts';
import {
  branchName,
  duration,
  durationOrTime,
  gitRef,
  labelName,
  labelText,
  lockName,
  planName,
  repoFile,
  repoUrl,
  templateName,
  valueName,
} from './rules.ts';
import {
  commands,
  env,
  network,
  pool,
  priority,
  step,
  stepDefaults,
  stepTemplate,
  timeout,
} from './step-schema.ts';

/** What a plan text may say, version 1. The descriptions become docs/plan.schema.json: editors show them. */

const atMost = <T extends z.ZodRecord>(map: T, count: number): T =>
  map
    .superRefine((given, check) => {
      if (Object.keys(given).length > count) {
        check.addIssue({ code: 'custom', message: `more than ${count} of them` });
      }
    })
    .meta({ maxProperties: count });

const checks = {
  setup: optionally(commands, 'none').describe('Shell commands before verifying.'),
  verify: optionally(commands, 'none').describe('Shell commands that must all exit 0 on the merged result.'),
  env: optionally(env, 'none').describe(
    'Environment variables for these commands. Names that begin with SKEIN_ are ours.',
  ),
  network,
  timeout: timeout.optional(),
  pool,
};

const integrate = z.strictObject({
  branch: optionally(use('text', branchName), 'skein/<plan name>-<start of the plan id>').describe(
    'The branch to create, without `refs/heads/`; not the base.',
  ),
  ...checks,
});

const onRed = z
  .enum(['report', 'halt'])
  .describe('A check that is red on the base is reported, or halts the plan before any attempt.');

const baselineMap = z.strictObject({
  ...checks,
  setup: optionally(commands, 'none').describe('Shell commands before the checks.'),
  verify: optionally(commands, 'none').describe(
    'Shell commands that should exit 0 on the base. Each is judged by itself.',
  ),
  onRed: use('static', onRed).default('report'),
});

const progress = z.strictObject({
  branch: use('text', branchName).describe(
    'The branch that the page is pushed to, without `refs/heads/`. It holds nothing else; neither the base nor the integration’s.',
  ),
  every: use('text', duration)
    .default('5m')
    .describe('While the plan runs, a new page at most this often: 100ms to 168h.'),
});

const repo = z.strictObject({
  url: use('text', repoUrl).describe(
    'A folder or any git address. A relative folder is taken from where the plan is submitted.',
  ),
  base: use('text', gitRef)
    .default('HEAD')
    .describe('Branch, tag or SHA to start from. HEAD is the default branch of the remote.'),
});

export const planTextSchema = z
  .strictObject({
    $schema: use('opaque', z.string().max(2_000))
      .optional()
      .describe('For editors: where this JSON Schema is. Means nothing to Skein.'),
    version: z.literal(1, 'expected 1, the only version there is').describe('Version of this format: 1.'),
    name: use('text', planName).describe('For people.'),
    labels: optionally(atMost(z.record(labelName, use('text', labelText)), 32), 'none').describe(
      'Names and texts for people and for filters. They mean nothing to Skein.',
    ),
    params: optionally(atMost(z.record(valueName, paramDeclaration), 100), 'none').describe(
      'Values that are given when the plan is submitted: `${{ params.name }}` in expressions. Never a secret: they are recorded for ever.',
    ),
    repo: use('text', z.union([repo.shape.url, repo], { error: 'expected an address or { url, base }' }))
      .optional()
      .describe('The repository to change. Without one only `noop` and `wait` steps are possible.'),
    priority: priority(
      'Share among the plans of the tenant: a plan gets twice the turns of one whose priority is one less.',
    ),
    maxParallel: optionally(use('static', z.int().min(1).max(100_000)), 'what the fleet allows').describe(
      'Steps in flight at once.',
    ),
    maxLeases: use('static', z.int().min(1).max(100))
      .default(3)
      .describe('A step that loses its lease this often is poisoned.'),
    deadline: optionally(use('text', durationOrTime), 'never').describe(
      'A duration from the submission (100ms to 8760h) or a time in ISO 8601, at which the plan is halted unless its integration is accepted.',
    ),
    locks: optionally(
      atMost(z.record(lockName, use('static', z.int().min(1).max(1_000))), 100),
      'none',
    ).describe('Semaphores of this plan by name: how many steps may hold each at once.'),
    sandbox: use('static', z.enum(['auto', 'required']))
      .default('auto')
      .describe('auto: trusted tenants may run where no sandbox works. required: never run without one.'),
    baseline: optionally(
      z.union([onRed, baselineMap], { error: 'expected report, halt or { verify, onRed, ... }' }),
      'none',
    ).describe(
      'Checks on the base before any attempt is spent: a map, or what a red one does and then those of `integrate`. A red check that is green when it is run again is called flaky and halts nothing.',
    ),
    integrate: optionally(
      z.union([z.literal('none'), integrate], { error: 'expected none or { branch, verify, ... }' }),
      '{}, or nothing without a repository',
    ).describe('How accepted results come together on one branch; `none` leaves them on private refs.'),
    progress: optionally(progress, 'none').describe(
      'progress.md as commits on a branch, while the plan runs and at its end.',
    ),
    defaults: stepDefaults.optional(),
    templateFiles: optionally(z.array(repoFile).max(20), 'none').describe(
      'Files with templates, relative to the plan file and in its folder or below. Each holds `version: 1` and `templates`.',
    ),
    templates: optionally(atMost(z.record(templateName, stepTemplate), 1_000), 'none').describe(
      'Parts of steps by name, for `include`. Maps are merged key by key.',
    ),
    steps: z.array(step).describe('The steps, in any order.'),
  })
  .describe('A Skein plan: a DAG of steps over a git repository.');

export type PlanText = z.output<typeof planTextSchema>;
export type StepText = PlanText['steps'][number];
export type IntegrateText = z.output<typeof integrate>;
export type BaselineText = z.output<typeof baselineMap>;
export type MatrixText = NonNullable<StepText['matrix']>;
export type WaitText = NonNullable<StepText['wait']>;
export type RunText = NonNullable<StepText['run']>;

/** What a file of `templateFiles` holds. */
export const templateFileSchema = z.strictObject({
  $schema: z.string().max(2_000).optional(),
  version: z.literal(1, 'expected 1, the only version there is'),
  templates: atMost(z.record(templateName, stepTemplate), 1_000),
});
