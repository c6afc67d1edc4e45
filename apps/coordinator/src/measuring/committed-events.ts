import { stepOf, type PlanEvent, type PlanState, type StepState } from '#domain';
import { count, measure } from '#telemetry';
import type { Committed } from '../deciding/decision-loop.ts';

/**
 * Counts what was committed. Runs between a commit and its answers: a few maps are looked up for each event, and nothing
 * but the end of a cancelled plan looks at more than the step that the event names.
 */
export function measureCommitted(committed: readonly Committed[]): void {
  for (const { plan, events } of committed) for (const event of events) measureEvent(plan, event);
}

function measureEvent(plan: PlanState, event: PlanEvent): void {
  switch (event.type) {
    case 'plan.submitted':
      return count('plansSubmitted', {});
    case 'step.admitted': {
      const step = stepOf(plan, event.data.ordinal);
      return measure('admissionLatency', secondsBetween(step.readyAt, plan.at), poolOf(step));
    }
    case 'lease.granted': {
      const step = stepOf(plan, event.data.ordinal);
      return measure('queueLatency', secondsBetween(step.admittedAt, plan.at), poolOf(step));
    }
    case 'lease.lost':
      return count('leaseLosses', { reason: event.data.reason.code });
    case 'lease.released':
      // Only a fault has a backoff: who drains is no reason to wait.
      return count('leaseReleases', {
        cause: event.data.notBefore === null ? 'draining' : 'fault',
        reason: event.data.reason.code,
      });
    case 'attempt.finished': {
      const { kind } = stepOf(plan, event.data.ordinal).instance;
      count('attempts', { verdict: event.data.verdict, kind });
      return measure('attemptDuration', event.data.durationMs / 1_000, { kind });
    }
    case 'result.late':
      return count('lateResults', { message: event.data.message });
    case 'step.poisoned':
      count('deadLetters', {});
      return countOutcome(plan, event.data.ordinal, 'poisoned');
    case 'step.passed':
      return countOutcome(plan, event.data.ordinal, 'passed');
    case 'step.blocked':
      return countOutcome(plan, event.data.ordinal, 'blocked');
    case 'step.cancelled':
      return countOutcome(plan, event.data.ordinal, 'cancelled');
    case 'step.skipped':
      return countOutcome(plan, event.data.ordinal, 'skipped');
    case 'plan.cancelled':
      countCancelledSteps(plan);
      return measureEnd(plan, 'cancelled');
    case 'plan.halted':
      if (event.data.cancelsOpen) countCancelledSteps(plan);
      return measureEnd(plan, 'halted');
    case 'plan.completed':
      return measureEnd(plan, 'completed');
    default:
      return;
  }
}

type Outcome = 'passed' | 'blocked' | 'poisoned' | 'cancelled' | 'skipped';

function countOutcome(plan: PlanState, ordinal: number, outcome: Outcome): void {
  count('stepOutcomes', { outcome, kind: stepOf(plan, ordinal).instance.kind });
}

/** One event cancels every open step; they are counted with it. */
function countCancelledSteps({ steps }: PlanState): void {
  for (const { status, instance } of steps)
    if (status === 'cancelled') count('stepOutcomes', { outcome: 'cancelled', kind: instance.kind });
}

function measureEnd(plan: PlanState, status: 'completed' | 'halted' | 'cancelled'): void {
  measure('planDuration', secondsBetween(plan.submittedAt, plan.at), { status });
}

function poolOf({ lane }: StepState): { pool: string } {
  return { pool: lane.pool };
}

/** Decided at instants of the wall clock, which may step back. */
function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, toMs - fromMs) / 1_000;
}
