import { z } from 'zod';
import { LIMIT_KINDS } from '#domain';
import { limitsBody } from '../limit-bodies.ts';
import { count, ledgerAnswer, time } from './answers.ts';
import { commandHeaders, ledgerQuery } from './queries.ts';
import { get, patch, type Route } from './route.ts';

const changed = z
  .object({
    by: z.object({ name: z.string(), via: z.string() }),
    why: z.string().nullable(),
    at: time,
  })
  .meta({ id: 'LimitChange' });

const limit = z
  .object({
    key: z.string().describe('What it is changed by: `tenant:acme`.'),
    kind: z.enum(LIMIT_KINDS),
    name: z.string().nullable().describe('`*`: every one that has no limit of its own.'),
    value: z.int().nullable().describe('null: no limit; listed because it is in use.'),
    from: z
      .enum(['settings', 'changed', 'everyone'])
      .nullable()
      .describe('`everyone`: what `*` says. null: there is no limit.'),
    inUse: count
      .nullable()
      .describe(
        'Steps in flight, holders or open steps; null: nothing is used of it, or it stands for many.',
      ),
    changed: changed.nullable().describe('Who changed it at run time.'),
  })
  .meta({ id: 'Limit' });

export const limitsAnswer = z
  .object({
    seq: count.describe('Of the newest change; 0: there was none.'),
    limits: z.array(limit).describe('By their keys.'),
    cut: z
      .boolean()
      .describe(
        'true: some are left out, those in use without a limit first: the answer has at most 700 KB.',
      ),
  })
  .meta({ id: 'Limits' });
export type LimitsAnswer = z.infer<typeof limitsAnswer>;

const ETAG = { ETag: 'Where the limits stand: `"<seq>"`. For If-Match.' };
const UNDECIDED = ['no-decider', 'not-decider', 'ledger-down', 'ledger-unavailable', 'too-large-to-forward'];

/** What may be in flight at once. */
export const LIMIT_ROUTES: readonly Route[] = [
  get('/v1/limits', {
    operation: 'readLimits',
    tag: 'limits',
    summary: 'All limits, and how much of them is in use',
    answers: { 200: { what: 'As the decider has them.', json: limitsAnswer } },
    answerHeaders: ETAG,
    problems: { 503: UNDECIDED },
  }),
  patch('/v1/limits', {
    operation: 'changeLimits',
    tag: 'limits',
    summary: 'Change limits while the fleet runs',
    description:
      'Recorded with who and why. Nothing that runs is ended: a cap below what is in use admits nothing more until there is less.',
    headers: commandHeaders,
    body: limitsBody,
    answers: { 200: { what: 'The limits, as they are now.', json: limitsAnswer } },
    answerHeaders: ETAG,
    problems: {
      400: ['body-malformed', 'body-invalid', 'if-match-invalid'],
      404: ['plan-unknown'],
      412: ['seq-stale'],
      422: ['limit-invalid', 'limits-too-many'],
      429: ['decider-busy'],
      503: UNDECIDED,
    },
  }),
  get('/v1/limits/ledger', {
    operation: 'readLimitsLedger',
    tag: 'limits',
    summary: 'A page of what was recorded of limits',
    description: 'With the bytes and hashes that prove it: see `skein ledger verify --limits`.',
    query: ledgerQuery,
    answers: { 200: { what: 'In the order of seq; an empty page is past the end.', json: ledgerAnswer } },
    problems: { 400: ['query-invalid'] },
  }),
];
