import {
  renderArgs,
  renderCommands,
  renderGlobs,
  renderText,
  type Job,
  type JobWork,
  type LoopJob,
  type StepInput,
} from '#contracts';
import {
  acceptedCommits,
  definitionOf,
  inputCommits,
  inputOutputs,
  integrationBranch,
  isMet,
  stepOf,
  textsNamed,
  toIso,
  type PlanState,
  type CodemodWork,
  type ExpressionScope,
  type StepState,
  type StepWork,
  type TextSource,
} from '#domain';
import { planScope, renderPrograms, stepScope } from './step-texts.ts';

export interface JobFacts {
  /** Whether the plan's tenant may run without a sandbox where none works. */
  trusted: boolean;
  traceparent: string | null;
  maxSteps: number;
}

/** Everything a worker needs for the step's current epoch, from nothing but the plan's state. */
export function buildJob(plan: PlanState, ordinal: number, facts: JobFacts): Job {
  const definition = definitionOf(plan);
  const step = stepOf(plan, ordinal);
  return {
    version: 1,
    planId: plan.planId,
    planName: definition.name,
    ordinal,
    epoch: step.epoch,
    pool: step.lane.pool,
    stepName: step.instance.name,
    repo: definition.repo,
    baseSha: plan.baseSha,
    sandbox: definition.sandbox,
    trusted: facts.trusted,
    work: workOf(plan, step, facts),
    traceparent: facts.traceparent,
  };
}

function workOf(plan: PlanState, step: StepState, facts: JobFacts): JobWork {
  switch (step.instance.kind) {
    case 'noop':
      return { kind: 'noop' };
    case 'wait':
      throw new Error(`s${step.instance.ordinal} of plan ${plan.planId}: a wait is nobody's job`);
    case 'run':
    case 'codemod':
    case 'agent':
      return loopJob(plan, step);
    case 'resolve':
      return resolveJob(plan, facts);
    case 'baseline':
      return baselineJob(plan, step);
    case 'report':
      return reportJob(plan);
    case 'integrate':
      return integrateJob(plan, step);
    case 'publish':
      return publishJob(plan);
    case 'clean':
      return { kind: 'clean', keep: keptRefs(plan) };
  }
}

function loopJob(plan: PlanState, step: StepState): LoopJob {
  const definition = plan.groups[step.instance.definition!]!.definition;
  const scope = stepScope(plan, step);
  const programs = renderPrograms(definition, scope);
  const { task, values } = taskOf(plan, step, definition.work, scope, programs.values);
  const { write, protect } = definition.paths;
  return {
    kind: step.instance.kind as LoopJob['kind'],
    attempt: step.attemptsUsed + 1,
    attempts: step.attemptsAllowed,
    inputs: inputCommits(plan, step.instance.ordinal),
    previous: step.previous,
    matrix: step.instance.matrix,
    inputOutputs: inputOutputs(plan, step.instance.ordinal),
    timeout: definition.timeout,
    values,
    paths: { write: write && renderGlobs(write, scope), protect: renderGlobs(protect, scope) },
    setup: programs.setup,
    verify: programs.verify,
    env: programs.env,
    network: definition.network,
    outputs: definition.outputs,
    date: toIso(plan.submittedAt),
    task,
  };
}

interface RenderedTask {
  task: LoopJob['task'];
  /** Of the step's set-up and checks, and of the task. */
  values: Record<string, string>;
}

