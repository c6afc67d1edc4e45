import { z } from 'zod';
import { planName, show } from '#contracts';
import { submissionBody } from './command-bodies.ts';

const why = z
  .string('expected a string')
  .max(1_000, 'longer than 1000 characters')
  .optional()
  .describe('Recorded with it.');

/** Of everything that an operator does to a plan or a step. */
export const whyBody = z
  .strictObject({ why }, { error: (issue) => wordShape(issue, '{} or {"why": "<a reason>"}') })
  .optional();
export type WhyBody = z.infer<typeof whyBody>;

const ATTEMPTS = 'expected a whole number from 1 to 100';

/** `POST /v1/plans/:planId/steps/:step/retry` */
export const retryBody = z
  .strictObject(
    {
      why,
      attempts: z
        .int(ATTEMPTS)
        .min(1, ATTEMPTS)
        .max(100, ATTEMPTS)
        .optional()
        .describe('So many more. Absent: as many as the plan gave at first.'),
      note: z
        .string('expected a string')
        .min(1, 'is empty; leave it out')
        .max(8_000, 'longer than 8000 characters')
        .optional()
        .describe('Told to the next attempt, after the feedback.'),
    },
    { error: (issue) => wordShape(issue, '{}, and perhaps "why", "attempts" and "note"') },
  )
  .optional();
export type RetryBody = z.infer<typeof retryBody>;

const SEQ = 'expected the seq of an event of the plan, 1 or more';

/** `POST /v1/plans/:planId/fork` */
export const forkBody = z
  .strictObject(
    {
      atSeq: z
        .int(SEQ)
        .min(1, SEQ)
        .optional()
        .describe('The plan as it stood at this event of its ledger. Absent: as it is now.'),
      name: planName.optional().describe('Of the new plan. Absent: as the text, or the origin, has it.'),
      ...submissionBody.omit({ tenant: true }).partial().shape,
      text: submissionBody.shape.text
        .optional()
        .describe("The new plan's text. Absent: it is the origin's, with all that was given with it."),
    },
    { error: (issue) => wordShape(issue, '{}, and perhaps "atSeq", "name" and what a submission holds') },
  )
  .default({});
export type ForkBody = z.infer<typeof forkBody>;

export function wordShape(issue: z.core.$ZodRawIssue, expected: string): string {
  const keys =
    issue.code === 'unrecognized_keys' ? `unknown key ${issue.keys.slice(0, 5).map(show).join(', ')}; ` : '';
  return `${keys}expected ${expected}`;
}
