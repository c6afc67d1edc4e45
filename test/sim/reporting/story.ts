import type { StepDefinition } from '#domain';
import type { PlannedPlan } from '../plans/planned-plan.ts';
import type { Scenario } from '../plans/scenario.ts';
import { run } from '../run.ts';
import { FAULT_KINDS } from '../faults/fault.ts';
import {
  EXPECTED_ANSWERS,
  EXPECTED_EVENTS,
  EXPECTED_STORE_FAULTS,
  EXPECTED_TRANSITIONS,
  type Coverage,
} from './coverage.ts';
import { Timeline } from './timeline.ts';

const LINES_MAX = 150;

export interface Story {
  text: string;
  /** Of what happened. */
  lines: number;
  /** Which promise broke; null: none did. */
  promise: string | null;
}

/** A scenario and what becomes of it, for people. */
export async function storyOf(scenario: Scenario, verbose: boolean): Promise<Story> {
  const timeline = new Timeline();
  const { violation } = await run(scenario, timeline);
  const lines = timeline
    .render({ depth: verbose ? 3 : 2, planId: verbose ? null : (violation?.planId ?? null) })
    .split('\n');
  const cut = Math.max(0, lines.length - (verbose ? Infinity : LINES_MAX));
  const text = [
    ...fleetLines(scenario),
    ...scenario.plans.flatMap(planLines),
    ...scenario.changes.map(({ atMs, limits }) => `somebody: limits ${JSON.stringify(limits)} at ${atMs} ms`),
    '',
    ...(cut > 0 ? [`(${cut} lines before these: --verbose)`] : []),
    ...lines.slice(cut),
    ...(violation ? ['', `BROKEN: ${violation.promise}: ${violation.message}`] : []),
  ].join('\n');
  return { text, lines: lines.length, promise: violation?.promise ?? null };
}

export function coverageLines(coverage: Coverage): string[] {
  const table = (title: string, seen: Map<string, number>, expected: readonly string[]): string[] => {
    const names = [...new Set([...expected, ...[...seen.keys()].sort()])];
    return [`\n${title}`, ...names.map((name) => `${String(seen.get(name) ?? 0).padStart(9)}  ${name}`)];
  };
  return [
    ...table('events', coverage.events, EXPECTED_EVENTS),
    ...table('transitions', coverage.transitions, EXPECTED_TRANSITIONS),
    ...table('answers', coverage.answers, EXPECTED_ANSWERS),
    ...table('faults', coverage.faults, [...FAULT_KINDS, ...EXPECTED_STORE_FAULTS]),
    ...table('sights', coverage.sights, []),
  ];
}

function fleetLines({ settings, replicas, workers }: Scenario): string[] {
  const { leaseMs, ttlMs, claimTimeoutMs, caps } = settings;
  return [
    `lease ${leaseMs} ms, term ${ttlMs} ms, claim timeout ${claimTimeoutMs} ms, caps ${JSON.stringify(caps)}`,
    `replicas: ${replicas.map(({ name, drift }) => `${name}${driftOf(drift)}`).join(', ')}`,
    `workers: ${workers.map(({ name, drift, pools, slots }) => `${name} (${pools.join(' ')}; ${slots} slots)${driftOf(drift)}`).join(', ')}`,
  ];
}

function driftOf({ rate, offsetMs }: { rate: number; offsetMs: number }): string {
  return rate === 1 && offsetMs === 0 ? '' : ` [clock x${rate.toFixed(3)} ${offsetMs} ms off]`;
}

function planLines({ planId, tenant, definition, behaviours, operations }: PlannedPlan): string[] {
  const { maxLeases, maxParallel, deadline, locks, repo, integrate, baseline, progress } = definition;
  const frame = {
    maxLeases,
    maxParallel,
    deadline,
    locks,
    repo: repo?.url,
    integrate: integrate?.branch,
    baseline: baseline?.onRed,
    progress: progress?.everyMs,
  };
  return [
    `plan ${planId} of ${tenant} ${JSON.stringify(frame)}`,
    ...definition.steps.map((step) => `  ${stepLine(step, behaviours[step.name])}`),
    ...operations.map(({ verb, afterMs }) => `  somebody: ${verb} after ${afterMs} ms`),
  ];
}

function stepLine(
  { name, needs, when, matrix, work, locks, pool, attempts }: StepDefinition,
  behaviour: object | undefined,
): string {
  const parts = [
    `${name}: ${work.kind}${work.kind === 'wait' ? ` ${JSON.stringify(work.until)}` : ''}`,
    needs.length > 0 ? `needs ${needs.join(' ')}` : '',
    when === null ? '' : `when ${when}`,
    matrix ? `matrix ${JSON.stringify(matrix)}` : '',
    locks.length > 0 ? `locks ${locks.join(' ')}` : '',
    pool === 'default' ? '' : `pool ${pool}`,
    `attempts ${attempts}`,
    JSON.stringify(behaviour),
  ];
  return parts.filter((part) => part !== '').join(', ');
}
