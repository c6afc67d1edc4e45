import type { Commanded, PlanEvent, PlanStatus, Reason } from '#domain';
import type { StoredEvent } from '../ledger.ts';
import { newPlanRow, type PlanRow } from './plan-row.ts';
import { newStepRow, type StepRow, type StepViewState } from './step-row.ts';
import type { WorkingSet } from './working-set.ts';

/** What a plan's integration looks like to a reader. */
export interface IntegrationView {
  branch: string;
  sha: string;
  expectedOld: string | null;
  baseSha: string;
  diffstat: { files: number; insertions: number; deletions: number } | null;
  /** Accepted: decided, being carried out. Published: the branch points to `sha`. */
  state: 'accepted' | 'published';
}

/** Steps whose rows an event changes: they must be in the working set before it is folded. */
export function touchedOrdinal(event: PlanEvent): number | null {
  return 'ordinal' in event.data ? event.data.ordinal : null;
}

/**
 * Computes one event into the rows. Never throws over an event's content: a step that is not there is ignored,
 * because a reader's table must not stop for what the decider alone may judge.
 */
export function fold(set: WorkingSet, stored: StoredEvent): void {
  if (stored.event.type === 'plan.submitted') submitted(set, stored, stored.event.data);
  const plan = set.plan(stored.planId);
  if (!plan) return;
  plan.head_seq = stored.seq;
  plan.head_hash = stored.hash;
  const ordinal = touchedOrdinal(stored.event);
  const step = ordinal === null ? undefined : set.step(stored.planId, ordinal);
  if (step) foldStep(set, step, stored);
  foldPlan(set, plan, stored);
}

function submitted(
  set: WorkingSet,
  stored: StoredEvent,
  data: Extract<PlanEvent, { type: 'plan.submitted' }>['data'],
): void {
  const { planId, position, at } = stored;
  set.addPlan(newPlanRow(planId, position, at, data));
  // As `evolve` does: the step that asks the repository is there from the start.
  if (!data.definition.repo) return;
  const instance = { ordinal: 0, name: 'resolve', kind: 'resolve', definition: null, matrix: null } as const;
  set.addStep(newStepRow(planId, instance));
}

function foldPlan(set: WorkingSet, plan: PlanRow, { planId, at, event }: StoredEvent): void {
  switch (event.type) {
    case 'plan.expanded':
      plan.base_sha = event.data.baseSha;
      for (const instance of event.data.steps) set.addStep(newStepRow(planId, instance));
      return;
    case 'steps.expanded':
      for (const instance of event.data.steps) set.addStep(newStepRow(planId, instance));
      return;
    case 'integration.accepted': {
      const { branch, commit, expectedOld, baseSha, diffstat } = event.data;
      const view: IntegrationView = {
        branch,
        sha: commit.sha,
        expectedOld,
        baseSha,
        diffstat,
        state: 'accepted',
      };
      plan.integration = JSON.stringify(view);
      return;
    }
    case 'integration.published':
      if (plan.integration) {
        const accepted = JSON.parse(plan.integration) as IntegrationView;
        plan.integration = JSON.stringify({ ...accepted, state: 'published' } satisfies IntegrationView);
      }
      return;
    case 'plan.cancelled': {
      const message = sayWho('cancelled', event.data);
      return endPlan(plan, 'cancelled', at, { code: 'plan-cancelled', message });
    }
    case 'plan.halted':
      return endPlan(plan, 'halted', at, event.data.reason);
    case 'plan.completed':
      return endPlan(plan, 'completed', at, event.data.reason);
    case 'plan.paused': {
      plan.reason = JSON.stringify({ code: 'plan-paused', message: sayWho('paused', event.data) });
      return;
    }
    case 'plan.resumed':
      plan.reason = null;
      return;
    case 'plan.reopened':
      plan.status = 'running';
      plan.closed = false;
      plan.ended_at = null;
      plan.reason = null;
      return;
    case 'plan.closed':
      plan.closed = true;
      return;
    default:
      return;
  }
}

/**
 * Why the event ends every open step of its plan; null when it does not. They are cancelled by one statement, for they
 * may be a hundred thousand that no event names.
 */
export function cancelsOpenSteps({ type, data }: PlanEvent): Reason | null {
  if (type === 'plan.cancelled') return { code: 'plan-cancelled', message: 'the plan was cancelled' };
  return type === 'plan.halted' && data.cancelsOpen ? data.reason : null;
}

function sayWho(done: string, { by, why }: Commanded): string {
  return `${done} by ${by.name}${why ? `: ${why}` : ''}`;
}

function endPlan(plan: PlanRow, status: PlanStatus, at: string, reason: Reason): void {
  plan.status = status;
  plan.ended_at = at;
  plan.reason = JSON.stringify(reason);
}

function foldStep(set: WorkingSet, step: StepRow, { at, seq, event }: StoredEvent): void {
  switch (event.type) {
    case 'step.admitted':
      step.epoch = event.data.epoch;
      step.worker = null;
      step.not_before = null;
      return set.move(step, 'admitted');
    case 'lease.granted':
      step.worker = event.data.worker;
      step.started_at ??= at;
      return set.move(step, 'running');
    case 'lease.lost':
    case 'lease.released':
      if (event.data.counts) step.leases_lost += 1;
      step.worker = null;
      step.not_before = event.data.notBefore;
      step.reason = JSON.stringify(event.data.reason);
      return set.move(step, 'waiting');
    case 'wait.started':
      step.started_at = at;
      step.not_before = event.data.until;
      return set.move(step, 'sleeping');
    case 'step.reopened':
      step.leases_lost = 0;
      step.worker = null;
      step.ended_at = null;
      step.not_before = event.data.notBefore ?? null;
      if (event.data.reason) step.reason = JSON.stringify(event.data.reason);
      return set.move(step, 'waiting');
    case 'report.published':
      step.worker = null;
      step.commit_sha = event.data.sha === '' ? null : event.data.sha;
      step.not_before = event.data.notBefore;
      return set.move(step, 'waiting');
    case 'attempt.finished':
      step.attempts_used = event.data.attempt;
      step.reason = JSON.stringify(event.data.reason);
      set.attempts.push({ plan_id: step.plan_id, ordinal: step.ordinal, attempt: event.data.attempt, seq });
      return;
    case 'step.passed':
      step.worker = event.data.worker;
      // A result may come without a claim: what took no time was never seen running.
      step.started_at ??= at;
      step.commit_sha = event.data.commit?.sha ?? null;
      step.commit_ref = event.data.commit?.ref ?? null;
      step.outputs = JSON.stringify(event.data.outputs);
      return endStep(set, step, 'passed', at, null);
    case 'step.blocked':
    case 'step.poisoned':
    case 'step.cancelled':
    case 'step.skipped':
      return endStep(set, step, event.type.slice('step.'.length) as StepViewState, at, event.data.reason);
    default:
      return;
  }
}

function endStep(
  set: WorkingSet,
  step: StepRow,
  state: StepViewState,
  at: string,
  reason: Reason | null,
): void {
  step.ended_at = at;
  step.not_before = null;
  step.reason = reason && JSON.stringify(reason);
  set.move(step, state);
}
