/** A promise of the product that a run has seen broken. */
export class Violation extends Error {
  readonly code = 'violation';

  constructor(
    /** Which promise; stable, so that a story can be shrunk to the same one. */
    readonly promise: string,
    message: string,
    readonly planId: string | null = null,
  ) {
    super(message);
    this.name = 'Violation';
  }
}
