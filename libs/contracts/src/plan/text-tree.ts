import { show, type TextPath, type UnplacedProblem } from './problem.ts';

/** The offsets of a value and of everything in it: what turns a path into a line and a column. */
export interface Place {
  start: number;
  entries?: Map<string, PlaceOfKey>;
  items?: Place[];
  /** It was written elsewhere and taken over: by a template, or from a file. Offsets here and below are of there. */
  from?: Origin;
}

export interface PlaceOfKey {
  keyStart: number;
  place: Place;
}

export interface Origin {
  /** null: the plan text. */
  file: string | null;
  path: TextPath;
}

/** A plan text as plain data, with the place of every part of it. */
export interface TextTree {
  value: unknown;
  place: Place;
  /** What is wrong with the text although it can be read: duplicate keys, custom tags. */
  problems: UnplacedProblem[];
}

export type TreeReading = { ok: true; tree: TextTree } | { ok: false; problems: SyntaxProblem[] };

/** What keeps the text from being read at all. */
export interface SyntaxProblem {
  code?: 'text-too-large';
  message: string;
  start: number;
  hint?: string;
}

export interface Located extends Origin {
  offset: number;
}

/** Where what `path` names was written, or the nearest thing above it that exists. */
export function locate(place: Place, path: TextPath, atKey: boolean): Located {
  let current = place;
  let origin: Origin = place.from ?? { file: null, path: [] };
  let depthOfOrigin = 0;
  const at = (offset: number): Located => ({
    offset,
    file: origin.file,
    path: [...origin.path, ...path.slice(depthOfOrigin)],
  });
  for (const [depth, part] of path.entries()) {
    const entry = typeof part === 'string' ? current.entries?.get(part) : undefined;
    const next = typeof part === 'number' ? current.items?.[part] : entry?.place;
    if (!next) return at(current.start);
    if (next.from) [origin, depthOfOrigin] = [next.from, depth + 1];
    if (depth === path.length - 1 && atKey && entry) return at(entry.keyStart);
    current = next;
  }
  return at(current.start);
}

/** Offsets to lines and columns, both from 1. */
export class LineIndex {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  position(offset: number): { line: number; column: number } {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#starts[low]! + 1 };
  }
}

/** Objects of plan text are built from strangers' keys: this one would change the object's prototype. */
export const FORBIDDEN_KEY = '__proto__';

export function forbiddenKey(path: TextPath): UnplacedProblem {
  return { code: 'unknown-key', message: `unknown key "${FORBIDDEN_KEY}"`, path, atKey: true };
}

export function duplicateKey(path: TextPath): UnplacedProblem {
  const message = `the key ${show(String(path.at(-1)))} is there twice`;
  return { code: 'duplicate-key', message, path, atKey: true };
}

export function tooDeep(depthMax: number): string {
  return `nested more than ${depthMax} levels deep`;
}
