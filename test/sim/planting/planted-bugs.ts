export interface Edit {
  /** From the root of the repository. */
  file: string;
  /** Must be there exactly once. */
  text: string;
  instead: string;
}

export interface PlantedBug {
  /** What is broken, in the words of the contract. */
  what: string;
  edits: Edit[];
}

/** Ways to break the product that the simulation must notice. */
export const PLANTED_BUGS: Record<string, PlantedBug> = {};