function taskOf(
  plan: PlanState,
  step: StepState,
  work: StepWork,
  scope: ExpressionScope,
  values: Record<string, string>,
): RenderedTask {
  switch (work.kind) {
    case 'run': {
      const rendered = renderCommands(work.commands, scope, values);
      const script = work.script && {
        text: textOf(plan, work.script.source),
        args: renderArgs(work.script.args, scope),
      };
      return { task: { kind: 'run', commands: rendered.commands, script }, values: rendered.values };
    }
    case 'agent': {
      const rendered = renderCommands([work.command], scope, values);
      const prompt = textOf(plan, work.prompt);
      const task = {
        kind: 'agent' as const,
        adapter: work.adapter,
        command: rendered.commands[0]!,
        // A file of the repository is taken as it is: `${{` may well be what it is about.
        prompt: 'inline' in work.prompt ? renderText(prompt, scope) : prompt,
      };
      return { task, values: rendered.values };
    }
    case 'codemod':
      return { task: codemodTask(plan, step, work, scope), values };
    case 'noop':
    case 'wait':
      throw new Error(`s${step.instance.ordinal} of plan ${plan.planId}: a ${work.kind} has no task`);
  }
}

function codemodTask(
  plan: PlanState,
  { instance: { matrix } }: StepState,
  work: CodemodWork,
  scope: ExpressionScope,
): LoopJob['task'] {
  const named = renderGlobs(work.files, scope);
  const files = work.files.length > 0 ? named : matrix && 'files' in matrix ? matrix.files : [];
  if (work.engine === 'ast-grep') {
    const { kind, engine, language, unparsable } = work;
    return { kind, engine, language, rules: textOf(plan, work.rules), files, unparsable };
  }
  const { kind, engine, parser, options, unparsable } = work;
  return { kind, engine, parser, transform: textOf(plan, work.transform), options, files, unparsable };
}

function textOf(plan: PlanState, source: TextSource): string {
  if ('inline' in source) return source.inline;
  const text = plan.texts[source.file];
  if (text === undefined) throw new Error(`plan ${plan.planId} was resolved without the file ${source.file}`);
  return text;
}

function resolveJob(plan: PlanState, facts: JobFacts): JobWork {
  const definition = definitionOf(plan);
  const globs = definition.steps.flatMap((step, index) =>
    step.matrix?.kind === 'glob'
      ? [{ definition: index, include: step.matrix.include, exclude: step.matrix.exclude }]
      : [],
  );
  return { kind: 'resolve', globs, texts: textsNamed(definition.steps), maxFiles: facts.maxSteps };
}

function integrateJob(plan: PlanState, step: StepState): JobWork {
  const integrate = definitionOf(plan).integrate!;
  const { setup, verify, env, values } = renderPrograms(integrate, planScope(plan, step));
  const inputs: StepInput[] = acceptedCommits(plan);
  return {
    kind: 'integrate',
    branch: integrationBranch(plan),
    inputs,
    ledgerHead: { seq: plan.seq, hash: plan.hash },
    setup,
    verify,
    env,
    values,
    network: integrate.network,
    timeout: integrate.timeout,
    date: toIso(plan.submittedAt),
  };
}

function baselineJob(plan: PlanState, step: StepState): JobWork {
  const baseline = definitionOf(plan).baseline!;
  const { network, timeout, onRed } = baseline;
  const { setup, verify, env, values } = renderPrograms(baseline, planScope(plan, step));
  return { kind: 'baseline', setup, verify, env, values, network, timeout, onRed };
}

/** Without its text: that is rendered from the projections when the job is sent. */
function reportJob(plan: PlanState): JobWork {
  const { name, progress } = definitionOf(plan);
  return {
    kind: 'report',
    branch: progress!.branch,
    path: 'progress.md',
    text: '',
    message: `Progress of ${name}`,
    date: toIso(plan.submittedAt),
  };
}

function publishJob(plan: PlanState): JobWork {
  const accepted = plan.integration!;
  return {
    kind: 'publish',
    branch: accepted.branch,
    commit: accepted.commit,
    expectedOld: accepted.expectedOld,
  };
}

/**
 * The refs that outlive the plan: accepted results that no branch contains yet. From them the plan can go on (retry), or
 * another one (fork). Once they are integrated nothing is kept; rejected attempts live on as diffs in the artifact store.
 */
export function keptRefs(plan: PlanState): string[] {
  if (plan.status === 'completed' && plan.integration) return [];
  return plan.steps.flatMap((step) => (isMet(step.status) && step.commit ? [step.commit.ref] : []));
}
