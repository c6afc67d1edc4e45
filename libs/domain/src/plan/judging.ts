import type { JsonValue } from '../json.ts';
import type { PlanEvent, Reason } from '../ledger/events.ts';
import { fromIso, parseDuration, toIso } from '../time.ts';
import type { StepInstance, WaitWork } from './definition.ts';
import { EXPANDED_STEPS_MAX, expandFailed, expandItems } from './expansion.ts';
import { ExpressionError, type Expressions, type ExpressionScope } from './expressions.ts';
import { takenOver } from './forking.ts';
import { needsScope, scopeOf } from './scope.ts';
import { stepOf, type GroupState, type PlanState, type StepState } from './state.ts';

/** What a decision gives to its parts. */
export interface JudgingTurn {
  readonly state: PlanState;
  /** ms */
  readonly now: number;
  readonly expressions: Expressions;
  emit(event: PlanEvent): void;
}

/** The farthest end of a wait: past it is a mistake in a unit, not a plan. */
const WAIT_MAX_MS = 366 * 86_400_000;

/**
 * Judges the groups whose needs are met and that do not simply become ready: a fan-out of which the steps are not
 * known yet, a condition, a wait. Each is judged once, and what was found is recorded in the append of what made it
 * due. What is skipped may meet the needs of further groups: the set grows while it is walked.
 */
export function judgeDueGroups(turn: JudgingTurn): void {
  for (const index of turn.state.due) judgeGroup(turn, turn.state.groups[index]!);
}

function judgeGroup(turn: JudgingTurn, group: GroupState): void {
  const needs = needsScope(turn.state, group);
  const failed = group.expanded ? null : expandGroup(turn, group, needs);
  for (const ordinal of group.ordinals) {
    const step = stepOf(turn.state, ordinal);
    if (step.status !== 'waiting') continue;
    if (failed) endStep(turn, step, 'blocked', failed);
    else judgeStep(turn, group, step, needs);
  }
  turn.emit({ type: 'steps.freed', data: { definition: group.index } });
}

/** Returns why the fan-out could not be made; then one step stands for all of it. */
function expandGroup(turn: JudgingTurn, group: GroupState, needs: ExpressionScope['needs']): Reason | null {
  const { definition, index } = group;
  const nextOrdinal = turn.state.steps.length;
  const scope = scopeOf(
    turn.state,
    group,
    { name: definition.name, ordinal: nextOrdinal, matrix: null },
    needs,
  );
  const found = itemsOf(turn, group, scope);
  const data = Array.isArray(found)
    ? expandItems(definition, index, found, nextOrdinal)
    : expandFailed(definition, index, nextOrdinal);
  turn.emit({ type: 'steps.expanded', data });
  if (Array.isArray(found)) takeOver(turn, data.steps);
  return Array.isArray(found) ? null : found;
}

/** The work that a plan took over from another one is not done again. */
export function takeOver(turn: JudgingTurn, steps: readonly StepInstance[]): void {
  const { forkedFrom } = turn.state.submitted!;
  if (!forkedFrom) return;
  for (const { ordinal, name } of steps) {
    const result = takenOver(turn.state, name);
    if (!result) continue;
    const takenFrom = forkedFrom.planId;
    const data = { ordinal, epoch: 0, worker: null, tokenDigest: null, ...result, takenFrom };
    turn.emit({ type: 'step.passed', data });
  }
}

function itemsOf(
  turn: JudgingTurn,
  { definition }: GroupState,
  scope: ExpressionScope,
): JsonValue[] | Reason {
  if (definition.matrix?.kind !== 'from') return [];
  const { expression } = definition.matrix;
  const value = evaluate(turn, expression, scope);
  if ('failed' in value) return value.failed;
  const items = value.value;
  const wrong = !Array.isArray(items)
    ? `it gives ${kindOf(items)}, not a list`
    : items.length > EXPANDED_STEPS_MAX
      ? `it gives ${items.length} items; at most ${EXPANDED_STEPS_MAX} steps can be made of one list`
      : wrongItem(items);
  if (wrong === null) return items as JsonValue[];
  return { code: 'matrix-invalid', message: `matrix.from (${shorten(expression)}) cannot be used: ${wrong}` };
}

