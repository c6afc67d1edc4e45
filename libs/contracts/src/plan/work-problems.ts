import { mapOf, type PlanOutline, type StepOutline, textOf } from './outline.ts';
import type { TextPath, UnplacedProblem } from './problem.ts';

const WORKS = ['noop', 'run', 'codemod', 'agent'] as const;
const NOOP_KEYS = new Set(['name', 'needs', 'pool', 'matrix', 'noop']);

/** What a step does, and what its kind of work allows and needs. */
export function workProblems(plan: PlanOutline): UnplacedProblem[] {
  return [
    ...plan.steps.flatMap((step, index) => stepProblems(step, ['steps', index], plan.hasRepo)),
    ...integrateProblems(plan),
  ];
}

function stepProblems(step: StepOutline, path: TextPath, hasRepo: boolean): UnplacedProblem[] {
  const works = WORKS.filter((work) => step.keys.has(work));
  const problems: UnplacedProblem[] = [];
  if (works.length === 0) {
    problems.push({
      code: 'no-work',
      message: 'the step says nothing to do',
      path,
      hint: 'give it one of noop, run, codemod, agent',
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
  if (works.length === 1 && works[0] === 'noop') problems.push(...noopProblems(step, path));
  if (!hasRepo) problems.push(...repoProblems(step, works, path));
  problems.push(...sourceProblems(step.codemod, 'rules', 'rulesFile', [...path, 'codemod']));
  problems.push(...sourceProblems(step.agent, 'prompt', 'promptFile', [...path, 'agent']));
  problems.push(...matrixProblems(step.matrix, [...path, 'matrix']));
  return problems;
}

function noopProblems(step: StepOutline, path: TextPath): UnplacedProblem[] {
  return [...step.keys]
    .filter((key) => !NOOP_KEYS.has(key) && KNOWN_FOR_OTHERS.has(key))
    .map((key) => ({
      code: 'not-for-noop' as const,
      message: `a noop step runs nothing: \`${key}\` has no meaning`,
      path: [...path, key],
      atKey: true,
    }));
}

const KNOWN_FOR_OTHERS = new Set([
  'attempts',
  'timeout',
  'paths',
  'setup',
  'verify',
  'env',
  'network',
  'outputs',
]);

function repoProblems(step: StepOutline, works: readonly string[], path: TextPath): UnplacedProblem[] {
  const problems: UnplacedProblem[] = works
    .filter((work) => work !== 'noop')
    .map((work) => ({
      code: 'needs-repo',
      message: `\`${work}\` needs a repository, and the plan names none`,
      path: [...path, work],
      atKey: true,
      hint: 'add `repo`',
    }));
  if (step.matrix && 'glob' in step.matrix) {
    problems.push({
      code: 'needs-repo',
      message: 'a glob needs a repository, and the plan names none',
      path: [...path, 'matrix', 'glob'],
      atKey: true,
      hint: 'add `repo`',
    });
  }
  return problems;
}

function sourceProblems(
  work: Readonly<Record<string, unknown>> | null,
  inline: string,
  file: string,
  path: TextPath,
): UnplacedProblem[] {
  if (!work) return [];
  const count = Number(inline in work) + Number(file in work);
  if (count === 1) return [];
  return count === 0
    ? [{ code: 'missing-key', message: `one of \`${inline}\` and \`${file}\` is needed`, path }]
    : [
        {
          code: 'wrong-value',
          message: `\`${inline}\` and \`${file}\` exclude each other`,
          path: [...path, file],
          atKey: true,
        },
      ];
}

function matrixProblems(matrix: Readonly<Record<string, unknown>> | null, path: TextPath): UnplacedProblem[] {
  if (!matrix) return [];
  if ('values' in matrix && 'glob' in matrix) {
    return [
      {
        code: 'wrong-value',
        message: '`values` and `glob` exclude each other',
        path: [...path, 'glob'],
        atKey: true,
      },
    ];
  }
  if (!('values' in matrix) && !('glob' in matrix)) {
    return [{ code: 'missing-key', message: 'one of `values` and `glob` is needed', path }];
  }
  return ['exclude', 'chunk']
    .filter((key) => key in matrix && !('glob' in matrix))
    .map((key) => ({
      code: 'wrong-value' as const,
      message: `\`${key}\` goes with \`glob\` only`,
      path: [...path, key],
      atKey: true,
    }));
}

function integrateProblems(plan: PlanOutline): UnplacedProblem[] {
  const { integrate } = plan;
  if (integrate === undefined) return [];
  if (!plan.hasRepo && integrate !== 'none') {
    return [
      {
        code: 'needs-repo',
        message: '`integrate` needs a repository, and the plan names none',
        path: ['integrate'],
        atKey: true,
        hint: 'add `repo`',
      },
    ];
  }
  const branch = textOf(mapOf(integrate)?.['branch']);
  if (branch !== null && branch === plan.base) {
    return [
      {
        code: 'wrong-value',
        message: 'the branch is the base itself: results go to a branch of their own, for people to merge',
        path: ['integrate', 'branch'],
      },
    ];
  }
  return [];
}
