import { isMap, partOf, type Placed, PlacedMap, writtenAt } from './placed.ts';
import type { TextPath } from './problem.ts';

/** Where the keys of a step come from, the weakest first: `defaults`, templates in their order, the step itself. */
export interface Layer {
  part: Placed;
  file: string | null;
  path: TextPath;
}

/** Merged key by key, one level deep; of everything else the later layer's value stands. */
const MERGED = new Set(['env', 'timeout', 'paths', 'with', 'codemod', 'agent']);
const WORKS = ['noop', 'wait', 'run', 'codemod', 'agent'] as const;
/** Two ways to say the same: the later layer's way wins. */
const EXCLUDING: readonly (readonly string[])[] = [
  ['rules', 'rulesFile', 'transform', 'transformFile'],
  ['prompt', 'promptFile'],
];
/** What of `defaults` has a meaning for a step that runs no program. */
const DEFAULTS_OF_NOOP = new Set(['pool', 'priority', 'locks']);

/**
 * The step as if all layers were written in it. `own` is the step itself; what comes from elsewhere keeps its place
 * there. Null when there is nothing to merge.
 */
export function mergeStep(own: Placed, defaults: Layer | null, templates: readonly Layer[]): Placed | null {
  if (!isMap(own.value) || (defaults === null && templates.length === 0)) return null;
  const step = new PlacedMap(own.place.start);
  for (const layer of templates) lay(step, layer.part, layer);
  lay(step, own, null);
  const done = step.done();
  return defaults === null ? done : withDefaults(done, defaults);
}

/** Keys of `defaults` below everything else, those that the step's kind of work has a use for. */
function withDefaults(step: Placed, defaults: Layer): Placed {
  const own = step.value as Record<string, unknown>;
  if ('wait' in own) return step;
  const merged = new PlacedMap(step.place.start);
  const given = defaults.part;
  if (!isMap(given.value)) return step;
  const filtered = new PlacedMap(given.place.start);
  for (const key of Object.keys(given.value)) {
    if ('noop' in own && !DEFAULTS_OF_NOOP.has(key)) continue;
    filtered.set(key, partOf(given, key)!, given.place.entries?.get(key)?.keyStart ?? given.place.start);
  }
  lay(merged, filtered.done(), defaults);
  lay(merged, step, null);
  return merged.done();
}

function lay(step: PlacedMap, part: Placed, from: Layer | null): void {
  if (!isMap(part.value)) return;
  const keys = Object.keys(part.value);
  const work = WORKS.find((key) => keys.includes(key));
  if (work) for (const other of WORKS) if (other !== work && !keys.includes(other)) step.delete(other);
  for (const key of keys) {
    if (key === 'include') continue;
    const given = partOf(part, key)!;
    const keyStart = part.place.entries?.get(key)?.keyStart ?? part.place.start;
    const placed = from ? { ...given, place: writtenAt(given.place, from.file, [...from.path, key]) } : given;
    const before = step.get(key);
    const isMerged = MERGED.has(key) && before && isMap(before.value) && isMap(given.value);
    step.set(key, isMerged ? mergeMaps(before, placed) : placed, keyStart);
  }
  const include = from ? null : partOf(part, 'include');
  if (include) step.set('include', include, part.place.entries?.get('include')?.keyStart ?? part.place.start);
}

/** Each entry says itself where it was written: the map as a whole is then the later one's. */
function mergeMaps(before: Placed, later: Placed): Placed {
  const merged = new PlacedMap(later.place.start);
  const laterKeys = new Set(Object.keys(later.value as object));
  const dropped = new Set(EXCLUDING.filter((ways) => ways.some((way) => laterKeys.has(way))).flat());
  copyEntries(merged, before, (key) => !dropped.has(key));
  copyEntries(merged, later, () => true);
  const done = merged.done();
  return later.place.from ? { ...done, place: { ...done.place, from: later.place.from } } : done;
}

function copyEntries(into: PlacedMap, map: Placed, takes: (key: string) => boolean): void {
  const { from } = map.place;
  for (const key of Object.keys(map.value as object)) {
    if (!takes(key)) continue;
    const given = partOf(map, key)!;
    const place = from ? writtenAt(given.place, from.file, [...from.path, key]) : given.place;
    into.set(key, { ...given, place }, map.place.entries?.get(key)?.keyStart ?? map.place.start);
  }
}
