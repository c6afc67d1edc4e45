import { formatOrdinal, roughDuration } from '#domain';
import { prose, sentence } from './markdown.ts';
import type { StepView } from './plan-views.ts';
import { countOf, instant, withRest, type ProgressPage } from './progress-page.ts';
import { isDone } from './step-groups.ts';

const SHOWN_MAX = 20;
const WAITING = new Set(['waiting', 'admitted', 'sleeping']);
/** They wait for all of the plan's own steps. */
const AT_END = new Set(['integrate', 'publish']);
/** They wait for the plan's end, or for their hour, as they should. */
const AFTERWARDS = new Set(['clean', 'report']);

/**
 * What keeps the plan from going on that is not the plan itself: a time, a worker, a lock, a cap, a backoff. Steps that
 * wait for others of their plan are left out. Most steps first.
 */
export function waitLines(page: ProgressPage): string[] {
  if (page.plan.status !== 'running') return [];
  const open = openGroups(page);
  const waits = new Map<string, StepView[]>();
  for (const step of page.steps) {
    if (!WAITING.has(step.state) || !isItsTurn(page, step, open)) continue;
    const why = whyOf(page, step);
    if (why === null) continue;
    const same = waits.get(why);
    if (same) same.push(step);
    else waits.set(why, [step]);
  }
  const sorted = [...waits].sort(([, one], [, other]) => other.length - one.length);
  const lines = sorted.slice(0, SHOWN_MAX).map(([why, steps]) => {
    const first = page.nameOf(steps[0]!);
    const who = steps.length === 1 ? first : `${countOf(steps.length, 'step')}, the first is ${first}`;
    return `- ${who}: ${why}`;
  });
  return withRest(lines, sorted.length);
}

/** Names of the groups that have something left to do. */
function openGroups({ groups }: ProgressPage): Set<string> {
  const open = [...groups.values()].filter(({ steps }) => !steps.every(isDone));
  return new Set(open.map(({ name }) => name));
}

/** Everything that it needs of its own plan is done. */
function isItsTurn({ groups }: ProgressPage, step: StepView, open: ReadonlySet<string>): boolean {
  if (AFTERWARDS.has(step.kind)) return false;
  if (!AT_END.has(step.kind)) return step.needs.every((need) => groups.has(need) && !open.has(need));
  return [...open].every((name) => {
    const { kind } = groups.get(name)!.steps[0]!;
    return AT_END.has(kind) || AFTERWARDS.has(kind);
  });
}

/** As markdown. null: nobody knows. */
function whyOf({ nowMs, waits }: ProgressPage, step: StepView): string | null {
  const untilMs = step.notBefore === null ? null : Date.parse(step.notBefore);
  if (step.state === 'sleeping' && untilMs !== null) return `its time, ${timer(untilMs, nowMs)}`;
  const told = waits[formatOrdinal(step.ordinal)];
  if (told !== undefined) return sentence(prose(told));
  if (untilMs !== null && untilMs > nowMs) return `its next try, ${timer(untilMs, nowMs)}`;
  return step.state === 'admitted' ? 'a free worker.' : null;
}

function timer(untilMs: number, nowMs: number): string {
  const left = untilMs > nowMs ? ` (in ${roughDuration(untilMs - nowMs)})` : '';
  return `${instant(new Date(untilMs).toISOString())}${left}.`;
}
