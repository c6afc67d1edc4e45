import { ExpressionError, type Expressions, type ExpressionScope, type JsonValue } from '#domain';
import { show } from '../plan/problem.ts';
import { evaluateTree } from './evaluator.ts';
import { rememberedExpression } from './expression-cache.ts';
import { COST_MAX, Meter } from './meter.ts';
import { copyResult } from './values.ts';

/** CEL, as docs/plan-format.md describes it: pure, total, and its answers are small JSON. */
export const celExpressions: Expressions = {
  evaluate: (source, scope, together = 1) => evaluateIn(source, scope, costMaxOf(together)),
};

/** A hundred full evaluations are what one decision may take: about two seconds at the worst. */
const TOGETHER_COST_MAX = 100 * COST_MAX;
/** Enough for what a condition asks of its own step, in the largest of groups. */
const LEAST_COST_MAX = 200;

function costMaxOf(together: number): number {
  return Math.max(LEAST_COST_MAX, Math.min(COST_MAX, Math.floor(TOGETHER_COST_MAX / together)));
}

/** As `evaluate`, where only some of the roots are known. Throws ExpressionError, and nothing else. */
export function evaluateIn(
  source: string,
  scope: Partial<ExpressionScope>,
  costMax: number = COST_MAX,
): JsonValue {
  const read = rememberedExpression(source);
  if (!read.ok) throw new ExpressionError(`${show(source)}: ${read.message}`);
  try {
    return copyResult(evaluateTree(read.tree, scope, new Meter(costMax)));
  } catch (error) {
    if (error instanceof ExpressionError) throw new ExpressionError(`${show(source)}: ${error.message}`);
    // Deep data and deep trees have limits of their own; this one is for what they have missed together.
    if (error instanceof RangeError)
      throw new ExpressionError(`${show(source)}: nested too deep or too large`);
    throw error;
  }
}
