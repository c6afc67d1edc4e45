import { z } from 'zod';
import { sinkTestBody, submissionBody } from '../command-bodies.ts';
import {
  attemptListAnswer,
  documentAnswer,
  dryRunAnswer,
  healthAnswer,
  ledgerAnswer,
  planAnswer,
  planListAnswer,
  readyAnswer,
  sinkListAnswer,
  sinkTestAnswer,
  stepListAnswer,
  streamedEvent,
  submittedAnswer,
} from './answers.ts';
import {
  attemptParams,
  fleetEventsHeaders,
  fleetEventsQuery,
  ledgerQuery,
  logQuery,
  planEventsHeaders,
  planEventsQuery,
  planListQuery,
  planParams,
  sinkParams,
  stepParams,
  submitHeaders,
  submitQuery,
} from './queries.ts';
import { LIMIT_ROUTES } from './limit-routes.ts';
import { OPERATOR_ROUTES } from './operator-routes.ts';
import { get, post, type Route } from './route.ts';

const PLAN = { 404: ['plan-unknown'] };
const STEP = { 404: ['plan-unknown', 'step-unknown'] };
const UNDECIDED = {
  429: ['decider-busy'],
  503: ['no-decider', 'not-decider', 'ledger-down', 'ledger-unavailable', 'too-large-to-forward'],
};
const STREAMS = { 503: ['streams-full', 'shutting-down'] };
const ETAG = { ETag: 'Where the plan stands: `"<seq>"`. For If-Match.' };

const STREAM_TEXT = `Server-sent events. A comment comes every 15 seconds when nothing else does. A connection that ends may be
taken up again with Last-Event-ID: no event is lost, none comes twice. A client that does not read is cut off.`;

