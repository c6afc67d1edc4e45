import { z } from 'zod';
import type { ResolvedPlan } from './plan-resolution.ts';
import type { UnplacedProblem } from './problem.ts';
import { wordIssues } from './schema-problems.ts';
import { planTextSchema } from './text-schema.ts';

const sharedSchema = z.strictObject({
  templates: planTextSchema.shape.templates,
  defaults: planTextSchema.shape.defaults,
});
const ISSUES_MAX = 2_000;

/**
 * What is wrong in templates and defaults as such, also in those that no step takes over. They are parts: a key that is
 * missing may come from the step.
 */
export function sharedProblems({ shared, isUnsettled }: ResolvedPlan): UnplacedProblem[] {
  const checked = sharedSchema.safeParse(shared.value, { reportInput: true });
  if (checked.success) return [];
  return wordIssues(checked.error.issues, ISSUES_MAX).filter(
    ({ code, path }) => code !== 'missing-key' && !isUnsettled(path),
  );
}
