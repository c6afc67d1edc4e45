import type { JsonValue } from '#domain';
import type { NeedSite } from '../expressions/site.ts';
import { ExpressionPass, holdsExpressions } from './expression-pass.ts';
import { below, type KeyNode, planKeys } from './key-tree.ts';
import { type ParamValues, paramValues } from './params.ts';
import { isMap, partOf, type Placed, PlacedMap } from './placed.ts';
import type { PlanProblem, TextPath, UnplacedProblem } from './problem.ts';
import { type Layer, mergeStep } from './step-merging.ts';
import { aroundPlan, aroundStep, aroundTemplate, sitesOf } from './surroundings.ts';
import { includedTemplates, readTemplates, type TemplateLibrary, templatesMap } from './template-library.ts';
import type { Place } from './text-tree.ts';
import { writtenSize } from './written-size.ts';

/** What is given beside a plan text. */
export interface GivenBeside {
  /** Values of params, as they came: a client may have sent anything. */
  params: Readonly<Record<string, unknown>>;
  /** Texts of the files that `templateFiles` names, by the names there. */
  files: Readonly<Record<string, string>>;
}

export interface ResolutionOptions extends GivenBeside {
  /** Characters that the plan may have once aliases and templates are written out where they are used. */
  maxWritten: number;
}

/** A plan with its templates and defaults merged into its steps, and all replaced that can be at submission. */
export interface ResolvedPlan extends Placed {
  params: ParamValues['values'];
  /** Templates and defaults as such, for what is wrong in those that no step takes over. */
  shared: Placed;
  problems: UnplacedProblem[];
  /** Of files of templates that could not be read. */
  placed: PlanProblem[];
  filePlaces: ReadonlyMap<string, Place>;
  /** Then it is not worth looking at what it holds. */
  isTooLarge: boolean;
  /** An expression there was told of already: what it would have been cannot be judged. */
  isUnsettled: (path: TextPath) => boolean;
}

/** Keys that are gone once they have been merged into the steps. */
const SHARED_KEYS = ['templates', 'defaults'] as const;

/** Never throws, whatever the text and the files hold. Linear in the text, times what templates add to each step. */
export function resolvePlan(plan: Placed, options: ResolutionOptions): ResolvedPlan {
  return new Resolution(plan, options).resolve();
}

class Resolution {
  readonly #pass = new ExpressionPass();
  readonly #problems: UnplacedProblem[] = [];
  readonly #params: ParamValues;
  readonly #library: TemplateLibrary;
  readonly #defaults: Layer | null;
  readonly #keys = planKeys();
  readonly #sizes = new Map<Layer, number>();
  #left: number;

  constructor(
    private readonly plan: Placed,
    private readonly options: ResolutionOptions,
  ) {
    this.#params = paramValues(partOf(plan, 'params')?.value, options.params);
    this.#library = readTemplates(plan, options.files);
    this.#left = options.maxWritten - writtenSize(plan.value, options.maxWritten);
    const defaults = partOf(plan, 'defaults');
    this.#defaults = defaults && { part: defaults, file: null, path: ['defaults'] };
  }

