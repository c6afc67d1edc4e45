import { STEP_SPANS_MAX, type OverviewPlan, type OverviewStep } from '#telemetry';
import type { PlanView, PlanViews, StepView } from '#ledger';

const STEPS_PAGE = 2_000;
const TRACES_PAGE = 1_000;
/** More links than this no span carries. */
const TRACES_PER_STEP_MAX = 128;

/** What has been written of a plan, so that each step's span is written once in a calm run. In memory only. */
export class OverviewProgress {
  readonly written = new Set<number>();
  /** Of steps that are not written yet. Key: ordinal. */
  readonly traces = new Map<number, string[]>();
  tracesReadTo = 0;
  /** undefined: not read yet. */
  submission: string | null | undefined;

  /** These spans have arrived. */
  keep({ stepCount, steps }: OverviewPlan): void {
    const large = stepCount > STEP_SPANS_MAX;
    for (const { ordinal, outcome } of steps) {
      // A span of a whole definition may be written again, with the same links: to what did not pass.
      if (!large) this.written.add(ordinal);
      if (!large || outcome === 'passed') this.traces.delete(ordinal);
    }
  }
}

export type OverviewViews = Pick<PlanViews, 'plan' | 'steps' | 'events' | 'leaseTraces'>;

/**
 * The facts of a plan's overview, from the projections: the steps that have ended and are not written yet, and the
 * plan itself once it has ended. Null when there is nothing to write.
 */
export async function readOverview(
  views: OverviewViews,
  planId: string,
  progress: OverviewProgress,
): Promise<OverviewPlan | null> {
  const plan = await views.plan(planId);
  if (!plan) return null;
  const stepCount = Object.values(plan.counts).reduce((sum, count) => sum + count, 0);
  const large = stepCount > STEP_SPANS_MAX;
  // A span per definition is written once, at the end: all steps are in it, whenever they ended.
  if (large && plan.endedAt === null) return null;
  const ended = await endedSteps(views, planId, large ? new Set() : progress.written);
  if (ended.length === 0 && plan.endedAt === null) return null;
  // Read after the steps: what led to a step's end is in the ledger before it.
  await readTraces(views, planId, progress);
  progress.submission ??= await submissionTrace(views, planId);
  return {
    planId,
    name: plan.name,
    submittedAt: plan.submittedAt,
    endedAt: plan.endedAt,
    outcome: outcomeOf(plan),
    traceparent: progress.submission,
    stepCount,
    steps: ended.map((step) => toOverviewStep(step, plan, progress.traces)),
  };
}

async function endedSteps(
  views: OverviewViews,
  planId: string,
  known: ReadonlySet<number>,
): Promise<StepView[]> {
  const ended: StepView[] = [];
  for (let afterOrdinal = -1; ;) {
    const page = await views.steps(planId, { afterOrdinal, limit: STEPS_PAGE });
    ended.push(...page.filter((step) => step.endedAt !== null && !known.has(step.ordinal)));
    const last = page.at(-1);
    if (!last || page.length < STEPS_PAGE) return ended;
    afterOrdinal = last.ordinal;
  }
}

async function readTraces(views: OverviewViews, planId: string, progress: OverviewProgress): Promise<void> {
  for (;;) {
    const page = await views.leaseTraces(planId, progress.tracesReadTo, TRACES_PAGE);
    for (const { ordinal, traceparent } of page) {
      if (traceparent === '' || progress.written.has(ordinal)) continue;
      const traces = progress.traces.get(ordinal) ?? [];
      if (!traces.includes(traceparent) && traces.length < TRACES_PER_STEP_MAX) traces.push(traceparent);
      progress.traces.set(ordinal, traces);
    }
    progress.tracesReadTo = page.at(-1)?.seq ?? progress.tracesReadTo;
    if (page.length < TRACES_PAGE) return;
  }
}

async function submissionTrace(views: OverviewViews, planId: string): Promise<string | null> {
  const [first] = await views.events(planId, 0, 1);
  return first?.event.type === 'plan.submitted' ? first.event.data.traceparent : null;
}

function outcomeOf({ status }: PlanView): OverviewPlan['outcome'] {
  return status === 'running' ? null : status;
}

function toOverviewStep(step: StepView, plan: PlanView, traces: ReadonlyMap<number, string[]>): OverviewStep {
  const endedAt = step.endedAt ?? plan.endedAt ?? plan.submittedAt;
  return {
    ordinal: step.ordinal,
    name: step.name,
    // Skipped, or cancelled before its turn: it took no time.
    startedAt: step.startedAt ?? endedAt,
    endedAt,
    outcome: step.state as OverviewStep['outcome'],
    leaseTraceparents: traces.get(step.ordinal) ?? [],
  };
}
