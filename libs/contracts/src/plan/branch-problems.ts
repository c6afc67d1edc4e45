import { listOf, mapOf, type PlanOutline, textOf } from './outline.ts';
import type { UnplacedProblem } from './problem.ts';
import { needsRepo } from './work-problems.ts';

/** What is wrong with the parts of a plan that are about its repository's branches: integration, baseline, progress. */
export function branchProblems(plan: PlanOutline): UnplacedProblem[] {
  return [...integrateProblems(plan), ...baselineProblems(plan), ...progressProblems(plan)];
}

function integrateProblems({ integrate, hasRepo, base }: PlanOutline): UnplacedProblem[] {
  if (integrate === undefined) return [];
  if (!hasRepo && integrate !== 'none') return [needsRepo('`integrate`', ['integrate'])];
  const branch = textOf(mapOf(integrate)?.['branch']);
  if (branch === null || branch !== base) return [];
  const message = 'the branch is the base itself: results go to a branch of their own, for people to merge';
  return [{ code: 'wrong-value', message, path: ['integrate', 'branch'] }];
}

/** A baseline that checks nothing would be green for ever. */
function baselineProblems({ baseline, integrate, hasRepo }: PlanOutline): UnplacedProblem[] {
  if (baseline === undefined) return [];
  if (!hasRepo) return [needsRepo('`baseline`', ['baseline'])];
  const own = mapOf(baseline);
  const checks = own ?? (typeof baseline === 'string' ? (mapOf(integrate) ?? {}) : null);
  if (!checks || !isEmptyList(checks['verify'])) return [];
  const message = own
    ? 'there is nothing to check: `verify` is empty'
    : 'there is nothing to check: `integrate` verifies nothing';
  const hint = own ? 'give it `verify: [...]`' : 'write `baseline: { verify: [...] }`';
  return [{ code: 'missing-key', message, path: ['baseline'], hint }];
}

function isEmptyList(list: unknown): boolean {
  return list === undefined || (Array.isArray(list) && listOf(list).length === 0);
}

function progressProblems({ progress, integrate, hasRepo, base }: PlanOutline): UnplacedProblem[] {
  if (progress === undefined) return [];
  if (!hasRepo) return [needsRepo('`progress`', ['progress'])];
  const branch = textOf(mapOf(progress)?.['branch']);
  if (branch === null) return [];
  const taken =
    branch === base
      ? 'the base'
      : branch === textOf(mapOf(integrate)?.['branch'])
        ? 'the branch of `integrate`'
        : null;
  if (taken === null) return [];
  const message = `the branch is ${taken}: the page has a branch of its own`;
  return [{ code: 'wrong-value', message, path: ['progress', 'branch'] }];
}
