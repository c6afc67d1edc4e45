import { z } from 'zod';
import type { StepKind } from '#domain';
import { STEP_STATES } from '#ledger';
import { PLAN_STATUSES } from './queries.ts';

/** What answers hold. The controllers' types are made of these; the specs hold real answers against them. */

export const time = z.string().meta({ format: 'date-time' }).describe('ISO 8601 in UTC.');
export const count = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const sha = z.string().describe('A commit.');
export const ordinal = z
  .string()
  .regex(/^s\d+$/)
  .describe('`s3`: stays the same, unlike a name it needs no encoding.');
const json = z.record(z.string(), z.unknown());

export const reason = z
  .object({
    code: z.string().describe('For programs; stays stable.'),
    message: z.string().describe('For people.'),
  })
  .meta({ id: 'Reason' });

const head = z
  .object({
    seq: count.describe('Of the newest event; 1-based.'),
    hash: hash.describe('Of that event, hex.'),
  })
  .meta({ id: 'Head' });

const diffstat = z.object({ files: count, insertions: count, deletions: count }).meta({ id: 'Diffstat' });

const commit = z
  .object({ sha, ref: z.string().describe('The private ref that holds it.') })
  .meta({ id: 'CommitRef' });

const counts = z
  .object(
    Object.fromEntries(STEP_STATES.map((state) => [state, count])) as Record<
      (typeof STEP_STATES)[number],
      typeof count
    >,
  )
  .describe("Steps by state, the system's own steps included.")
  .meta({ id: 'StepCounts' });

const integration = z
  .object({
    branch: z.string(),
    sha,
    expectedOld: z.string().nullable().describe('What the branch pointed to before; null: it was not there.'),
    baseSha: sha.describe('The newest base that it contains.'),
    diffstat: diffstat.nullable(),
    state: z
      .enum(['accepted', 'published'])
      .describe('Accepted: being carried out. Published: the branch is there.'),
  })
  .meta({ id: 'Integration' });

export const planAnswer = z
  .object({
    planId: z.string(),
    name: z.string(),
    tenant: z.string(),
    status: z.enum(PLAN_STATUSES),
    labels: z.record(z.string(), z.string()),
    params: json.describe('What it was given, defaults filled in.'),
    priority: z.int(),
    submittedAt: time,
    endedAt: time.nullable(),
    counts,
    baseSha: sha
      .nullable()
      .describe('The commit that it started from; null: not resolved, or no repository.'),
    integration: integration.nullable(),
    reason: reason
      .nullable()
      .describe('Why it ended as it did, or who paused it (`plan-paused`); else null.'),
    head: head.describe('Up to where this was computed. Its seq is the ETag.'),
    closed: z.boolean().describe('Nothing will be appended to it any more.'),
  })
  .meta({ id: 'Plan' });
export type PlanAnswer = z.infer<typeof planAnswer>;

export const planListAnswer = z
  .object({
    plans: z.array(planAnswer),
    nextCursor: z.string().nullable().describe('null: this is the last page.'),
  })
  .meta({ id: 'PlanList' });
export type PlanListAnswer = z.infer<typeof planListAnswer>;

/** Every kind, and nothing else: the compiler compares. */
const STEP_KINDS = Object.keys({
  noop: true,
  wait: true,
  run: true,
  codemod: true,
  agent: true,
  resolve: true,
  baseline: true,
  integrate: true,
  publish: true,
  report: true,
  clean: true,
} satisfies Record<StepKind, true>) as [StepKind, ...StepKind[]];

export const stepKind = z.enum(STEP_KINDS);

const stepAnswer = z
  .object({
    ordinal,
    name: z.string(),
    kind: stepKind,
    state: z.enum(STEP_STATES),
    epoch: count.describe('Of its newest lease; 0: never admitted.'),
    attempts: count.describe('Attempts that are over.'),
    leasesLost: count,
    notBefore: time.nullable().describe('It waits until then: a wait, or a backoff.'),
    reason: reason.nullable(),
    worker: z.string().nullable().describe('Who holds it, or held it last.'),
    startedAt: time.nullable().describe('Of its first lease.'),
    endedAt: time.nullable(),
    commit: commit.nullable(),
    outputs: json,
    needs: z.array(z.string()).describe('Names of the steps, before a matrix, that it needs.'),
    wait: z.string().nullable().describe('What it waits for, in a sentence.'),
  })
  .meta({ id: 'Step' });

export const stepListAnswer = z.object({ steps: z.array(stepAnswer) }).meta({ id: 'StepList' });
export type StepListAnswer = z.infer<typeof stepListAnswer>;

const attempt = z
  .object({
    ordinal,
    epoch: count,
    worker: z.string(),
    attempt: count.describe('1-based, counted over all leases.'),
    startedAt: time,
    durationMs: z.number(),
    verdict: z.enum(['accepted', 'rejected']),
    reason,
    commit: commit.nullable(),
    feedback: z.string().nullable().describe('What the next attempt is told.'),
    diffstat: diffstat.nullable(),
    logKey: z.string().nullable(),
    diffKey: z.string().nullable(),
    traceparent: z.string().nullable().describe("Of the lease's live trace."),
    finishedAt: time,
  })
  .meta({ id: 'Attempt' });

