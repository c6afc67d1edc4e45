import { z } from 'zod';
import { parseDuration } from '#contracts';

/**
 * What requests may say beside their body. Messages follow the parameter's name. Numbers and lists are what their
 * texts stand for: `decode` in request-check.ts.
 */

export const PLAN_STATUSES = ['running', 'completed', 'halted', 'cancelled'] as const;

export function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

/** Postgres takes no NUL, and nothing that is looked for has a control character. */
export function word(charsMax: number) {
  const message = `must be 1 to ${charsMax} characters, no control characters among them, and given once`;
  return z
    .string(message)
    .regex(/^[^\p{Cc}]+$/u, message)
    .max(charsMax, message);
}

const planId = z
  .string()
  .describe('What the submission answered with.')
  .meta({ example: '3b6f0a2c9d1e4f5a6b7c' });
const step = z
  .string()
  .describe('Ordinal (`s3`) or name of a step, percent-encoded.')
  .meta({ example: 's3' });
const attempt = wholeNumber(1, 1_000).describe('From 1 on, counted over all leases of the step.');

export const planParams = z.object({ planId });
export const stepParams = z.object({ planId, step });
export const sinkParams = z.object({
  sink: z.string().describe('Its name in the settings.').meta({ example: 'ops' }),
});
export const attemptParams = z.object({ planId, step, attempt });

export const noQuery = z.strictObject({});

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

const time = z
  .string('must be given once')
  .refine(
    (text) => TIME.test(text) && !Number.isNaN(Date.parse(text)),
    'must be a time such as 2026-11-20T08:00:00Z (a date alone is its first moment, UTC)',
  )
  .transform((text) => new Date(text).toISOString());

const AGE = /^([<>])(\d{1,9}(?:ms|s|m|h|d))$/;

const age = z
  .string('must be given once')
  .refine((text) => ageOf(text) !== null, 'must be such as <24h (younger) or >7d (older)')
  .transform((text) => ageOf(text)!)
  .meta({ pattern: AGE.source });

function ageOf(text: string): { younger: boolean; ms: number } | null {
  const match = AGE.exec(text);
  if (!match?.[2]) return null;
  const [, sign, amount] = match;
  const days = /^(\d+)d$/.exec(amount)?.[1];
  const ms = days === undefined ? parseDuration(amount) : Number(days) * 86_400_000;
  return ms === null || ms === 0 || ms > 100 * 365 * 86_400_000 ? null : { younger: sign === '<', ms };
}

const labelText = z
  .string()
  .max(400, 'must be shorter than 400 characters')
  .regex(/^[^\p{Cc}=]+(=[^\p{Cc}]*)?$/u, 'must be such as team=payments, or team for any value');

export const planListQuery = z.strictObject({
  limit: wholeNumber(1, 500).default(50).describe('Plans of a page.'),
  cursor: z
    .string('must be the nextCursor of another page, given once')
    .regex(/^\d{1,19}$/, 'must be the nextCursor of another page')
    .optional()
    .describe('`nextCursor` of the page before. Opaque.'),
  status: z
    .enum(PLAN_STATUSES, `must be one of ${PLAN_STATUSES.join(', ')}`)
    .optional()
    .describe('How the plans stand.'),
  name: word(100).optional().describe('How their names begin, in whatever case.'),
  tenant: word(100).optional().describe('Whom they belong to.'),
  label: z
    .array(labelText)
    .max(20, 'may be given 20 times')
    .optional()
    .describe('`key=value`, or `key` for any value. Given several times: all of them.'),
  createdAfter: time.optional().describe('Submitted then or later.'),
  createdBefore: time.optional().describe('Submitted then or earlier.'),
  age: age
    .optional()
    .describe('`<24h`: submitted in the last 24 hours; `>7d`: longer ago than that. Units: s, m, h, d.'),
});
export type PlanListQuery = z.infer<typeof planListQuery>;

export const ledgerQuery = z.strictObject({
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0).describe('The seq that the page follows.'),
  limit: wholeNumber(1, 5_000).default(1_000).describe('Events of a page.'),
});
export type LedgerQuery = z.infer<typeof ledgerQuery>;

export const logQuery = z.strictObject({
  from: wholeNumber(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'Byte to go on from: then a page of at most 256 KB comes, also of the attempt that runs. Absent: the whole log.',
    ),
});
export type LogQuery = z.infer<typeof logQuery>;

export const planEventsQuery = z.strictObject({
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER)
    .default(0)
    .describe('The seq that the stream follows. Last-Event-ID wins over it.'),
});
export type PlanEventsQuery = z.infer<typeof planEventsQuery>;

const CURSOR = /^\d{1,20}-\d{1,19}$/;

const several = (what: string) =>
  z
    .array(word(100))
    .max(100, 'may be given 100 times')
    .optional()
    .describe(`${what} Given several times: any of them.`);

export const fleetEventsQuery = z.strictObject({
  after: z
    .string('must be the id of an event, given once')
    .regex(CURSOR, 'must be the id of an event, or 0-0 for the first one')
    .optional()
    .describe(
      'The id that the stream follows; `0-0` for everything. Absent: from now on. Last-Event-ID wins over it.',
    ),
  plan: several('Events of this plan.'),
  type: several('Events of this type, such as `plan.completed`.'),
  tenant: word(100).optional().describe("Events of this tenant's plans."),
});
export type FleetEventsQuery = z.infer<typeof fleetEventsQuery>;

/** Whatever is sent: what is no traceparent is not followed. */
const traceparent = z
  .string()
  .optional()
  .describe('W3C trace context: the leases become part of that trace.');
const actor = z
  .string()
  .optional()
  .describe('Who asks, for the ledger. Until there are logins it is taken as it is.');

export const submitQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'], 'must be true or false')
    .optional()
    .describe('true: everything that a submission checks is checked, and nothing is written.'),
});
export type SubmitQuery = z.infer<typeof submitQuery>;

export const submitHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters without spaces')
    .optional()
    .describe(
      'The same key is the same plan, however often it is sent. Absent: every submission is a new plan.',
    ),
  traceparent,
  'X-Skein-Actor': actor,
});

export const commandHeaders = z.object({
  'If-Match': z
    .string()
    .regex(/^("(0|[1-9]\d{0,14})"|\*)$/, 'must be one ETag of the plan as it was given, such as "17", or *')
    .optional()
    .describe(
      'The plan as it was looked at: its ETag. When it has moved since, nothing is done and the answer is 412.',
    ),
  traceparent,
  'X-Skein-Actor': actor,
});

export const planEventsHeaders = z.object({
  'Last-Event-ID': z
    .string()
    .regex(/^\d{1,15}$/, 'must be the seq of an event')
    .optional()
    .describe('The id of the last event that was received.'),
});

export const fleetEventsHeaders = z.object({
  'Last-Event-ID': z
    .string()
    .regex(CURSOR, 'must be the id of an event')
    .optional()
    .describe('The id of the last event that was received.'),
});
