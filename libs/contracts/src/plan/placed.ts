import type { TextPath } from './problem.ts';
import type { Origin, Place, PlaceOfKey } from './text-tree.ts';

/** A value of a plan text with the places of its parts. What the passes between reading and checking work on. */
export interface Placed {
  value: unknown;
  place: Place;
}

/** The value below a key or at an index; null when there is none. */
export function partOf(placed: Placed, part: string | number): Placed | null {
  const { value, place } = placed;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return null;
  const inner = (value as Record<string | number, unknown>)[part];
  const innerPlace = typeof part === 'number' ? place.items?.[part] : place.entries?.get(part)?.place;
  return { value: inner, place: innerPlace ?? { start: place.start } };
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same as if it was written where it is used; its problems are shown where it was written. */
export function writtenAt(place: Place, file: string | null, path: TextPath): Place {
  return place.from ? place : { ...place, from: { file, path } satisfies Origin };
}

/** A map under construction: entries with the places of their keys. */
export class PlacedMap {
  readonly #value: Record<string, unknown> = {};
  readonly #entries = new Map<string, PlaceOfKey>();

  constructor(private readonly start: number) {}

  set(key: string, { value, place }: Placed, keyStart: number): void {
    // Defined rather than assigned: keys are a stranger's.
    Object.defineProperty(this.#value, key, { value, enumerable: true, configurable: true, writable: true });
    this.#entries.set(key, { keyStart, place });
  }

  delete(key: string): void {
    delete this.#value[key];
    this.#entries.delete(key);
  }

  get(key: string): Placed | null {
    return partOf(this.done(), key);
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  done(): Placed {
    return { value: this.#value, place: { start: this.start, entries: this.#entries } };
  }
}
