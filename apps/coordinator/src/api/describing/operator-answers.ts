import { z } from 'zod';
import { STEP_STATES } from '#ledger';
import { count, ordinal, reason, stepKind, time } from './answers.ts';
import { PLAN_STATUSES } from './queries.ts';

const deadLetter = z
  .object({
    planId: z.string(),
    planName: z.string(),
    planStatus: z.enum(PLAN_STATUSES),
    tenant: z.string(),
    ordinal,
    name: z.string().describe('Of the step.'),
    kind: stepKind,
    reason: reason.nullable(),
    epoch: count.describe('Of its last lease.'),
    attempts: count.describe('Attempts that are over.'),
    leasesLost: count,
    poisonedAt: time.nullable(),
  })
  .meta({ id: 'DeadLetter' });

export const deadLetterListAnswer = z
  .object({
    deadLetters: z.array(deadLetter),
    nextCursor: z.string().nullable().describe('null: this is the last page.'),
  })
  .meta({ id: 'DeadLetterList' });
export type DeadLetterListAnswer = z.infer<typeof deadLetterListAnswer>;

const redrivenLetter = { planId: z.string(), ordinal, name: z.string().describe('Of the step.') };
const leftLetter = z.object({ ...redrivenLetter, reason }).meta({ id: 'LeftDeadLetter' });

export const redriveAnswer = z
  .object({
    redriven: z.array(
      z
        .object({ ...redrivenLetter, notBefore: time.nullable().describe('null: at once.') })
        .meta({ id: 'RedrivenDeadLetter' }),
    ),
    passedOver: z.array(leftLetter).describe('No dead letters any more: somebody else was quicker.'),
    refused: z.array(leftLetter).describe('They cannot be redriven, and why.'),
    more: z.boolean().describe('Some of them have not had their turn: ask again, with `nextCursor`.'),
    nextCursor: z.string().nullable().describe('null: ask from the beginning.'),
    stopped: reason.nullable().describe('Why the others of this page have not had their turn.'),
  })
  .meta({ id: 'RedrivenDeadLetters' });
export type RedriveAnswer = z.infer<typeof redriveAnswer>;

const need = z
  .object({
    name: z.string().describe('Of the step, before a matrix.'),
    steps: count,
    met: count.describe('Those that passed or were skipped.'),
    failed: z.array(ordinal).max(20).describe('Those that ended otherwise, at most 20.'),
  })
  .meta({ id: 'Need' });

export const explainAnswer = z
  .object({
    planId: z.string(),
    ordinal,
    name: z.string(),
    state: z.enum(STEP_STATES),
    wait: z.string().nullable().describe('What it waits for, in a sentence; null: for nothing.'),
    limit: z
      .object({
        kind: z.enum(['fleet', 'tenant', 'pool', 'window', 'plan', 'repository', 'lock', 'branch']),
        name: z.string().nullable(),
        limit: count,
        inUse: count,
      })
      .nullable()
      .describe('The first limit that holds it. `window`: what the workers of the pool can start soon.')
      .meta({ id: 'WaitLimit' }),
    line: z
      .object({
        pool: z.string(),
        place: z.int().min(1).describe('Of its plan, if every plan takes one turn.'),
        of: count.describe('Plans in the line of the pool.'),
        stepsBefore: count.describe('Steps of the plan itself that go first.'),
      })
      .nullable()
      .describe('Where it stands when it is ready.')
      .meta({ id: 'WaitLine' }),
    reason: reason.nullable().describe('Of its end, or of what befell it last.'),
    notBefore: time.nullable(),
    worker: z.string().nullable(),
    planReason: reason.nullable().describe('Why the plan ended, or that it is paused.'),
    needs: z.array(need),
  })
  .meta({ id: 'Explanation' });
export type ExplainAnswer = z.infer<typeof explainAnswer>;

export const forkedAnswer = z
  .object({
    planId: z.string(),
    name: z.string(),
    url: z.string().describe('Path of the plan.'),
    created: z.boolean().describe('false: the key was used before, and this is the plan that it made.'),
    origin: z.string().describe('The plan that it was forked from.'),
    atSeq: count.describe('The last event of that plan that was looked at.'),
    takenOver: z.array(z.string()).describe('Names of the steps whose results it takes over.'),
  })
  .meta({ id: 'ForkedPlan' });
export type ForkedAnswer = z.infer<typeof forkedAnswer>;
