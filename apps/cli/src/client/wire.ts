import { z } from 'zod';

/**
 * What the coordinator answers, as far as the command line reads it. Unknown keys are let through, so that an
 * older `skein` works with a newer server.
 */
const reason = z.object({ code: z.string(), message: z.string() });

export const submittedPlan = z.object({
  planId: z.string(),
  name: z.string(),
  /** False: the same key was used before, and this is the plan it made. */
  created: z.boolean().default(true),
});
export type SubmittedPlan = z.infer<typeof submittedPlan>;

export const dryRun = z.object({
  planId: z.string().nullable(),
  exists: z.boolean(),
  name: z.string(),
  digest: z.string(),
  steps: z.number(),
});
export type DryRun = z.infer<typeof dryRun>;

/** How many steps are in which state; a newer server may know more of them. */
const counts = z.record(z.string(), z.number());

const diffstat = z.object({ files: z.number(), insertions: z.number(), deletions: z.number() });

export const planSummary = z.object({
  planId: z.string(),
  name: z.string(),
  tenant: z.string().optional(),
  status: z.string(),
  submittedAt: z.string().nullish(),
  endedAt: z.string().nullish(),
  counts: counts.default(() => ({})),
  labels: z.record(z.string(), z.string()).optional(),
  baseSha: z.string().nullish(),
  integration: z
    .object({
      branch: z.string(),
      sha: z.string(),
      baseSha: z.string().nullish(),
      /** `accepted`: decided, being carried out. `published`: the branch points to `sha`. */
      state: z.string(),
      diffstat: diffstat.nullish(),
    })
    .nullish(),
  reason: reason.nullish(),
  head: z.object({ seq: z.number(), hash: z.string() }).nullish(),
  closed: z.boolean().default(false),
});
export type PlanSummary = z.infer<typeof planSummary>;

export const planList = z.object({ plans: z.array(planSummary), nextCursor: z.string().nullish() });
export type PlanList = z.infer<typeof planList>;

export const stepView = z.object({
  ordinal: z.string(),
  name: z.string(),
  kind: z.string(),
  state: z.string(),
  epoch: z.number().default(0),
  attempts: z.number().default(0),
  leasesLost: z.number().default(0),
  reason: reason.nullish(),
  worker: z.string().nullish(),
  startedAt: z.string().nullish(),
  endedAt: z.string().nullish(),
  wait: z.string().nullish(),
  /** Of its accepted attempt. */
  commit: z.object({ sha: z.string(), ref: z.string() }).nullish(),
  notBefore: z.string().nullish(),
  needs: z.array(z.string()).optional(),
});
export type StepView = z.infer<typeof stepView>;

export const stepList = z.object({ steps: z.array(stepView) });

export const ledgerEvent = z.object({
  seq: z.number(),
  at: z.string(),
  type: z.string(),
  body: z.string(),
  prevHash: z.string(),
  hash: z.string(),
});
export type LedgerEvent = z.infer<typeof ledgerEvent>;

export const ledgerPage = z.object({
  events: z.array(ledgerEvent),
  head: z.object({ seq: z.number(), hash: z.string() }).nullish(),
});
export type LedgerPage = z.infer<typeof ledgerPage>;
