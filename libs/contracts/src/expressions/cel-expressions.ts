import { ExpressionError, type Expressions, type ExpressionScope, type JsonValue } from '#domain';
import { show } from '../plan/problem.ts';
import { evaluateTree } from './evaluator.ts';
import { rememberedExpression } from './expression-cache.ts';
import { Meter } from './meter.ts';
import { copyResult } from './values.ts';

/** CEL, as docs/plan-format.md describes it: pure, total, and its answers are small JSON. */
export const celExpressions: Expressions = {
  evaluate: (source, scope) => evaluateIn(source, scope),
};

/** As `evaluate`, where only some of the roots are known. Throws ExpressionError, and nothing else. */
export function evaluateIn(source: string, scope: Partial<ExpressionScope>): JsonValue {
  const read = rememberedExpression(source);
  if (!read.ok) throw new ExpressionError(`${show(source)}: ${read.message}`);
  try {
    return copyResult(evaluateTree(read.tree, scope, new Meter()));
  } catch (error) {
    if (error instanceof ExpressionError) throw new ExpressionError(`${show(source)}: ${error.message}`);
    // Deep data and deep trees have limits of their own; this one is for what they have missed together.
    if (error instanceof RangeError)
      throw new ExpressionError(`${show(source)}: nested too deep or too large`);
    throw error;
  }
}
