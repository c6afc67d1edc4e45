import type { JsonValue } from '../json.ts';

/** What an expression may look at. Plain JSON; nothing else of the plan is in reach. */
export interface ExpressionScope {
  params: Record<string, JsonValue>;
  with: Record<string, JsonValue>;
  plan: { id: string; name: string };
  step: { name: string; ordinal: number };
  /** null for a step without a matrix. */
  matrix: { value: string } | { files: string[] } | { item: JsonValue } | null;
  /** Direct needs by step name. */
  needs: Record<string, NeedScope>;
}

export type NeedScope = NeededStep | { all: NeededStep[] };

export interface NeededStep {
  name: string;
  outcome: 'passed' | 'skipped';
  outputs: Record<string, JsonValue>;
  matrix: ExpressionScope['matrix'];
}

/**
 * The language of `when`, `matrix.from` and `${{ }}`. The domain decides by it and does not know it: whoever decides
 * brings one, and it must be pure and total, for a replay asks it again.
 */
export interface Expressions {
  /**
   * `together`: how often the decision asks it, once for each of a group's steps. They share what they may cost: a
   * condition must not be able to hold the decider for as long as it is multiplied. Throws ExpressionError.
   */
  evaluate(source: string, scope: ExpressionScope, together?: number): JsonValue;
}

/** The expression has no value: wrong types, something that is not there, too large. */
export class ExpressionError extends Error {
  readonly code = 'expression-failed';
  readonly retry = 'never';
}

/** For plans that are known to have no expressions. */
export const noExpressions: Expressions = {
  evaluate(source) {
    throw new ExpressionError(`there is no evaluator for expressions here: ${source}`);
  },
};
