import type { PlanStatus, PlanSubmitted } from '#domain';
import { noSteps, type StepCounts } from './step-row.ts';

/** A row of `plans`. Keys are the columns. */
export interface PlanRow {
  plan_id: string;
  position: string;
  name: string;
  tenant: string;
  status: PlanStatus;
  submitted_at: string;
  ended_at: string | null;
  base_sha: string | null;
  counts: string;
  needs: string;
  integration: string | null;
  reason: string | null;
  head_seq: number;
  head_hash: string;
  closed: boolean;
  labels: string;
  params: string;
  priority: number;
  label_terms: string[];
}

export function newPlanRow(planId: string, position: bigint, at: string, data: PlanSubmitted): PlanRow {
  const { labels, params, priority } = asRecorded(data);
  return {
    plan_id: planId,
    position: position.toString(),
    name: data.definition.name,
    tenant: data.tenant,
    status: 'running',
    submitted_at: at,
    ended_at: null,
    base_sha: null,
    counts: JSON.stringify(noSteps()),
    needs: JSON.stringify(data.definition.steps.map((step) => step.needs)),
    integration: null,
    reason: null,
    head_seq: 0,
    head_hash: '',
    closed: false,
    labels: JSON.stringify(labels),
    params: JSON.stringify(params),
    priority,
    label_terms: Object.entries(labels).flatMap(labelTerms),
  };
}

/** Plans of before there were labels have none in the ledger. */
function asRecorded({ definition }: PlanSubmitted) {
  const recorded: Partial<typeof definition> = definition;
  const { labels = {}, params = {}, priority = 0 } = recorded;
  return { labels, params, priority };
}

/** Larger ones would not fit into an index; no plan that is checked has them. */
const TERM_CHARS_MAX = 500;

/** What a plan with this label is found by. */
export function labelTerms([key, value]: [key: string, value: string]): string[] {
  return [key, labelTerm(key, value)].filter((term) => term.length <= TERM_CHARS_MAX);
}

/** `value` null: whatever it is. */
export function labelTerm(key: string, value: string | null): string {
  return value === null ? key : `${key}=${value}`;
}

export function countsOf(row: PlanRow): StepCounts {
  return { ...noSteps(), ...(JSON.parse(row.counts) as Partial<StepCounts>) };
}
