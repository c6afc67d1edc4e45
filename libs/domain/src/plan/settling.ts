import type { Reason } from '../ledger/events.ts';
import { judgeDueGroups } from './judging.ts';
import { isEnded, isIdle, isMet, stepOf, type PlanState } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * Judges what became due, then ends the plan in the same append as what ended it: when nothing runs and nothing can
 * start any more.
 */
export function settle(turn: Turn): void {
  const { state } = turn;
  if (state.due.size > 0 && state.status === 'running') judgeDueGroups(turn);
  if (state.status === 'running' && isIdle(state)) endPlan(turn);
  if (state.status !== 'running' && !state.closed && nothingToClean(state)) {
    turn.emit({ type: 'plan.closed', data: {} });
  }
}

function endPlan(turn: Turn): void {
  const { state } = turn;
  const open = state.steps.filter(
    ({ status, instance }) => !isMet(status) && instance.kind !== 'clean' && instance.kind !== 'report',
  );
  if (state.expanded && open.length === 0) {
    turn.emit({ type: 'plan.completed', data: { reason: completion(state) } });
    return;
  }
  const failed = [...state.failed];
  const names = failed.slice(0, 5).map((ordinal) => {
    const step = stepOf(state, ordinal);
    return `${step.instance.name} (s${ordinal}) is ${step.status}: ${step.reason?.message ?? 'no reason recorded'}`;
  });
  const more = failed.length > names.length ? `; and ${failed.length - names.length} more` : '';
  turn.emit({
    type: 'plan.halted',
    data: { reason: { code: 'steps-failed', message: `${names.join('; ')}${more}` }, steps: failed },
  });
}

function completion(state: PlanState): Reason {
  if (state.integration) {
    const { branch, commit } = state.integration;
    return { code: 'integrated', message: `all steps passed; ${branch} is at ${commit.sha.slice(0, 12)}` };
  }
  return { code: 'all-passed', message: 'all steps passed' };
}

function nothingToClean(state: PlanState): boolean {
  const { clean } = state.system;
  return clean === null || isEnded(stepOf(state, clean).status);
}
