import { countsOf, type PlanRow } from './plan-row.ts';
import type { StepCounts, StepRow, StepViewState } from './step-row.ts';

export interface AttemptRow {
  plan_id: string;
  ordinal: number;
  attempt: number;
  seq: number;
}

/** The rows that a batch of events touches: loaded once, changed in memory, saved once. */
export class WorkingSet {
  readonly attempts: AttemptRow[] = [];
  private readonly planRows = new Map<string, PlanRow>();
  private readonly stepRows = new Map<string, StepRow>();
  private readonly counts = new Map<string, StepCounts>();

  constructor(plans: PlanRow[], steps: StepRow[]) {
    for (const row of plans) this.addPlan(row);
    for (const row of steps) this.stepRows.set(stepKey(row.plan_id, row.ordinal), row);
  }

  plan(planId: string): PlanRow | undefined {
    return this.planRows.get(planId);
  }

  step(planId: string, ordinal: number): StepRow | undefined {
    return this.stepRows.get(stepKey(planId, ordinal));
  }

  addPlan(row: PlanRow): void {
    this.planRows.set(row.plan_id, row);
    this.counts.set(row.plan_id, countsOf(row));
  }

  addStep(row: StepRow): void {
    this.stepRows.set(stepKey(row.plan_id, row.ordinal), row);
    this.count(row, 1);
  }

  /** The one place where a step's state changes, so that the plan's counts follow. */
  move(row: StepRow, state: StepViewState): void {
    this.count(row, -1);
    row.state = state;
    this.count(row, 1);
  }

  plans(): PlanRow[] {
    return [...this.planRows.values()].map((row) => ({
      ...row,
      counts: JSON.stringify(this.counts.get(row.plan_id)),
    }));
  }

  steps(): StepRow[] {
    return [...this.stepRows.values()];
  }

  private count(row: StepRow, by: 1 | -1): void {
    const counts = this.counts.get(row.plan_id);
    if (counts) counts[row.state] += by;
  }
}

function stepKey(planId: string, ordinal: number): string {
  return `${planId} ${ordinal}`;
}
