/**
 * What can be known of a plan text that may be wrong in any place: enough to check names, needs and work although
 * something else is wrong too, so that all problems are reported at once.
 */
export interface PlanOutline {
  /** There is a list of steps, and nothing in it. */
  isEmpty: boolean;
  hasRepo: boolean;
  base: string | null;
  integrate: unknown;
  baseline: unknown;
  progress: unknown;
  /** Index in this list is index in the text. */
  steps: StepOutline[];
}

export interface StepOutline {
  name: string | null;
  needs: (string | null)[];
  keys: ReadonlySet<string>;
  run: Readonly<Record<string, unknown>> | null;
  codemod: Readonly<Record<string, unknown>> | null;
  agent: Readonly<Record<string, unknown>> | null;
  matrix: Readonly<Record<string, unknown>> | null;
  /** How many steps it becomes, as far as the text says; a glob or what is decided at run time counts as one. */
  count: number;
}

export function outlinePlan(value: unknown): PlanOutline {
  const plan = mapOf(value) ?? {};
  const repo = plan['repo'];
  const steps = plan['steps'];
  return {
    isEmpty: Array.isArray(steps) && steps.length === 0,
    hasRepo: repo !== undefined && repo !== null,
    base: textOf(mapOf(repo)?.['base']),
    integrate: plan['integrate'],
    baseline: plan['baseline'],
    progress: plan['progress'],
    steps: listOf(steps).map(outlineStep),
  };
}

function outlineStep(value: unknown): StepOutline {
  const step = mapOf(value) ?? {};
  const matrix = step['matrix'];
  const values = Array.isArray(matrix) ? matrix : mapOf(matrix)?.['values'];
  return {
    name: textOf(step['name']),
    needs: listOf(step['needs']).map(textOf),
    keys: new Set(Object.keys(step)),
    run: mapOf(step['run']),
    codemod: mapOf(step['codemod']),
    agent: mapOf(step['agent']),
    matrix: mapOf(matrix),
    count: Math.max(1, listOf(values).length),
  };
}

export function mapOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
