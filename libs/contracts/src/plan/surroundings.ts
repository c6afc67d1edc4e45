import type { ExpressionScope } from '#domain';
import type { ExpressionSite, MatrixSite, NeedSite } from '../expressions/site.ts';
import type { ParamValues } from './params.ts';
import { isMap, type Placed } from './placed.ts';

/** What expressions can be at one place of the plan: of one step, of the integration, of the plan as a whole. */
export interface Surroundings {
  /** For what is replaced when a step's needs are met. */
  late: ExpressionSite;
  /** For what is replaced now. */
  early: ExpressionSite;
  /** The values of what is known now; a param that has none yet is in none. */
  scope: Partial<ExpressionScope>;
}

const EARLY = {
  roots: ['params', 'with'],
  why: 'only params and `with` are known when the plan is submitted',
} as const;

export function aroundPlan({ names, values }: ParamValues): Surroundings {
  const site: ExpressionSite = {
    params: names,
    with: null,
    needs: null,
    matrix: 'none',
    only: { roots: ['params', 'plan'], why: 'it belongs to no step' },
    isStep: () => false,
  };
  const early = {
    ...site,
    only: { roots: ['params'] as const, why: 'only params are known when the plan is submitted' },
  };
  return { late: site, early, scope: { params: values, with: {} } };
}

export function aroundStep(
  { names, values }: ParamValues,
  step: Placed,
  sites: ReadonlyMap<string, NeedSite>,
): Surroundings {
  const value = step.value as Record<string, unknown>;
  const given = isMap(value['with']) ? Object.keys(value['with']) : [];
  const late: ExpressionSite = {
    params: names,
    with: given,
    needs: needsOf(value['needs'], sites),
    matrix: 'matrix' in value ? (matrixSite(value['matrix']) ?? 'any') : 'none',
    only: null,
    isStep: (name) => sites.has(name),
  };
  return { late, early: { ...late, only: EARLY }, scope: { params: values, with: {} } };
}

export function aroundTemplate({ names, values }: ParamValues): Surroundings {
  const late: ExpressionSite = {
    params: names,
    with: null,
    needs: null,
    matrix: 'any',
    only: null,
    isStep: () => false,
  };
  return { late, early: { ...late, only: EARLY }, scope: { params: values } };
}

/** What each step gives to those that need it, as far as the text says. */
export function sitesOf(steps: readonly Placed[]): Map<string, NeedSite> {
  const sites = new Map<string, NeedSite>();
  for (const { value } of steps) {
    if (!isMap(value) || typeof value['name'] !== 'string' || sites.has(value['name'])) continue;
    sites.set(value['name'], {
      matrix: 'matrix' in value ? matrixSite(value['matrix']) : null,
      outputs: outputsOf(value['outputs']),
    });
  }
  return sites;
}

function outputsOf(outputs: unknown): string[] | null {
  if (outputs === undefined) return [];
  if (!Array.isArray(outputs)) return null;
  return (outputs as unknown[]).filter((name) => typeof name === 'string');
}

/** null: too wrong to say. */
function matrixSite(matrix: unknown): MatrixSite | null {
  if (Array.isArray(matrix) || typeof matrix === 'string') return 'value';
  if (!isMap(matrix)) return null;
  return 'from' in matrix ? 'item' : 'glob' in matrix ? 'files' : 'values' in matrix ? 'value' : null;
}

function needsOf(needs: unknown, sites: ReadonlyMap<string, NeedSite>): ReadonlyMap<string, NeedSite> | null {
  if (needs === undefined) return new Map();
  if (!Array.isArray(needs)) return null;
  const known = (needs as unknown[]).flatMap((name): [string, NeedSite][] => {
    // A need that does not exist is told of as such.
    if (typeof name !== 'string') return [];
    return [[name, sites.get(name) ?? { matrix: null, outputs: null }]];
  });
  return new Map(known);
}
