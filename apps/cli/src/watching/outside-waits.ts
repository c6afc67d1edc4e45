import { hasEndedStep, isDone, type WatchedStep } from './watched-step.ts';

/** What some steps wait for. */
export interface OutsideWait {
  wait: string;
  count: number;
  /** Of the first of them. */
  name: string;
}

/** After the plan's own steps. */
const LAST = new Set(['integrate', 'publish']);
/** They wait for the plan's end, or for their time, as they should. */
const UNTOLD = new Set(['clean', 'report']);

/**
 * What keeps the plan from going on that is not the plan itself: no worker, a lock, a cap, a time. Steps that wait for
 * others of their plan are left out. Most steps first.
 */
export function outsideWaits(steps: readonly WatchedStep[]): OutsideWait[] {
  const openGroups = new Set(steps.filter(({ state }) => !isDone(state)).map(({ group }) => group));
  const groups = new Set(steps.map(({ group }) => group));
  const ownOpen = steps.some((step) => !isSystem(step) && !isDone(step.state));
  const waits = new Map<string, OutsideWait>();
  for (const step of steps) {
    if (step.wait === null || hasEndedStep(step) || UNTOLD.has(step.kind)) continue;
    if (LAST.has(step.kind) && ownOpen) continue;
    if (step.needs.some((need) => openGroups.has(need) || !groups.has(need))) continue;
    const told = waits.get(step.wait);
    if (told) told.count += 1;
    else waits.set(step.wait, { wait: step.wait, count: 1, name: step.name });
  }
  return [...waits.values()].sort((one, other) => other.count - one.count);
}

function isSystem({ kind }: WatchedStep): boolean {
  return LAST.has(kind) || UNTOLD.has(kind) || kind === 'resolve' || kind === 'baseline';
}