export const attemptListAnswer = z.object({ attempts: z.array(attempt) }).meta({ id: 'AttemptList' });
export type AttemptListAnswer = z.infer<typeof attemptListAnswer>;

const type = z.string().describe('`step.passed`, `plan.completed` ... A newer server may know more of them.');
const traceparent = z.string().nullable().describe('Of the message that caused it.');

const ledgerEvent = z
  .object({
    seq: z.int().min(1).describe('1-based and without holes within its plan.'),
    at: time,
    type,
    data: json.describe('What happened; its keys follow from `type`.'),
    traceparent,
    body: z.string().describe('The exact text that was hashed.'),
    prevHash: hash,
    hash: hash.describe('hex(sha256(prevHash + "\\n" + body))'),
  })
  .meta({ id: 'LedgerEvent' });

export const ledgerAnswer = z.object({ head, events: z.array(ledgerEvent) }).meta({ id: 'LedgerPage' });
export type LedgerAnswer = z.infer<typeof ledgerAnswer>;

export const streamedEvent = z
  .object({
    planId: z.string(),
    seq: z.int().min(1),
    at: time,
    type,
    data: json.describe('What happened; its keys follow from `type`.'),
    traceparent,
  })
  .describe('`data` of a message without a name. A message named `end` has planId and seq only.')
  .meta({ id: 'StreamedEvent' });

export const submittedAnswer = z
  .object({
    planId: z.string(),
    name: z.string(),
    url: z.string().describe('Path of the plan.'),
    created: z.boolean().describe('false: the key was used before, and this is the plan that it made.'),
  })
  .meta({ id: 'SubmittedPlan' });

export const dryRunAnswer = z
  .object({
    dryRun: z.literal(true),
    planId: z.string().nullable().describe('Which plan it would be; null without an Idempotency-Key.'),
    exists: z.boolean().describe('true: the key was used before for the same, and nothing new would begin.'),
    name: z.string(),
    digest: z.string().describe('What the plan would be pinned to.'),
    steps: count.describe("Steps of the plan's text, each matrix counted once."),
    repo: z.object({ url: z.string(), base: z.string() }).nullable(),
  })
  .meta({ id: 'DryRun' });
export type DryRunAnswer = z.infer<typeof dryRunAnswer>;

const sinkAnswer = z
  .object({
    name: z.string(),
    type: z.enum(['webhook', 'slack', 'pagerduty']),
    place: z.string().describe('Scheme and host. The rest of its address is a secret.'),
    on: z.array(z.string()).describe('What it is paged about.'),
    waiting: count.describe('Pages that it has not taken yet.'),
    failures: count.describe('Tries that failed, in a row.'),
    failingSince: time.nullable().describe('null: it took the last page that it was sent.'),
    lastSuccessAt: time.nullable(),
    lastErrorAt: time.nullable(),
    lastError: z.string().nullable().describe('For people.'),
    givenUp: count.describe('Pages that were tried for a day, and that nobody got.'),
  })
  .meta({ id: 'Sink' });

export const sinkListAnswer = z.object({ sinks: z.array(sinkAnswer) }).meta({ id: 'SinkList' });
export type SinkListAnswer = z.infer<typeof sinkListAnswer>;

export const sinkTestAnswer = z
  .object({
    delivered: z.boolean(),
    status: z.int().nullable().describe("Of the sink's HTTP answer; null: there was none."),
    error: z.string().nullable().describe('For people; null: it was delivered.'),
    durationMs: z.int().min(0),
  })
  .meta({ id: 'SinkTest' });
export type SinkTestAnswer = z.infer<typeof sinkTestAnswer>;

export const healthAnswer = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });
export const readyAnswer = z.object({ status: z.literal('ready') }).meta({ id: 'Ready' });
export const documentAnswer = json.describe('An OpenAPI 3.1 document.').meta({ id: 'Document' });

const textProblem = z
  .object({
    code: z.string().describe('For programs; stays stable.'),
    message: z.string(),
    path: z.string().describe('`steps[3].needs[0]`; empty for the text as a whole.'),
    file: z.string().optional().describe('The file of templates that it is in; absent: the plan text.'),
    line: z.int().describe('From 1.'),
    column: z.int().describe('From 1, in UTF-16 code units.'),
    hint: z.string().optional().describe('What to do about it.'),
  })
  .meta({ id: 'TextProblem' });

export const problemAnswer = z
  .object({
    type: z.string().describe('`urn:skein:problem:<code>`'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What was wrong and what to do instead.'),
    code: z.string().describe('For programs; stays stable.'),
    problems: z.array(textProblem).optional().describe("Everything that is wrong with a plan's text."),
    currentSeq: count.optional().describe('Where the plan stands, when If-Match named another seq.'),
  })
  .meta({ id: 'Problem' });