function wrongItem(items: JsonValue[]): string | null {
  const seen = new Set<string>();
  for (const [position, item] of items.entries()) {
    if (item === null || item === '') return `item ${position + 1} is empty`;
    const text = typeof item === 'string' ? item : JSON.stringify(item);
    if (text.includes('\0')) return `item ${position + 1} holds a NUL character`;
    if (seen.has(text)) return `item ${position + 1} is there twice: ${shorten(text)}`;
    seen.add(text);
  }
  return null;
}

function judgeStep(
  turn: JudgingTurn,
  group: GroupState,
  step: StepState,
  needs: ExpressionScope['needs'],
): void {
  const { when, work } = group.definition;
  const { name, ordinal, matrix } = step.instance;
  const scope = scopeOf(turn.state, group, { name, ordinal, matrix }, needs);
  if (when !== null) {
    const verdict = evaluate(turn, when, scope, group.ordinals.length);
    if ('failed' in verdict) return endStep(turn, step, 'blocked', verdict.failed);
    if (typeof verdict.value !== 'boolean') {
      const message = `its condition (${shorten(when)}) gives ${kindOf(verdict.value)}, not true or false`;
      return endStep(turn, step, 'blocked', { code: 'condition-invalid', message });
    }
    if (!verdict.value) {
      const message = `its condition is false: ${shorten(when)}`;
      return endStep(turn, step, 'skipped', { code: 'condition-false', message });
    }
  }
  if (work.kind === 'wait') startWait(turn, step, work, scope, group.ordinals.length);
}

function startWait(
  turn: JudgingTurn,
  step: StepState,
  { until }: WaitWork,
  scope: ExpressionScope,
  together: number,
): void {
  const end = endOfWait(turn, until, scope, together);
  if (typeof end !== 'number') return endStep(turn, step, 'blocked', end);
  // A time that is over already passes with the next look at the clock.
  const data = { ordinal: step.instance.ordinal, until: toIso(Math.max(1, end)) };
  turn.emit({ type: 'wait.started', data });
}

function endOfWait(
  turn: JudgingTurn,
  until: WaitWork['until'],
  scope: ExpressionScope,
  together: number,
): number | Reason {
  if ('forMs' in until) return turn.now + until.forMs;
  if ('at' in until) return fromIso(until.at);
  const value = evaluate(turn, until.expression, scope, together);
  if ('failed' in value) return value.failed;
  const text = typeof value.value === 'string' ? value.value : '';
  const duration = parseDuration(text);
  const end = duration === null ? timeOf(text) : turn.now + duration;
  if (end !== null && end <= turn.now + WAIT_MAX_MS) return end;
  const wants = 'a duration such as 2h, or a time such as 2026-12-01T08:00:00Z, at most a year from now';
  const message = `its wait (${shorten(until.expression)}) gives ${shorten(JSON.stringify(value.value))}; it must be ${wants}`;
  return { code: 'wait-invalid', message };
}

function timeOf(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)) return null;
  const at = fromIso(text);
  return Number.isFinite(at) ? at : null;
}

function evaluate(
  { expressions }: JudgingTurn,
  source: string,
  scope: ExpressionScope,
  together = 1,
): { value: JsonValue } | { failed: Reason } {
  try {
    return { value: expressions.evaluate(source, scope, together) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { failed: { code: error.code, message: `${shorten(source)} has no value: ${error.message}` } };
  }
}

function endStep(turn: JudgingTurn, step: StepState, as: 'blocked' | 'skipped', reason: Reason): void {
  const data = { ordinal: step.instance.ordinal, epoch: step.epoch, reason };
  turn.emit({ type: `step.${as}`, data });
}

function kindOf(value: JsonValue): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object'
    ? 'a map'
    : `${typeof value === 'string' ? 'text' : typeof value}: ${shorten(String(value))}`;
}

function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 197)}...`;
}
