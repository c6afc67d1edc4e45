import { matrixProblems } from './matrix-problems.ts';
import { mapOf, type PlanOutline, type StepOutline } from './outline.ts';
import type { TextPath, UnplacedProblem } from './problem.ts';

const WORKS = ['noop', 'wait', 'run', 'codemod', 'agent'] as const;
/** Kinds of work that run no program: what else they take. */
const QUIET = {
  noop: new Set(['name', 'include', 'with', 'needs', 'when', 'pool', 'priority', 'locks', 'matrix', 'noop']),
  wait: new Set(['name', 'include', 'with', 'needs', 'when', 'matrix', 'wait']),
} as const;
const KNOWN_FOR_OTHERS = new Set([
  'pool',
  'priority',
  'locks',
  'attempts',
  'timeout',
  'paths',
  'setup',
  'verify',
  'env',
  'network',
  'outputs',
]);

/** What the steps do, and what their kinds of work allow and need. */
export function workProblems(plan: PlanOutline): UnplacedProblem[] {
  return plan.steps.flatMap((step, index) => stepProblems(step, ['steps', index], plan.hasRepo));
}

function stepProblems(step: StepOutline, path: TextPath, hasRepo: boolean): UnplacedProblem[] {
  const works = WORKS.filter((work) => step.keys.has(work));
  const problems: UnplacedProblem[] = [];
  if (works.length === 0) {
    problems.push({
      code: 'no-work',
      message: 'the step says nothing to do',
      path,
      hint: `give it one of ${WORKS.join(', ')}`,
    });
  }
  if (works.length > 1) {
    problems.push({
      code: 'many-works',
      message: `a step does one thing; this one has ${works.join(' and ')}`,
      path: [...path, works[1]!],
      atKey: true,
    });
  }
  const [work] = works;
  if (works.length === 1 && (work === 'noop' || work === 'wait'))
    problems.push(...quietProblems(step, work, path));
  if (!hasRepo) problems.push(...repoProblems(step, works, path));
  problems.push(...sourceProblems(step.run, ['script', 'scriptFile'], [...path, 'run']));
  problems.push(...codemodProblems(step.codemod, [...path, 'codemod']));
  problems.push(...sourceProblems(step.agent, ['prompt', 'promptFile'], [...path, 'agent']));
  problems.push(...matrixProblems(step.matrix, [...path, 'matrix']));
  return problems;
}

function quietProblems(step: StepOutline, work: keyof typeof QUIET, path: TextPath): UnplacedProblem[] {
  return [...step.keys]
    .filter((key) => !QUIET[work].has(key) && KNOWN_FOR_OTHERS.has(key))
    .map((key) => ({
      code: work === 'noop' ? ('not-for-noop' as const) : ('not-for-wait' as const),
      message: `a ${work} step runs nothing: \`${key}\` has no meaning`,
      path: [...path, key],
      atKey: true,
    }));
}

function repoProblems(step: StepOutline, works: readonly string[], path: TextPath): UnplacedProblem[] {
  const problems: UnplacedProblem[] = works
    .filter((work) => work !== 'noop' && work !== 'wait')
    .map((work) => needsRepo(`\`${work}\``, [...path, work]));
  if (step.matrix && 'glob' in step.matrix) problems.push(needsRepo('a glob', [...path, 'matrix', 'glob']));
  return problems;
}

export function needsRepo(what: string, path: TextPath): UnplacedProblem {
  return {
    code: 'needs-repo',
    message: `${what} needs a repository, and the plan names none`,
    path,
    atKey: true,
    hint: 'add `repo`',
  };
}

/** Exactly one of the keys, which are ways to give the same thing. */
function sourceProblems(
  work: Readonly<Record<string, unknown>> | null,
  ways: readonly string[],
  path: TextPath,
): UnplacedProblem[] {
  if (!work) return [];
  const given = ways.filter((way) => way in work);
  if (given.length === 1) return [];
  if (given.length === 0) {
    return [{ code: 'missing-key', message: `one of ${listed(ways)} is needed`, path }];
  }
  const message = `${listed(given)} exclude each other`;
  return [{ code: 'wrong-value', message, path: [...path, given[1]!], atKey: true }];
}

function listed(keys: readonly string[]): string {
  const quoted = keys.map((key) => `\`${key}\``);
  return `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)!}`;
}

function codemodProblems(given: Readonly<Record<string, unknown>> | null, path: TextPath): UnplacedProblem[] {
  const codemod = mapOf(given);
  if (!codemod) return [];
  const problems = sourceProblems(codemod, ['rules', 'rulesFile', 'transform', 'transformFile'], path);
  const isTransform = 'transform' in codemod || 'transformFile' in codemod;
  const isRules = 'rules' in codemod || 'rulesFile' in codemod;
  if (isRules && !('language' in codemod)) {
    problems.push({
      code: 'missing-key',
      message: 'the key `language` is missing',
      path: [...path, 'language'],
    });
  }
  const strangers =
    isTransform && !isRules ? ['language'] : isRules && !isTransform ? ['parser', 'options'] : [];
  for (const key of strangers.filter((one) => one in codemod)) {
    const message = `\`${key}\` goes with ${key === 'language' ? '`rules`' : 'a transform'} only`;
    const hint = key === 'language' ? 'a transform has a `parser`' : undefined;
    problems.push({ code: 'wrong-value', message, path: [...path, key], atKey: true, ...(hint && { hint }) });
  }
  return problems;
}
