import { ExpressionError } from '#domain';

/** Too large or too costly: no operator may take this for an ordinary missing value. */
export class ExpressionLimitError extends ExpressionError {}

/** Roughly a step of the evaluator each; all of them take 5 to 25 ms. */
export const COST_MAX = 200_000;

/** Longest text, in UTF-16 units, and longest list that may exist while an expression is evaluated. */
export const TEXT_MAX = 262_144;
export const LIST_MAX = 100_000;

/** So many characters of a text that is looked at or made cost as much as a step. */
const CHARACTERS_PER_UNIT = 32;

/** What one evaluation may still cost. Counting steps rather than time: the answer must be the same in a replay. */
export class Meter {
  #left: number;

  constructor(costMax: number = COST_MAX) {
    this.#left = costMax;
  }

  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) {
      throw new ExpressionLimitError(
        'it looks at too much: a loop inside a loop over long lists, perhaps; let the step that makes the outputs do it',
      );
    }
  }

  spendOnText(length: number): void {
    if (length > TEXT_MAX) throw new ExpressionLimitError(`a text longer than ${TEXT_MAX} characters`);
    this.spend(1 + Math.floor(length / CHARACTERS_PER_UNIT));
  }

  spendOnList(length: number): void {
    if (length > LIST_MAX) throw new ExpressionLimitError(`a list of more than ${LIST_MAX} items`);
    this.spend(1 + length);
  }
}
