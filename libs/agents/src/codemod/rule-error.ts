/** The rules of a codemod are wrong. They are the plan's: no further attempt can help. */
export class RuleError extends Error {
  readonly code = 'CODEMOD_RULES';
  readonly retry = 'never';
  /** Which YAML document, from 1. */
  readonly document: number;

  constructor(document: number, message: string) {
    super(message);
    this.name = 'RuleError';
    this.document = document;
  }
}
