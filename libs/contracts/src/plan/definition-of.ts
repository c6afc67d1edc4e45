import type {
  BaselineDefinition,
  CodemodWork,
  DeadlineDefinition,
  IntegrateDefinition,
  JsonValue,
  MatrixDefinition,
  PlanDefinition,
  RunWork,
  StepDefinition,
  StepTimeout,
  StepWork,
  TextSource,
  WaitWork,
} from '#domain';
import { wholeExpression } from '../expressions/embedded.ts';
import { parseDuration } from './duration.ts';
import { bareSource } from './expression-pass.ts';
import { parseTime } from './rules.ts';
import type {
  BaselineText,
  IntegrateText,
  MatrixText,
  PlanText,
  RunText,
  StepText,
  WaitText,
} from './text-schema.ts';

const ATTEMPT_MS = 600_000;
const IDLE_MS = 120_000;
const REPORT_MS = 300_000;

/** A resolved plan text that has no problem, in the shape that the rest of Skein works with. */
export function definitionOf(plan: PlanText, params: Record<string, JsonValue>): PlanDefinition {
  const repo = typeof plan.repo === 'string' ? { url: plan.repo, base: 'HEAD' } : (plan.repo ?? null);
  const integrate = repo === null || plan.integrate === 'none' ? null : integrateOf(plan.integrate);
  return {
    version: 1,
    name: plan.name,
    labels: plan.labels ?? {},
    params,
    repo: repo && { url: repo.url, base: repo.base },
    priority: plan.priority,
    deadline: plan.deadline === undefined ? null : deadlineOf(plan.deadline),
    locks: plan.locks ?? {},
    baseline: baselineOf(plan.baseline, integrate),
    progress: plan.progress
      ? { branch: plan.progress.branch, everyMs: parseDuration(plan.progress.every) ?? REPORT_MS }
      : null,
    maxParallel: plan.maxParallel ?? null,
    maxLeases: plan.maxLeases,
    sandbox: plan.sandbox,
    integrate,
    steps: plan.steps.map(stepOf),
  };
}

function deadlineOf(text: string): DeadlineDefinition {
  const afterMs = parseDuration(text);
  return afterMs === null ? { at: parseTime(text) ?? text } : { afterMs };
}

function integrateOf(text: IntegrateText | undefined): IntegrateDefinition {
  return { branch: text?.branch ?? null, ...checksOf(text) };
}

type Checks = Omit<IntegrateDefinition, 'branch'>;

function checksOf(text: Omit<BaselineText, 'onRed'> | undefined): Checks {
  return {
    setup: text?.setup ?? [],
    verify: text?.verify ?? [],
    env: text?.env ?? {},
    network: text?.network ?? false,
    timeout: timeoutOf(text?.timeout),
    pool: text?.pool ?? 'default',
  };
}

/** In its short form it checks what the integration will check. */
function baselineOf(text: PlanText['baseline'], integrate: Checks | null): BaselineDefinition | null {
  if (text === undefined) return null;
  if (typeof text !== 'string') return { ...checksOf(text), onRed: text.onRed };
  const { setup, verify, env, network, timeout, pool } = integrate ?? checksOf(undefined);
  return { setup, verify, env, network, timeout, pool, onRed: text };
}

function stepOf(text: StepText): StepDefinition {
  return {
    name: text.name,
    needs: text.needs,
    when: text.when === undefined ? null : expressionOf(String(text.when)),
    pool: text.pool,
    priority: text.priority,
    locks: [...(text.locks ?? [])].sort(),
    with: text.with ?? {},
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

function expressionOf(text: string): string {
  return bareSource(text) ?? text;
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
  if (text.from !== undefined) return { kind: 'from', expression: expressionOf(text.from) };
  if (text.glob === undefined) return { kind: 'list', values: text.values ?? [] };
  return {
    kind: 'glob',
    include: typeof text.glob === 'string' ? [text.glob] : text.glob,
    exclude: text.exclude ?? [],
    chunk: text.chunk ?? 1,
  };
}

function workOf(text: StepText): StepWork {
  if (text.run !== undefined) return runOf(text.run);
  if (text.wait !== undefined) return waitOf(text.wait);
  if (text.codemod) return codemodOf(text.codemod);
  if (text.agent) {
    const { command, prompt, promptFile } = text.agent;
    return { kind: 'agent', adapter: 'command', command, prompt: sourceOf(prompt, promptFile) };
  }
  return { kind: 'noop' };
}

function runOf(text: RunText): RunWork {
  if (typeof text === 'string') return { kind: 'run', commands: [text], script: null };
  if (Array.isArray(text)) return { kind: 'run', commands: text, script: null };
  const script = { source: sourceOf(text.script, text.scriptFile), args: text.args ?? [] };
  return { kind: 'run', commands: [], script };
}

function waitOf(text: WaitText): WaitWork {
  const until = typeof text === 'string' ? text : text.until;
  const expression = wholeExpression(until);
  if (expression !== null) return { kind: 'wait', until: { expression } };
  const forMs = parseDuration(until);
  return { kind: 'wait', until: forMs === null ? { at: parseTime(until) ?? until } : { forMs } };
}

function codemodOf(text: NonNullable<StepText['codemod']>): CodemodWork {
  const { files = [], unparsable } = text;
  if (text.transform === undefined && text.transformFile === undefined) {
    const rules = sourceOf(text.rules, text.rulesFile);
    return { kind: 'codemod', engine: 'ast-grep', language: text.language!, rules, files, unparsable };
  }
  return {
    kind: 'codemod',
    engine: 'jscodeshift',
    parser: text.parser ?? 'babel',
    transform: sourceOf(text.transform, text.transformFile),
    options: (text.options ?? {}) as Record<string, JsonValue>,
    files,
    unparsable,
  };
}

function sourceOf(inline: string | undefined, file: string | undefined): TextSource {
  return file === undefined ? { inline: inline ?? '' } : { file };
}