  resolve(): ResolvedPlan {
    if (this.#left < 0) return this.#tooLarge();
    const resolved = isMap(this.plan.value) ? this.#resolved(this.plan.value) : this.plan;
    if (this.#left < 0) return this.#tooLarge();
    const shared = this.#shared();
    // Problems of shared parts are found there, too.
    const entries = new Map([...(resolved.place.entries ?? []), ...(shared.place.entries ?? [])]);
    return {
      value: resolved.value,
      place: { ...resolved.place, entries },
      params: this.#params.values,
      shared,
      problems: [
        ...this.#params.problems,
        ...this.#library.problems,
        ...this.#problems,
        ...this.#pass.problems,
      ],
      placed: this.#library.placed,
      filePlaces: this.#library.files,
      isTooLarge: false,
      isUnsettled: (path) => this.#pass.isUnsettled(path),
    };
  }

  /** Nothing more is looked at: every look costs as much as the plan is large. */
  #tooLarge(): ResolvedPlan {
    const message = `written out, with its aliases, templates and defaults, the plan has more than ${this.options.maxWritten} characters`;
    return {
      ...this.plan,
      params: {},
      shared: new PlacedMap(this.plan.place.start).done(),
      problems: [{ code: 'text-too-large', message, path: [] }],
      placed: [],
      filePlaces: this.#library.files,
      isTooLarge: true,
      isUnsettled: () => true,
    };
  }

  #resolved(plan: Record<string, unknown>): Placed {
    const resolved = new PlacedMap(this.plan.place.start);
    for (const key of Object.keys(plan)) {
      if (SHARED_KEYS.some((one) => one === key)) continue;
      const part = partOf(this.plan, key)!;
      const keyStart = this.plan.place.entries?.get(key)?.keyStart ?? this.plan.place.start;
      resolved.set(key, this.#resolvedKey(key, part), keyStart);
    }
    return resolved.done();
  }

  #resolvedKey(key: string, part: Placed): Placed {
    if (key === 'steps') return this.#steps(part);
    const node = below(this.#keys, key);
    if (!node) return part;
    return this.#pass.settle(part, node, [key], aroundPlan(this.#params));
  }

  #steps(list: Placed): Placed {
    if (!Array.isArray(list.value)) return list;
    const merged = (list.value as unknown[]).map((_, index) => this.#merged(partOf(list, index)!, index));
    let sites: ReadonlyMap<string, NeedSite> | null = null;
    const node = below(below(this.#keys, 'steps')!, 0)!;
    const settled = merged.map((step, index) => {
      if (this.#left < 0) return step;
      // Most steps of a large plan have none; finding that out must cost little.
      if (!holdsExpressions(step.value, node)) return step;
      return this.#settled(step, index, node, (sites ??= sitesOf(merged)));
    });
    return {
      value: settled.map((step) => step.value),
      place: { ...list.place, items: settled.map((step) => step.place) },
    };
  }

  #merged(step: Placed, index: number): Placed {
    const { layers, problems } = includedTemplates(step, index, this.#library.templates);
    this.#problems.push(...problems);
    for (const layer of this.#defaults ? [this.#defaults, ...layers] : layers)
      this.#left -= this.#sizeOf(layer);
    if (this.#left < 0) return step;
    const merged = mergeStep(step, this.#defaults, layers) ?? step;
    this.#problems.push(...emptyMatrixProblems(merged, ['steps', index, 'matrix']));
    return merged;
  }

  #sizeOf(layer: Layer): number {
    const known = this.#sizes.get(layer);
    if (known !== undefined) return known;
    const size = writtenSize(layer.part.value, this.options.maxWritten);
    this.#sizes.set(layer, size);
    return size;
  }

  #settled(step: Placed, index: number, node: KeyNode, sites: ReadonlyMap<string, NeedSite>): Placed {
    if (!isMap(step.value)) return step;
    const path = ['steps', index];
    const around = aroundStep(this.#params, step, sites);
    this.#pass.startStep();
    // What `with` gives is known before the rest of the step asks for it.
    const given = partOf(step, 'with');
    if (given) {
      const settled = this.#pass.settle(
        given,
        below(node, 'with')!,
        [...path, 'with'],
        aroundPlan(this.#params),
      );
      if (isMap(settled.value)) around.scope.with = settled.value as Record<string, JsonValue>;
      step = replaced(step, 'with', settled);
    }
    const settled = this.#pass.settle(step, node, path, around);
    this.#pass.endStep(path);
    return settled;
  }

  /** Every part is checked as if some step took it over: what that step gives is not known. */
  #shared(): Placed {
    const shared = new PlacedMap(this.plan.place.start);
    const around = aroundTemplate(this.#params);
    const { templates } = this.#library;
    const parts: [string, Placed | null][] = [
      [
        'templates',
        templates.size > 0 ? templatesMap(templates, this.plan.place.start) : partOf(this.plan, 'templates'),
      ],
      ['defaults', partOf(this.plan, 'defaults')],
    ];
    for (const [key, part] of parts) {
      if (!part) continue;
      const keyStart = this.plan.place.entries?.get(key)?.keyStart ?? this.plan.place.start;
      shared.set(key, this.#pass.settle(part, below(this.#keys, key)!, [key], around), keyStart);
    }
    return shared.done();
  }
}

function replaced(map: Placed, key: string, part: Placed): Placed {
  if (partOf(map, key)?.value === part.value) return map;
  const entries = new Map(map.place.entries);
  entries.set(key, { keyStart: entries.get(key)?.keyStart ?? map.place.start, place: part.place });
  return { value: { ...(map.value as object), [key]: part.value }, place: { ...map.place, entries } };
}

/** Written out, an empty list is a mistake; one that a param or `from` gives is a plan with nothing to do. */
function emptyMatrixProblems(step: Placed, path: TextPath): UnplacedProblem[] {
  if (!isMap(step.value) || !('matrix' in step.value)) return [];
  const matrix = partOf(step, 'matrix')?.value;
  const isEmpty = (list: unknown) => Array.isArray(list) && list.length === 0;
  const at = isEmpty(matrix) ? path : isMap(matrix) && isEmpty(matrix['values']) ? [...path, 'values'] : null;
  return at === null ? [] : [{ code: 'wrong-value', message: 'the list is empty', path: at }];
}