/** Every route that is meant for programs. A spec compares it with those that are served. */
export const ROUTES: readonly Route[] = [
  post('/v1/plans', {
    operation: 'submitPlan',
    tag: 'plans',
    summary: 'Submit a plan',
    query: submitQuery,
    headers: submitHeaders,
    body: submissionBody,
    answers: {
      201: { what: 'The plan begins.', json: submittedAnswer },
      200: {
        what: 'The key was used before, and nothing new begins; or what a dry run found.',
        json: z.union([submittedAnswer, dryRunAnswer]),
      },
    },
    answerHeaders: { Location: 'Path of the plan.' },
    problems: {
      400: ['body-malformed', 'body-invalid', 'query-invalid', 'idempotency-key-invalid'],
      413: ['body-too-large', 'plan-invalid'],
      415: ['unsupported-media-type', 'unsupported-encoding'],
      422: [
        'plan-invalid',
        'repo-url-invalid',
        'base-invalid',
        'tenant-unknown',
        'idempotency-key-reused',
        'quota-too-small',
      ],
      ...UNDECIDED,
      429: ['decider-busy', 'quota-used-up'],
    },
  }),
  get('/v1/plans', {
    operation: 'listPlans',
    tag: 'plans',
    summary: 'List plans, newest first',
    description:
      'All conditions hold. A page with another filter than the one before it is not the next page.',
    query: planListQuery,
    answers: { 200: { what: 'A page.', json: planListAnswer } },
    problems: { 400: ['query-invalid'] },
  }),
  get('/v1/plans/:planId', {
    operation: 'getPlan',
    tag: 'plans',
    summary: 'How a plan stands',
    params: planParams,
    answers: { 200: { what: 'The plan, up to its last commit.', json: planAnswer } },
    answerHeaders: ETAG,
    problems: { ...PLAN, 503: ['view-behind'] },
  }),
  ...OPERATOR_ROUTES,
  get('/v1/plans/:planId/steps', {
    operation: 'listSteps',
    tag: 'plans',
    summary: 'All steps of a plan',
    params: planParams,
    answers: { 200: { what: 'In the order of their ordinals.', json: stepListAnswer } },
    problems: PLAN,
  }),
  get('/v1/plans/:planId/ledger', {
    operation: 'readLedger',
    tag: 'plans',
    summary: 'A page of what was recorded of a plan',
    description: 'With the bytes and hashes that prove it: see `skein ledger verify`.',
    params: planParams,
    query: ledgerQuery,
    answers: { 200: { what: 'In the order of seq; an empty page is past the end.', json: ledgerAnswer } },
    problems: { 400: ['query-invalid'], ...PLAN },
  }),
  get('/v1/plans/:planId/events', {
    operation: 'streamPlanEvents',
    tag: 'events',
    summary: "Follow a plan's events",
    description: `${STREAM_TEXT} The id of a message is its seq. After \`plan.closed\` comes a message named \`end\`, and the stream
ends; who comes back with the last id is answered 204, which stops an EventSource.`,
    params: planParams,
    query: planEventsQuery,
    headers: planEventsHeaders,
    answers: {
      200: { what: 'Its events after the given seq, and then as they come.', events: streamedEvent },
      204: { what: 'The plan is closed, and Last-Event-ID names its last event.', empty: true },
    },
    problems: { 400: ['query-invalid', 'last-event-id-invalid'], ...PLAN, ...STREAMS },
  }),
  get('/v1/plans/:planId/progress.md', {
    operation: 'readProgress',
    tag: 'plans',
    summary: 'How a plan goes, for people',
    params: planParams,
    answers: { 200: { what: 'Rendered now.', text: 'text/markdown' } },
    problems: PLAN,
  }),
  get('/v1/plans/:planId/diff', {
    operation: 'readPlanDiff',
    tag: 'plans',
    summary: 'What a plan changes',
    params: planParams,
    answers: {
      200: {
        what: 'The diff of its integration; before there is one, those of its accepted attempts.',
        text: 'text/plain',
      },
    },
    problems: { 404: ['plan-unknown', 'artifact-lost'] },
  }),
  get('/v1/plans/:planId/steps/:step/attempts', {
    operation: 'listAttempts',
    tag: 'plans',
    summary: 'Attempts of a step',
    params: stepParams,
    answers: { 200: { what: 'First to last, those that are over.', json: attemptListAnswer } },
    problems: STEP,
  }),
  get('/v1/plans/:planId/steps/:step/attempts/:attempt/log', {
    operation: 'readAttemptLog',
    tag: 'plans',
    summary: "An attempt's log",
    params: attemptParams,
    query: logQuery,
    answers: { 200: { what: 'What its programs printed.', text: 'text/plain' } },
    problems: {
      400: ['query-invalid'],
      404: [...STEP[404], 'attempt-unknown', 'log-none', 'artifact-lost'],
    },
  }),
  get('/v1/plans/:planId/steps/:step/attempts/:attempt/diff', {
    operation: 'readAttemptDiff',
    tag: 'plans',
    summary: 'What an attempt changed',
    params: attemptParams,
    answers: { 200: { what: 'A unified diff.', text: 'text/plain' } },
    problems: {
      400: ['query-invalid'],
      404: [...STEP[404], 'attempt-unknown', 'diff-none', 'artifact-lost'],
    },
  }),
  get('/v1/events', {
    operation: 'streamEvents',
    tag: 'events',
    summary: 'Follow the events of all plans',
    description: `${STREAM_TEXT} The id of a message is an opaque cursor over all plans; a message with an id and no data moves a
filtered stream along.`,
    query: fleetEventsQuery,
    headers: fleetEventsHeaders,
    answers: { 200: { what: 'Events after the cursor, and then as they come.', events: streamedEvent } },
    problems: { 400: ['query-invalid', 'last-event-id-invalid'], ...STREAMS },
  }),
  ...LIMIT_ROUTES,
  get('/v1/sinks', {
    operation: 'listSinks',
    tag: 'sinks',
    summary: 'Who is paged, and whether it arrives',
    answers: { 200: { what: 'In the order of the settings.', json: sinkListAnswer } },
    problems: { 503: ['ledger-unavailable'] },
  }),
  post('/v1/sinks/:sink/test', {
    operation: 'testSink',
    tag: 'sinks',
    summary: 'Send a test page',
    description: 'Sent now, by the replica that is asked, and not repeated.',
    params: sinkParams,
    body: sinkTestBody,
    answers: { 200: { what: 'Whether it was delivered.', json: sinkTestAnswer } },
    problems: { 400: ['body-malformed', 'body-invalid'], 404: ['sink-unknown'], 429: ['sink-busy'] },
  }),
  get('/v1/openapi.json', {
    operation: 'readDocument',
    tag: 'server',
    summary: 'This description',
    answers: { 200: { what: 'OpenAPI 3.1.', json: documentAnswer } },
  }),
  get('/healthz', {
    operation: 'readHealth',
    tag: 'server',
    summary: 'Whether the process lives',
    answers: { 200: { what: 'It does.', json: healthAnswer } },
  }),
  get('/readyz', {
    operation: 'readReadiness',
    tag: 'server',
    summary: 'Whether plans are taken',
    answers: { 200: { what: 'Ledger and NATS answer, and somebody decides.', json: readyAnswer } },
    problems: { 503: ['not-ready'] },
  }),
  get('/metrics', {
    operation: 'readMetrics',
    tag: 'server',
    summary: 'The metrics of this replica',
    answers: {
      200: { what: 'The text format of Prometheus; docs/metrics.md says what is in it.', text: 'text/plain' },
    },
  }),
];
