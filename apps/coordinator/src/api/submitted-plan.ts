import { createHash } from 'node:crypto';
import {
  digestWithGiven,
  parsePlan,
  repoBaseProblem,
  repoUrlProblem,
  show,
  type PlanProblem,
} from '#contracts';
import type { PlanDefinition } from '#domain';
import { submissionDigest } from '../commands/plan-commands.ts';
import type { SubmissionBody } from './command-bodies.ts';
import { Problem } from './problem.ts';
import type { PlanLimits } from './plan-limits.ts';

/** The plan that a body holds. Throws a Problem with everything that is wrong with it. */
export function parseSubmission(
  { text, repoUrl, base, params = {}, files = {} }: SubmissionBody,
  { maxBytes, maxSteps }: PlanLimits,
): PlanDefinition {
  const absoluteRepo = repoUrl === undefined;
  const parsed = parsePlan(text, { maxBytes, maxSteps, absoluteRepo, params, files });
  if (!parsed.ok) throw invalidPlan(parsed.problems);
  const { definition } = parsed;
  if (repoUrl === undefined && base === undefined) return definition;
  if (!definition.repo) {
    const given = repoUrl === undefined ? 'base' : 'repoUrl';
    const detail = `${given} was given, but the plan names no repository (key \`repo\`)`;
    throw new Problem(422, 'plan-invalid', detail);
  }
  // They take the place of what was checked: the same rules hold for them.
  const wrongUrl = repoUrl === undefined ? null : repoUrlProblem(repoUrl);
  if (wrongUrl !== null) throw new Problem(422, 'repo-url-invalid', `repoUrl: ${wrongUrl}`);
  const wrongBase = base === undefined ? null : repoBaseProblem(base);
  if (wrongBase !== null) throw new Problem(422, 'base-invalid', `base: ${wrongBase}`);
  const { repo } = definition;
  return { ...definition, repo: { url: repoUrl ?? repo.url, base: base ?? repo.base } };
}

/** What the plan is pinned to: its text and everything that was given beside it. SHA-256, hex. */
export function digestOf(
  { text, base, params = {}, files = {} }: SubmissionBody,
  definition: PlanDefinition,
): string {
  const pinned = submissionDigest(text, definition);
  // No digest has a line break.
  const withBase =
    base === undefined ? pinned : createHash('sha256').update(`${pinned}\n${base}`).digest('hex');
  return digestWithGiven(withBase, { params, files });
}

function invalidPlan(problems: PlanProblem[]): Problem {
  const tooLarge = problems.find((problem) => problem.code === 'text-too-large');
  const first = problems[0];
  const file = first?.file === undefined ? '' : `${show(first.file)}, `;
  const where = first ? ` (${file}line ${first.line}, column ${first.column})` : '';
  const detail = `the plan has ${problems.length} problem${problems.length === 1 ? '' : 's'}; the first${where}: ${first?.message ?? ''}`;
  return new Problem(tooLarge ? 413 : 422, 'plan-invalid', detail, { problems });
}
