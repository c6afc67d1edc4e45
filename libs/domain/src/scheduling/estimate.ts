/**
 * What is left of a plan, judged by nothing but the steps that it has finished: how long they took, and how many of
 * them went side by side. No data, no estimate.
 */

/** A step as far as its time goes. Times are milliseconds since the epoch. */
export interface StepTime {
  /** The step as defined, before its matrix: steps of one group take about as long as each other. */
  group: string;
  /** Where a group has finished nothing yet, others of its kind say how long it may take. */
  kind: string;
  /** `open`: everything is ahead of it. `sleeping` ends by the clock alone. */
  phase: 'open' | 'running' | 'sleeping' | 'ended';
  /** Groups that it needs. */
  needs: readonly string[];
  startedMs: number | null;
  endedMs: number | null;
  /** When a sleeping step wakes. */
  untilMs: number | null;
}

export interface Estimate {
  leftMs: number;
  /** Something is left of which no finished step tells how long it takes: the rest takes at least this. */
  atLeast: boolean;
}

/** `about 4 min left`, `at least 2 h 10 min left`: no more digits than an estimate has. */
export function describeEstimate({ leftMs, atLeast }: Estimate): string {
  return `${atLeast ? 'at least' : 'about'} ${roughDuration(leftMs)} left`;
}

/** 3 s, 40 s, 4 min, 2 h 10 min, 3 days 4 h. */
export function roughDuration(ms: number): string {
  if (ms < 9_500) return `${Math.max(1, Math.round(ms / 1_000))} s`;
  const seconds = Math.round(ms / 5_000) * 5;
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const tens = Math.round(ms / 600_000);
  if (tens < 24 * 6) return joined([Math.floor(tens / 6), 'h'], [(tens % 6) * 10, 'min']);
  const hours = Math.round(ms / 3_600_000);
  const days = Math.floor(hours / 24);
  return joined([days, days === 1 ? 'day' : 'days'], [hours % 24, 'h']);
}

