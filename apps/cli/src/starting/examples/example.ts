import type { Survey } from '../survey.ts';
import type { Toolchain } from '../toolchains/toolchain.ts';

/** A change that a first plan makes: one that has something to do in this very repository. */
export interface Example {
  /** Names the plan, its step and its branch. */
  name: string;
  /** What it does and why one might want it; for the plan's comments. */
  about: string[];
  /** What was found at the base. */
  evidence: string;
  /** Files to change, as globs; null: the step works on the repository as a whole. */
  matrix: { glob: string[]; exclude: string[]; chunk: number } | null;
  /** The step's work and checks, as a plan's text has them. */
  work: Record<string, unknown>;
}

export interface ExampleSearch {
  survey: Survey;
  toolchain: Toolchain;
  /** Sources that were read, by path. Not all of a large repository. */
  sources: ReadonlyMap<string, string>;
  /** Whether there are more sources than were read. */
  isSample: boolean;
}

/** `found in 9 places of 3 files`, with an "at least" when not everything was looked at. */
export function evidenceOf(search: ExampleSearch, files: number, places: number | null = null): string {
  const counted = `${files} ${files === 1 ? 'file' : 'files'}`;
  const where = places === null ? counted : `${places} ${places === 1 ? 'place' : 'places'} of ${counted}`;
  return `found in ${search.isSample ? 'at least ' : ''}${where}`;
}
