import { forkBody, redriveBody, retryBody, whyBody } from '../operator-bodies.ts';
import { planAnswer } from './answers.ts';
import { deadLetterListAnswer, explainAnswer, forkedAnswer, redriveAnswer } from './operator-answers.ts';
import { deadLettersQuery } from './operator-queries.ts';
import { commandHeaders, planParams, stepParams, submitHeaders } from './queries.ts';
import { get, post, type Route } from './route.ts';

const REFUSED = { 400: ['body-malformed', 'body-invalid', 'if-match-invalid'] };
const UNDECIDED = {
  412: ['seq-stale'],
  429: ['decider-busy'],
  503: ['no-decider', 'not-decider', 'ledger-down', 'ledger-unavailable', 'too-large-to-forward'],
};
const ETAG = { ETag: 'Where the plan stands: `"<seq>"`. For If-Match.' };
const PLAN = { 404: ['plan-unknown'] };
const STEP = { 404: ['plan-unknown', 'step-unknown'] };

type Verb = Pick<Route, 'operation' | 'summary' | 'description'> & { answer: string; conflicts: string[] };

function onPlan(verb: string, { answer, conflicts, ...o }: Verb): Route {
  return post(`/v1/plans/:planId/${verb}`, {
    ...o,
    tag: 'plans',
    params: planParams,
    headers: commandHeaders,
    body: whyBody,
    answers: { 200: { what: answer, json: planAnswer } },
    answerHeaders: ETAG,
    problems: { ...REFUSED, ...PLAN, 409: conflicts, ...UNDECIDED },
  });
}

function onStep(verb: string, o: Verb): Route {
  const route = onPlan(`steps/:step/${verb}`, o);
  return { ...route, params: stepParams, problems: { ...route.problems, ...STEP } };
}

const RETRIED = ['step-open', 'step-not-failed', 'step-never-ran', 'step-not-retried'];
const REOPENED = ['plan-ended', 'plan-closing'];

/** What an operator does to a plan and its steps. */
export const OPERATOR_ROUTES: readonly Route[] = [
  onPlan('cancel', {
    operation: 'cancelPlan',
    summary: 'Cancel a plan',
    description: 'Its steps end, whoever holds them. Refused once its integration is accepted.',
    answer: 'The plan, cancelled.',
    conflicts: ['plan-ended', 'integration-accepted'],
  }),
  onPlan('pause', {
    operation: 'pausePlan',
    summary: 'Pause a plan',
    description: 'No step of it is begun any more; those that run go on, and their results count.',
    answer: 'The plan, paused.',
    conflicts: ['plan-ended'],
  }),
  onPlan('resume', {
    operation: 'resumePlan',
    summary: 'Let a paused plan go on',
    answer: 'The plan, not paused.',
    conflicts: ['plan-ended'],
  }),
  {
    ...onStep('retry', {
      operation: 'retryStep',
      summary: 'Try a blocked or poisoned step again',
      description:
        'It goes on from its last attempt with its feedback, more attempts, and perhaps a note. A halted plan goes on with it.',
      answer: 'The plan, with the step waiting for its turn.',
      conflicts: [...RETRIED, ...REOPENED],
    }),
    body: retryBody,
  },
  onStep('redrive', {
    operation: 'redriveStep',
    summary: 'Try a dead letter again',
    description: 'A retry of a poisoned step; refused for any other.',
    answer: 'The plan, with the step waiting for its turn.',
    conflicts: [...RETRIED, 'step-not-poisoned', ...REOPENED],
  }),
  onStep('skip', {
    operation: 'skipStep',
    summary: 'Go on without a step',
    description: 'It counts as met, whoever holds it. A halted plan goes on.',
    answer: 'The plan, with the step skipped.',
    conflicts: ['step-ended', 'step-not-skipped', ...REOPENED],
  }),
  onStep('kill', {
    operation: 'killStep',
    summary: "End a step's lease",
    description: 'Its worker stops; the step is tried again at once, and the loss does not count.',
    answer: 'The plan, with the step waiting for its turn.',
    conflicts: ['step-not-running'],
  }),
  post('/v1/plans/:planId/fork', {
    operation: 'forkPlan',
    tag: 'plans',
    summary: 'Make a new plan of what a plan had come to',
    description:
      'The new plan takes over the results of steps that would do the same again, and does the rest, from the same base.',
    params: planParams,
    headers: submitHeaders,
    body: forkBody,
    answers: {
      201: { what: 'The new plan begins.', json: forkedAnswer },
      200: { what: 'The key was used before, and nothing new begins.', json: forkedAnswer },
    },
    answerHeaders: { Location: 'Path of the new plan.' },
    problems: {
      400: ['body-malformed', 'body-invalid', 'idempotency-key-invalid'],
      ...PLAN,
      413: ['body-too-large', 'plan-invalid'],
      422: [
        'seq-unknown',
        'text-missing',
        'fork-too-large',
        'plan-invalid',
        'repo-url-invalid',
        'base-invalid',
        'idempotency-key-reused',
        'quota-too-small',
      ],
      429: ['decider-busy', 'fork-busy', 'quota-used-up'],
      503: UNDECIDED[503],
    },
  }),
  get('/v1/plans/:planId/steps/:step/explain', {
    operation: 'explainStep',
    tag: 'plans',
    summary: 'What a step waits for',
    params: stepParams,
    answers: { 200: { what: 'In a sentence, and what it needs.', json: explainAnswer } },
    problems: STEP,
  }),
  get('/v1/dead-letters', {
    operation: 'listDeadLetters',
    tag: 'plans',
    summary: 'Poisoned steps of all plans',
    description: 'Of the newest plan first. One that is redriven is no dead letter any more.',
    query: deadLettersQuery,
    answers: { 200: { what: 'A page.', json: deadLetterListAnswer } },
    problems: { 400: ['query-invalid'] },
  }),
  post('/v1/dead-letters/redrive', {
    operation: 'redriveDeadLetters',
    tag: 'plans',
    summary: 'Try dead letters again: those of a filter, or all, at a rate',
    description:
      'Each is recorded with the time at which it is tried again, so that the rate holds whatever dies. May be repeated: what is redriven is no dead letter any more.',
    headers: commandHeaders.omit({ 'If-Match': true }),
    body: redriveBody,
    answers: { 200: { what: 'What was done with each.', json: redriveAnswer } },
    problems: {
      400: ['body-malformed', 'body-invalid', 'query-invalid'],
      429: ['decider-busy', 'redrive-busy'],
      503: UNDECIDED[503],
    },
  }),
];
