/** How a plan must end, whatever happens to the fleet. */
export type Ending = 'completed' | 'halted' | 'cancelled';

export interface Shape {
  /** `wide`, `chain`, ...: for people. */
  name: string;
  text: string;
  branch: string;
  /** `cancelled`: or completed, when the cancellation was refused because its integration was accepted. */
  ends: Ending;
  /** Steps of which the branch holds a file that says which epoch and attempt it is of, by name. */
  marks: string[];
  /** Other files of the branch, to the letter. */
  files: Record<string, string>;
  /** Steps that must end so, by name. All others of a completed plan pass. */
  outcomes: Record<string, 'blocked' | 'poisoned' | 'never-admitted' | 'passed'>;
  /** Attempts that the step must have used, by name. */
  attempts: Record<string, number>;
  /** Cancelled so long after its submission. */
  cancelAfterMs: number | null;
}

/** Where the branch holds the mark of a step: `change[3]` is `out/change-3.txt`. */
export function markPath(step: string): string {
  return `out/${step.replace(/\[(.*)\]$/, '-$1')}.txt`;
}
