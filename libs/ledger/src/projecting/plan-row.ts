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
}

export function newPlanRow(planId: string, position: bigint, at: string, data: PlanSubmitted): PlanRow {
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
  };
}

export function countsOf(row: PlanRow): StepCounts {
  return { ...noSteps(), ...(JSON.parse(row.counts) as Partial<StepCounts>) };
}