function joined([whole, unit]: [number, string], [rest, smaller]: [number, string]): string {
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smaller}`;
}

/** How many of the newest finished steps tell how much goes side by side now. */
const RECENT = 64;

/**
 * At least the longest chain of needs, and at least the work that is left over what goes side by side. null: nothing
 * is finished yet, what runs has taken longer than any before, or nothing is under way (then a person or a worker is
 * waited for, and no data tells how long).
 */
export function estimateLeft(steps: Iterable<StepTime>, now: number): Estimate | null {
  const plan = measure(steps);
  if (plan.running === 0 && plan.sleeping === 0) return null;
  let workMs = 0;
  let unknown = false;
  const leftOf = new Map<string, number>();
  for (const group of plan.groups.values()) {
    const work = groupWork(group, plan.byKind, now);
    workMs += work.totalMs;
    unknown ||= work.unknown;
    leftOf.set(group.name, work.longestMs);
  }
  const leftMs = Math.max(longestChain(plan.groups, leftOf), workMs / sideBySide(plan.recent));
  return leftMs > 0 ? { leftMs, atLeast: unknown } : null;
}

interface Times {
  count: number;
  totalMs: number;
}

interface Group {
  name: string;
  kind: string;
  needs: Set<string>;
  open: number;
  startedMs: number[];
  untilMs: number | null;
  finished: Times;
}

interface Measured {
  groups: Map<string, Group>;
  byKind: Map<string, Times>;
  /** Of the steps that ended last, oldest end first. */
  recent: Span[];
  running: number;
  sleeping: number;
}

interface Span {
  fromMs: number;
  toMs: number;
}

/** Steps that Skein itself adds take next to no time, but for the integration, of which nothing is known before it. */
const UNCOUNTED = new Set(['resolve', 'baseline', 'integrate', 'publish', 'report', 'clean']);

function measure(steps: Iterable<StepTime>): Measured {
  const plan: Measured = { groups: new Map(), byKind: new Map(), recent: [], running: 0, sleeping: 0 };
  for (const step of steps) {
    if (UNCOUNTED.has(step.kind)) continue;
    const group = groupOf(plan.groups, step);
    if (step.phase === 'open') group.open += 1;
    else if (step.phase === 'sleeping') {
      plan.sleeping += 1;
      group.untilMs = Math.max(group.untilMs ?? 0, step.untilMs ?? 0);
    } else if (step.phase === 'running') {
      plan.running += 1;
      if (step.startedMs !== null) group.startedMs.push(step.startedMs);
    } else finished(plan, group, step);
  }
  return plan;
}

function groupOf(groups: Map<string, Group>, step: StepTime): Group {
  let group = groups.get(step.group);
  if (!group) {
    const { group: name, kind } = step;
    const finished = { count: 0, totalMs: 0 };
    group = { name, kind, needs: new Set(), open: 0, startedMs: [], untilMs: null, finished };
    groups.set(name, group);
  }
  for (const need of step.needs) group.needs.add(need);
  return group;
}

function finished(plan: Measured, group: Group, { startedMs, endedMs, kind }: StepTime): void {
  // What was skipped or cancelled before it began says nothing, and a wait took what it was told to take.
  if (startedMs === null || endedMs === null || kind === 'wait') return;
  const span = { fromMs: startedMs, toMs: Math.max(endedMs, startedMs + 1) };
  add(group.finished, span);
  const times = plan.byKind.get(kind) ?? { count: 0, totalMs: 0 };
  plan.byKind.set(kind, times);
  add(times, span);
  keepRecent(plan.recent, span);
}

function add(times: Times, { fromMs, toMs }: Span): void {
  times.count += 1;
  times.totalMs += toMs - fromMs;
}

/** Sorted by end. Most steps come in another order than they ended, so a place is looked for from the newest. */
function keepRecent(recent: Span[], span: Span): void {
  if (recent.length === RECENT && span.toMs <= recent[0]!.toMs) return;
  let place = recent.length;
  while (place > 0 && recent[place - 1]!.toMs > span.toMs) place -= 1;
  recent.splice(place, 0, span);
  if (recent.length > RECENT) recent.shift();
}

/** All work of a group, and the longest that one of its steps still takes. */
function groupWork(
  group: Group,
  byKind: Map<string, Times>,
  now: number,
): { totalMs: number; longestMs: number; unknown: boolean } {
  const times = group.finished.count > 0 ? group.finished : byKind.get(group.kind);
  const asleepMs = group.untilMs === null ? 0 : Math.max(0, group.untilMs - now);
  const left = group.open + group.startedMs.length;
  if (!times) return { totalMs: 0, longestMs: asleepMs, unknown: left > 0 };
  const typicalMs = times.totalMs / times.count;
  let totalMs = group.open * typicalMs;
  let longestMs = group.open > 0 ? typicalMs : 0;
  for (const startedMs of group.startedMs) {
    const restMs = Math.max(0, typicalMs - (now - startedMs));
    totalMs += restMs;
    longestMs = Math.max(longestMs, restMs);
  }
  return { totalMs, longestMs: Math.max(longestMs, asleepMs), unknown: false };
}

/**
 * How many steps went on at once lately. Pauses between them count as long as a step at most: a night without workers
 * is no measure of tomorrow.
 */
function sideBySide(recent: Span[]): number {
  if (recent.length === 0) return 1;
  const totalMs = recent.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const pauseMsMax = totalMs / recent.length;
  let wallMs = 0;
  let reachedMs: number | null = null;
  for (const { fromMs, toMs } of recent.toSorted((one, other) => one.fromMs - other.fromMs)) {
    if (reachedMs !== null) wallMs += Math.min(pauseMsMax, Math.max(0, fromMs - reachedMs));
    wallMs += Math.max(0, toMs - Math.max(fromMs, reachedMs ?? fromMs));
    reachedMs = Math.max(reachedMs ?? toMs, toMs);
  }
  return totalMs / wallMs;
}

/** The slowest way through the needs. Their graph has no cycle; a need that is not there takes no time. */
function longestChain(groups: Map<string, Group>, leftOf: Map<string, number>): number {
  const done = new Map<string, number>();
  const entered = new Set<string>();
  // Not by recursion: a chain may be a hundred thousand groups long.
  const path = [...groups.keys()];
  while (path.length > 0) {
    const current = path.at(-1)!;
    const needs = done.has(current) ? [] : [...(groups.get(current)?.needs ?? [])];
    if (!done.has(current) && !entered.has(current)) {
      entered.add(current);
      path.push(...needs.filter((need) => !entered.has(need)));
      continue;
    }
    if (!done.has(current)) {
      const before = needs.reduce((longest, need) => Math.max(longest, done.get(need) ?? 0), 0);
      done.set(current, before + (leftOf.get(current) ?? 0));
    }
    path.pop();
  }
  return [...done.values()].reduce((longest, ms) => Math.max(longest, ms), 0);
}
