import { z } from 'zod';
import { show } from '#contracts';

/** `POST /v1/plans` */
export const submissionBody = z.strictObject(
  {
    text: z.string('expected the plan text, YAML or JSON, as a string').describe('The plan, YAML or JSON.'),
    repoUrl: z
      .string('expected a string')
      .optional()
      .describe("Used instead of the text's `repo.url`: a client resolves folders relative to where it is."),
    base: z
      .string('expected a string')
      .optional()
      .describe("Branch, tag or commit, used instead of the text's `repo.base`."),
  },
  { error: (issue) => wordShape(issue, '{"text": "<the plan>"}, and perhaps "repoUrl" and "base"') },
);
export type SubmissionBody = z.infer<typeof submissionBody>;

/** `POST /v1/plans/:planId/cancel` */
export const cancelBody = z
  .strictObject(
    {
      why: z
        .string('expected a string')
        .max(1_000, 'longer than 1000 characters')
        .optional()
        .describe('Recorded with it.'),
    },
    { error: (issue) => wordShape(issue, '{} or {"why": "<a reason>"}') },
  )
  .optional();
export type CancelBody = z.infer<typeof cancelBody>;

function wordShape(issue: z.core.$ZodRawIssue, expected: string): string {
  const keys =
    issue.code === 'unrecognized_keys' ? `unknown key ${issue.keys.slice(0, 5).map(show).join(', ')}; ` : '';
  return `${keys}expected ${expected}`;
}
