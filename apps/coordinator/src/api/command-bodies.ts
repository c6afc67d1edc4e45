import { z } from 'zod';
import { show } from '#contracts';

/** `POST /v1/plans` */
export const submissionBody = z.strictObject(
  {
    /** The plan, YAML or JSON. */
    text: z.string('expected the plan text, YAML or JSON, as a string'),
    /** Used instead of the text's `repo.url`: the client resolves folders relative to where it is. */
    repoUrl: z.string('expected a string').optional(),
  },
  { error: (issue) => wordShape(issue, '{"text": "<the plan>"}, and perhaps "repoUrl"') },
);

/** `POST /v1/plans/:planId/cancel` */
export const cancelBody = z
  .strictObject(
    { why: z.string('expected a string').max(1_000, 'longer than 1000 characters').optional() },
    { error: (issue) => wordShape(issue, '{} or {"why": "<a reason>"}') },
  )
  .optional();

function wordShape(issue: z.core.$ZodRawIssue, expected: string): string {
  const keys =
    issue.code === 'unrecognized_keys' ? `unknown key ${issue.keys.slice(0, 5).map(show).join(', ')}; ` : '';
  return `${keys}expected ${expected}`;
}
