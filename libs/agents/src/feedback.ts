export interface Feedback {
  /** Why the attempt was rejected, one sentence. */
  reason: string;
  /** The real output of what failed. */
  output: string;
  /** The diff from the step's start to now. */
  diffSoFar: string;
  /** Reasons of the attempts before this one, oldest first. */
  earlier: string[];
}
