import { findCycles } from './cycles.ts';
import type { PlanOutline, StepOutline } from './outline.ts';
import { show, type UnplacedProblem } from './problem.ts';
import { didYouMean } from './suggestion.ts';

/** Steps that every repository plan gets from us, by these names. */
const RESERVED_NAMES = ['resolve', 'integrate', 'publish', 'clean'] as const;
const CYCLES_REPORTED_MAX = 10;
const CYCLE_NAMES_SHOWN_MAX = 12;
/** Comparing an unknown need with every name costs; past this many it is not what helps. */
const SUGGESTIONS_MAX = 50;

/** What is wrong with the plan as a graph. Linear in steps and needs. */
export function graphProblems(plan: PlanOutline, stepsMax: number): UnplacedProblem[] {
  const byName = firstByName(plan.steps);
  return [
    ...countProblems(plan, stepsMax),
    ...nameProblems(plan, byName),
    ...needProblems(plan.steps, byName),
    ...cycleProblems(plan.steps, byName),
  ];
}

function countProblems(plan: PlanOutline, stepsMax: number): UnplacedProblem[] {
  const count = plan.steps.reduce((sum, step) => sum + step.count, 0);
  return count > stepsMax
    ? [
        {
          code: 'too-many-steps',
          message: `the plan has ${count} steps; at most ${stepsMax} are taken`,
          path: ['steps'],
          atKey: true,
        },
      ]
    : [];
}

function firstByName(steps: readonly StepOutline[]): Map<string, number> {
  const byName = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    if (step.name !== null && !byName.has(step.name)) byName.set(step.name, index);
  }
  return byName;
}

/** Two came later than the format: only a plan that asks for them has them. */
function reservedNames({ baseline, progress }: PlanOutline): ReadonlySet<string> {
  const asked = [
    ...(baseline === undefined ? [] : ['baseline']),
    ...(progress === undefined ? [] : ['report']),
  ];
  return new Set([...RESERVED_NAMES, ...asked]);
}

function nameProblems(plan: PlanOutline, byName: Map<string, number>): UnplacedProblem[] {
  const reserved = reservedNames(plan);
  return plan.steps.flatMap(({ name }, index): UnplacedProblem[] => {
    if (name === null) return [];
    const path = ['steps', index, 'name'];
    if (reserved.has(name)) {
      return [
        {
          code: 'reserved-name',
          message: `\`${name}\` is the name of a step that the plan gets from Skein`,
          path,
        },
      ];
    }
    const first = byName.get(name)!;
    return first === index
      ? []
      : [{ code: 'duplicate-name', message: `steps[${first}] is named ${show(name)} too`, path }];
  });
}

function needProblems(steps: readonly StepOutline[], byName: Map<string, number>): UnplacedProblem[] {
  const names = [...byName.keys()];
  let suggestions = 0;
  return steps.flatMap((step, index) => {
    const seen = new Set<string>();
    return step.needs.flatMap((need, at): UnplacedProblem[] => {
      if (need === null) return [];
      const path = ['steps', index, 'needs', at];
      if (seen.has(need)) return [{ code: 'duplicate-need', message: `${show(need)} is there twice`, path }];
      seen.add(need);
      if (need === step.name) return [{ code: 'self-need', message: 'the step needs itself', path }];
      if (byName.has(need)) return [];
      const hint = suggestions++ < SUGGESTIONS_MAX ? suggestNeed(need, names) : null;
      return [
        { code: 'unknown-need', message: `no step is named ${show(need)}`, path, ...(hint ? { hint } : {}) },
      ];
    });
  });
}

function suggestNeed(need: string, names: readonly string[]): string | null {
  const whole = /^([^[]+)\[.*\]$/.exec(need)?.[1];
  if (whole !== undefined && names.includes(whole)) return `a need names the whole matrix: \`${whole}\``;
  const nearest = didYouMean(need, names);
  return nearest ? `did you mean ${show(nearest)}?` : null;
}

function cycleProblems(steps: readonly StepOutline[], byName: Map<string, number>): UnplacedProblem[] {
  const needs = steps.map((step, index) =>
    step.needs
      .map((need) => (need === null ? undefined : byName.get(need)))
      .filter((to) => to !== undefined && to !== index),
  ) as number[][];
  return findCycles(needs)
    .slice(0, CYCLES_REPORTED_MAX)
    .map((cycle) => wordCycle(cycle, steps, byName));
}

function wordCycle(
  cycle: number[],
  steps: readonly StepOutline[],
  byName: Map<string, number>,
): UnplacedProblem {
  const names = cycle.map((index) => plain(steps[index]!.name!));
  const shown =
    names.length > CYCLE_NAMES_SHOWN_MAX
      ? [...names.slice(0, CYCLE_NAMES_SHOWN_MAX), `... ${names.length - CYCLE_NAMES_SHOWN_MAX} more ...`]
      : names;
  const first = cycle[0]!;
  const second = cycle[1] ?? first;
  const at = steps[first]!.needs.findIndex((need) => need !== null && byName.get(need) === second);
  return {
    code: 'cycle',
    message: `these steps wait for each other: ${[...shown, names[0]].join(' needs ')}`,
    path: ['steps', first, 'needs', at],
  };
}

function plain(name: string): string {
  return /^[A-Za-z0-9._-]{1,64}$/.test(name) ? name : show(name);
}
