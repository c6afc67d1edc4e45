import type { StepTime } from '#domain';
import type { StepView } from './plan-views.ts';
import { STEP_STATES, type StepViewState } from './step-row.ts';

/** The steps that one step of the plan's text became. */
export interface StepGroup {
  name: string;
  steps: StepView[];
  needs: readonly string[];
}

const ENDED = new Set<StepViewState>(['passed', 'skipped', 'blocked', 'poisoned', 'cancelled']);

export function isDone({ state }: StepView): boolean {
  return state === 'passed' || state === 'skipped';
}

export function isBad({ state }: StepView): boolean {
  return state === 'blocked' || state === 'poisoned';
}

/** In the order of their first steps. */
export function groupsOf(steps: readonly StepView[]): Map<string, StepGroup> {
  const groups = new Map<string, StepGroup>();
  for (const step of steps) {
    const name = groupName(step);
    const group = groups.get(name);
    if (group) group.steps.push(step);
    else groups.set(name, { name, steps: [step], needs: step.needs });
  }
  return groups;
}

/** `3 running · 2 blocked`, without what is done. */
export function openCounts(steps: readonly StepView[]): string {
  const counts = new Map<StepViewState, number>();
  for (const { state } of steps) counts.set(state, (counts.get(state) ?? 0) + 1);
  return STEP_STATES.filter((state) => state !== 'passed' && counts.has(state))
    .map((state) => `${counts.get(state)} ${state}`)
    .join(' · ');
}

/** A chain may be a hundred thousand groups long, and this is asked for many of them. */
const GROUPS_REACHED_MAX = 1_000;

/** Steps that cannot start because of a group, through any number of others; `isAll` false: there are more. */
export function heldBy(
  groups: ReadonlyMap<string, StepGroup>,
): (name: string) => { steps: number; isAll: boolean } {
  const dependants = new Map<string, StepGroup[]>();
  for (const group of groups.values()) {
    for (const need of group.needs) {
      const known = dependants.get(need);
      if (known) known.push(group);
      else dependants.set(need, [group]);
    }
  }
  return (name) => {
    const reached = new Set<StepGroup>();
    const open = [...(dependants.get(name) ?? [])];
    for (let next = open.pop(); next && reached.size < GROUPS_REACHED_MAX; next = open.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      open.push(...(dependants.get(next.name) ?? []));
    }
    const waiting = [...reached].flatMap(({ steps }) => steps).filter(({ state }) => state === 'waiting');
    return { steps: waiting.length, isAll: reached.size < GROUPS_REACHED_MAX };
  };
}

/** How long a step of the group takes, ms; null: none has finished. */
export function typicalMs({ steps }: StepGroup): number | null {
  let totalMs = 0;
  let count = 0;
  for (const { state, startedAt, endedAt } of steps) {
    if (state !== 'passed' || startedAt === null || endedAt === null) continue;
    totalMs += Math.max(0, Date.parse(endedAt) - Date.parse(startedAt));
    count += 1;
  }
  return count === 0 ? null : totalMs / count;
}

export function timeOf(step: StepView): StepTime {
  return {
    group: groupName(step),
    kind: step.kind,
    needs: step.needs,
    phase: ENDED.has(step.state)
      ? 'ended'
      : step.state === 'running' || step.state === 'sleeping'
        ? step.state
        : 'open',
    startedMs: ms(step.startedAt),
    endedMs: ms(step.endedAt),
    untilMs: ms(step.notBefore),
  };
}

/** Names of steps have no `[`: what follows it is the value of the matrix. */
export function groupName({ name }: StepView): string {
  const bracket = name.indexOf('[');
  return bracket < 0 ? name : name.slice(0, bracket);
}

function ms(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}
