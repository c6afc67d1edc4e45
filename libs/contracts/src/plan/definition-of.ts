import type {
  IntegrateDefinition,
  MatrixDefinition,
  PlanDefinition,
  StepDefinition,
  StepTimeout,
  StepWork,
  TextSource,
} from '#domain';
import { parseDuration } from './duration.ts';
import type { IntegrateText, MatrixText, PlanText, StepText } from './text-schema.ts';

const ATTEMPT_MS = 600_000;
const IDLE_MS = 120_000;

/** A plan text that has no problem, in the shape that the rest of Skein works with. */
export function definitionOf(plan: PlanText): PlanDefinition {
  const repo = typeof plan.repo === 'string' ? { url: plan.repo, base: 'HEAD' } : (plan.repo ?? null);
  return {
    version: 1,
    name: plan.name,
    labels: {},
    params: {},
    priority: 0,
    deadline: null,
    locks: {},
    baseline: null,
    progress: null,
    repo: repo && { url: repo.url, base: repo.base },
    maxParallel: plan.maxParallel ?? null,
    maxLeases: plan.maxLeases,
    sandbox: plan.sandbox,
    integrate: repo === null || plan.integrate === 'none' ? null : integrateOf(plan.integrate),
    steps: plan.steps.map(stepOf),
  };
}

function integrateOf(text: IntegrateText | undefined): IntegrateDefinition {
  return {
    branch: text?.branch ?? null,
    setup: text?.setup ?? [],
    verify: text?.verify ?? [],
    env: text?.env ?? {},
    network: text?.network ?? false,
    timeout: timeoutOf(text?.timeout),
    pool: text?.pool ?? 'default',
  };
}

function stepOf(text: StepText): StepDefinition {
  return {
    name: text.name,
    needs: text.needs,
    when: null,
    priority: 0,
    locks: [],
    with: {},
    pool: text.pool,
    attempts: text.attempts,
    timeout: timeoutOf(text.timeout),
    paths: { write: text.paths?.write ?? null, protect: text.paths?.protect ?? [] },
    setup: text.setup ?? [],
    verify: text.verify ?? [],
    env: text.env ?? {},
    network: text.network,
    outputs: text.outputs,
    matrix: text.matrix === undefined ? null : matrixOf(text.matrix),
    work: workOf(text),
  };
}

function timeoutOf(text: StepText['timeout']): StepTimeout {
  if (!text) return { attemptMs: ATTEMPT_MS, idleMs: IDLE_MS };
  return {
    attemptMs: parseDuration(text.attempt) ?? ATTEMPT_MS,
    idleMs: parseDuration(text.idle) ?? IDLE_MS,
  };
}

function matrixOf(text: MatrixText): MatrixDefinition {
  if (Array.isArray(text)) return { kind: 'list', values: text };
  if (text.glob === undefined) return { kind: 'list', values: text.values ?? [] };
  return {
    kind: 'glob',
    include: typeof text.glob === 'string' ? [text.glob] : text.glob,
    exclude: text.exclude ?? [],
    chunk: text.chunk ?? 1,
  };
}

function workOf(text: StepText): StepWork {
  if (text.run !== undefined) {
    return { kind: 'run', commands: typeof text.run === 'string' ? [text.run] : text.run, script: null };
  }
  if (text.codemod) {
    const { language, rules, rulesFile, files, unparsable } = text.codemod;
    return {
      kind: 'codemod',
      engine: 'ast-grep',
      language,
      rules: sourceOf(rules, rulesFile),
      files,
      unparsable,
    };
  }
  if (text.agent) {
    const { command, prompt, promptFile } = text.agent;
    return { kind: 'agent', adapter: 'command', command, prompt: sourceOf(prompt, promptFile) };
  }
  return { kind: 'noop' };
}

function sourceOf(inline: string | undefined, file: string | undefined): TextSource {
  return file === undefined ? { inline: inline ?? '' } : { file };
}
