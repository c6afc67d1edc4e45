import { BEYOND_LEASE_MS, isDense } from '../faults/fault-plan.ts';
import type { FaultsDone } from '../faults/fault-runner.ts';
import type { Submitted } from '../load/submitting.ts';
import type { Judged } from '../oracle/judging.ts';
import { longestForOnePlan } from '../oracle/plan-timeline.ts';

export interface Report {
  seed: number;
  minutes: number;
  plans: number;
  plansByEnd: Record<string, number>;
  plansByShape: Record<string, number>;
  steps: number;
  attempts: number;
  faults: number;
  faultsByKind: Record<string, number>;
  /** Kinds that this machine could not do. */
  faultsLeftOut: string[];
  poisonKills: number;
  leasesLost: number;
  lateResults: number;
  /** As far as they were read before a coordinator died. */
  repairs: number;
  repairsByKind: Record<string, number>;
  terms: number;
  operatorRetries: number;
  /** Programs that ended without being told to; they were started again. */
  ownEnds: Record<string, string[]>;
  /** From the end of a round of faults to the next claim, attempt or result anywhere; null: no round was followed by one. */
  longestToProgressMs: number | null;
  /** The same for the slowest single plan of those that had a step under way; null: there were none. */
  longestToProgressOfAPlanMs: number | null;
  goalMs: number;
  /** From the end of all faults until every plan was closed. */
  settledMs: number;
  violations: string[];
}

export interface Told {
  seed: number;
  minutes: number;
  leaseMs: number;
  plans: Submitted[];
  done: FaultsDone;
  leftOut: string[];
  poisonKills: number;
  repairsByKind: Record<string, number>;
  terms: number;
  ownEnds: Record<string, string[]>;
  settledMs: number;
  judged: Judged;
}

export function makeReport(t: Told): Report {
  const replays = [...t.judged.replays.values()];
  const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);
  return {
    seed: t.seed,
    minutes: t.minutes,
    plans: t.plans.length,
    plansByEnd: tally(replays.map(({ status }) => status ?? 'unknown')),
    plansByShape: tally(t.plans.map(({ shape }) => shape.name)),
    steps: sum(replays.map(({ steps }) => steps.size)),
    attempts: sum(replays.map(({ attempts }) => attempts)),
    faults: sum(Object.values(t.done.byKind)),
    faultsByKind: t.done.byKind,
    faultsLeftOut: t.leftOut,
    poisonKills: t.poisonKills,
    leasesLost: sum(replays.map(({ leasesLost }) => leasesLost)),
    lateResults: sum(replays.map(({ lateResults }) => lateResults)),
    repairs: sum(Object.values(t.repairsByKind)),
    repairsByKind: t.repairsByKind,
    terms: t.terms,
    operatorRetries: sum(t.plans.map(({ retries }) => retries)),
    ownEnds: t.ownEnds,
    longestToProgressMs: longestToProgress(t.done.roundEnds, t.judged.progress),
    longestToProgressOfAPlanMs: longestForOnePlan(t.done.roundEnds, t.judged.timelines),
    goalMs: t.leaseMs + BEYOND_LEASE_MS,
    settledMs: t.settledMs,
    violations: [...t.judged.violations, ...tooSlow(t)],
  };
}

/** A busy machine gets the goal twice. */
function tooSlow(t: Told): string[] {
  const longestMs = longestToProgress(t.done.roundEnds, t.judged.progress) ?? 0;
  const limitMs = 2 * (t.leaseMs + BEYOND_LEASE_MS);
  if (isDense(t.minutes * 60_000) || longestMs <= limitMs) return [];
  return [`nothing moved for ${longestMs} ms after a round of faults; the limit is ${limitMs} ms`];
}

/** All times in milliseconds since the epoch, ascending. A round that nothing ever followed is left to other checks. */
export function longestToProgress(roundEnds: number[], progress: number[]): number | null {
  const waits = roundEnds.flatMap((end) => {
    const next = progress.find((at) => at >= end);
    return next === undefined ? [] : [next - end];
  });
  return waits.length === 0 ? null : Math.max(...waits);
}

/** For people; the last line is for programs. */
export function printReport(r: Report): string {
  const pairs = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const lines = [
    `plans            ${r.plans} (${pairs(r.plansByEnd)})`,
    `shapes           ${pairs(r.plansByShape)}`,
    `steps            ${r.steps}, attempts ${r.attempts}`,
    `faults           ${r.faults} (${pairs(r.faultsByKind)})`,
    ...(r.faultsLeftOut.length > 0
      ? [`left out         ${r.faultsLeftOut.join(', ')}: not possible here`]
      : []),
    `poison           ${r.poisonKills} workers killed by a step that kills its worker`,
    `leases lost      ${r.leasesLost}`,
    `late results     ${r.lateResults}, recorded and not applied`,
    `repairs          ${r.repairs} (${pairs(r.repairsByKind)})`,
    `terms            ${r.terms}`,
    `operator retries ${r.operatorRetries}`,
    `own ends         ${
      Object.entries(r.ownEnds)
        .map(([name, ends]) => `${name} ${ends.length}`)
        .join(', ') || 'none'
    }`,
    `to progress      ${r.longestToProgressMs === null ? 'unknown' : `${r.longestToProgressMs} ms`} at most after a round of faults (goal ${r.goalMs} ms)`,
    `  of one plan    ${r.longestToProgressOfAPlanMs === null ? 'unknown' : `${r.longestToProgressOfAPlanMs} ms`} at most, of those with a step under way`,
    `settled          ${r.settledMs} ms after the last fault`,
    ...r.violations.map((violation) => `VIOLATED         ${violation}`),
    r.violations.length === 0 ? 'every promise held' : `${r.violations.length} violations`,
    JSON.stringify(r),
  ];
  return `${lines.join('\n')}\n`;
}

function tally(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
