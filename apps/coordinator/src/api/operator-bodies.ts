import { z } from 'zod';
import { planName, show } from '#contracts';
import { submissionBody } from './command-bodies.ts';
import { deadLettersQuery } from './describing/operator-queries.ts';

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

const RATE = 'expected a number from 0.01 to 60000';
const LIMIT = 'expected a whole number from 1 to 500';

/** `POST /v1/dead-letters/redrive`: all is asked for in so many words, never by forgetting the filter. */
export const redriveBody = z
  .strictObject(
    {
      filter: z
        .strictObject(deadLettersQuery.omit({ limit: true, cursor: true }).shape, {
          error: (issue) => wordShape(issue, '"plan", "name", "tenant" or "reason"'),
        })
        .optional()
        .describe('Those for which all of it holds, as in the list of dead letters.'),
      all: z
        .literal(true, 'expected true, or a "filter" instead')
        .optional()
        .describe('Instead of a filter: every dead letter.'),
      ratePerMinute: z
        .number(RATE)
        .min(0.01, RATE)
        .max(60_000, RATE)
        .optional()
        .describe(
          'So many are tried again a minute, after those that wait already of an earlier request. Absent: all at once.',
        ),
      limit: z.int(LIMIT).min(1, LIMIT).max(500, LIMIT).default(100).describe('Dead letters of one request.'),
      cursor: deadLettersQuery.shape.cursor.describe('`nextCursor` of the answer before. Opaque.'),
      why,
    },
    {
      error: (issue) =>
        wordShape(
          issue,
          '{"filter": {"plan": "<id>"}} or {"all": true}, and perhaps "ratePerMinute", "limit", "cursor" and "why"',
        ),
    },
  )
  .refine(
    ({ filter, all }) => (all === true) !== Object.keys(filter ?? {}).length > 0,
    'which? give a "filter" that names something, or "all": true',
  );
export type RedriveBody = z.infer<typeof redriveBody>;

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
