import type { StepDefinition } from '#domain';

/** Where a step stands in the tree: below the need that is met last, as far as the plan's text can say. */
export interface Place {
  /** Index into the steps. */
  index: number;
  children: Place[];
  /** Needs that the tree's shape does not show. */
  otherNeeds: string[];
}

/**
 * Makes a tree of the DAG. A step is below its deepest need, of several the last in the text; the others are named
 * beside it. Costs what the steps and needs are; a chain of any length needs no depth of calls.
 */
export function placeSteps(steps: readonly StepDefinition[]): Place[] {
  const indexOf = new Map(steps.map(({ name }, index) => [name, index]));
  const needs = steps.map((step) => step.needs.flatMap((name) => indexOf.get(name) ?? []));
  const depth = depthsOf(needs);
  const places = steps.map((_, index): Place => ({ index, children: [], otherNeeds: [] }));
  const roots: Place[] = [];
  for (const [index, place] of places.entries()) {
    const [parent, ...others] = needs[index]!.toSorted((a, b) => depth[b]! - depth[a]! || b - a);
    place.otherNeeds = others.sort((a, b) => a - b).map((need) => steps[need]!.name);
    (parent === undefined ? roots : places[parent]!.children).push(place);
  }
  return roots;
}

/** Longest way from a step without needs. The plan was checked: there is no cycle. */
function depthsOf(needs: readonly number[][]): number[] {
  const dependants = needs.map((): number[] => []);
  const open = needs.map(({ length }) => length);
  for (const [index, list] of needs.entries()) for (const need of list) dependants[need]!.push(index);
  const depth = needs.map(() => 0);
  const ready = open.flatMap((count, index) => (count === 0 ? [index] : []));
  for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
    for (const dependant of dependants[index]!) {
      depth[dependant] = Math.max(depth[dependant]!, depth[index]! + 1);
      open[dependant]! -= 1;
      if (open[dependant] === 0) ready.push(dependant);
    }
  }
  return depth;
}
