import { ExpressionError, type ExpressionScope, type JsonValue } from '#domain';
import { show } from '../plan/problem.ts';
import { didYouMean } from '../plan/suggestion.ts';
import type { ExpressionTree, Node, Operator } from './expression-tree.ts';
import { describe } from './arguments.ts';
import { FUNCTIONS } from './functions.ts';
import { ExpressionLimitError, type Meter } from './meter.ts';
import { compareValues, equalValues, typeName } from './values.ts';

/** Making an error takes as long as so many steps: a loop can meet one at every item. */
const FAILURE_COST = 50;

/** Names that a loop or `cel.bind` gives, the innermost first. */
interface Bound {
  name: string;
  value: JsonValue;
  outer: Bound | null;
}

/**
 * Walks the tree. Total: it loops over lists that exist only, and the meter ends what takes too long. Pure: it reads
 * nothing but the scope. Throws ExpressionError and nothing else.
 */
export function evaluateTree(tree: ExpressionTree, scope: Partial<ExpressionScope>, meter: Meter): JsonValue {
  return new Evaluator(scope as unknown as Record<string, JsonValue>, meter).value(tree, null);
}

class Evaluator {
  constructor(
    private readonly scope: Record<string, JsonValue>,
    private readonly meter: Meter,
  ) {}

  value(node: Node, bound: Bound | null): JsonValue {
    this.meter.spend(1);
    switch (node.kind) {
      case 'literal':
        return node.value;
      case 'name':
        return this.named(node.name, bound);
      case 'member':
        return this.member(this.value(node.of, bound), node.key, node.of);
      case 'index':
        return this.item(this.value(node.of, bound), this.value(node.index, bound), node.of);
      case 'has':
        return this.has(this.value(node.of, bound), node.key);
      case 'list':
        return node.items.map((item) => this.value(item, bound));
      case 'map':
        return this.map(node.entries, bound);
      case 'not':
        return !this.truth(node.of, bound, '`!`');
      case 'negate':
        return -numberOf(this.value(node.of, bound), '-');
      case 'and':
        return this.decided(node.left, node.right, bound, false);
      case 'or':
        return this.decided(node.left, node.right, bound, true);
      case 'choice':
        return this.value(
          this.truth(node.condition, bound, 'the condition before `?`') ? node.yes : node.no,
          bound,
        );
      case 'operator':
        return this.operator(node.operator, this.value(node.left, bound), this.value(node.right, bound));
      case 'call':
        return FUNCTIONS.get(node.name)!.run(
          node.args.map((arg) => this.value(arg, bound)),
          this.meter,
        );
      case 'loop':
        return this.loop(node, bound);
      case 'bind':
        return this.value(node.body, {
          name: node.variable,
          value: this.value(node.value, bound),
          outer: bound,
        });
    }
  }

  private named(name: string, bound: Bound | null): JsonValue {
    for (let at = bound; at; at = at.outer) if (at.name === name) return at.value;
    if (Object.hasOwn(this.scope, name)) return this.scope[name]!;
    throw new ExpressionError(`there is no ${show(name)} (known: ${Object.keys(this.scope).join(', ')})`);
  }

  private member(of: JsonValue, key: string, node: Node): JsonValue {
    if (typeof of !== 'object' || of === null || Array.isArray(of)) {
      const why = of === null && node.kind === 'name' ? 'this step has none' : `it is ${typeName(of)}`;
      throw new ExpressionError(`${nameOf(node)} has no ${show(key)}: ${why}`);
    }
    if (Object.hasOwn(of, key)) return of[key]!;
    const known = Object.keys(of);
    this.meter.spend(FAILURE_COST + known.length);
    const nearest = didYouMean(key, known.slice(0, 100));
    const more = nearest
      ? `; did you mean ${show(nearest)}?`
      : known.length === 0
        ? ', nor anything else'
        : '';
    throw new ExpressionError(`${nameOf(node)} has no ${show(key)}${more}`);
  }

  private item(of: JsonValue, at: JsonValue, node: Node): JsonValue {
    if (typeof at === 'string') return this.member(of, at, node);
    if (!Array.isArray(of)) throw new ExpressionError(`${nameOf(node)} is no list: it is ${typeName(of)}`);
    if (typeof at !== 'number' || !Number.isSafeInteger(at)) {
      throw new ExpressionError(`${describe(at)} is no place in a list: they are counted from 0`);
    }
    if (at >= 0 && at < of.length) return of[at]!;
    throw new ExpressionError(`${nameOf(node)} has ${of.length} items, and none at ${at}`);
  }

  private has(of: JsonValue, key: string): boolean {
    return typeof of === 'object' && of !== null && !Array.isArray(of) && Object.hasOwn(of, key);
  }

  private map(entries: readonly [Node, Node][], bound: Bound | null): JsonValue {
    const made = entries.map(([key, value]): [string, JsonValue] => {
      const name = this.value(key, bound);
      if (typeof name !== 'string') throw new ExpressionError(`a key is a text, not ${describe(name)}`);
      return [name, this.value(value, bound)];
    });
    return Object.fromEntries(made);
  }

  private truth(node: Node, bound: Bound | null, of: string): boolean {
    const value = this.value(node, bound);
    if (typeof value === 'boolean') return value;
    throw new ExpressionError(`${of} takes true or false, not ${describe(value)}`);
  }

  /** As CEL has it: a side that decides wins over an error on the other side. */
  private decided(left: Node, right: Node, bound: Bound | null, deciding: boolean): boolean {
    const of = deciding ? '`||`' : '`&&`';
    let failure: ExpressionError | null = null;
    try {
      if (this.truth(left, bound, of) === deciding) return deciding;
    } catch (error) {
      failure = this.forgivable(error);
    }
    if (this.truth(right, bound, of) === deciding) return deciding;
    if (failure) throw failure;
    return !deciding;
  }

  private operator(operator: Operator, left: JsonValue, right: JsonValue): JsonValue {
    switch (operator) {
      case '==':
        return equalValues(left, right, this.meter);
      case '!=':
        return !equalValues(left, right, this.meter);
      case '<':
        return compareValues(left, right, this.meter);
      case '>':
        return compareValues(right, left, this.meter);
      case '<=':
        return !compareValues(right, left, this.meter);
      case '>=':
        return !compareValues(left, right, this.meter);
      case 'in':
        return this.isIn(left, right);
      case '+':
        return this.sum(left, right);
      default:
        return calculate(operator, numberOf(left, operator), numberOf(right, operator));
    }
  }

  private isIn(wanted: JsonValue, within: JsonValue): boolean {
    if (Array.isArray(within)) return within.some((item) => equalValues(wanted, item, this.meter));
    if (typeof within === 'object' && within !== null && typeof wanted === 'string')
      return Object.hasOwn(within, wanted);
    const hint = typeof within === 'string' ? ': a text is asked with .contains()' : '';
    throw new ExpressionError(
      `\`in\` looks into lists and the keys of maps, not into ${typeName(within)}${hint}`,
    );
  }

  private sum(left: JsonValue, right: JsonValue): JsonValue {
    if (typeof left === 'number' && typeof right === 'number') return finite(left + right);
    if (typeof left === 'string' && typeof right === 'string') {
      this.meter.spendOnText(left.length + right.length);
      return left + right;
    }
    if (Array.isArray(left) && Array.isArray(right)) {
      this.meter.spendOnList(left.length + right.length);
      return [...left, ...right];
    }
    const hint =
      typeof left === 'string' || typeof right === 'string' ? ': make a text of it with string()' : '';
    throw new ExpressionError(`\`+\` cannot add ${typeName(left)} and ${typeName(right)}${hint}`);
  }

  private loop(node: Node & { kind: 'loop' }, bound: Bound | null): JsonValue {
    const items = this.items(this.value(node.over, bound), node.over);
    const at = (value: JsonValue): Bound => ({ name: node.variable, value, outer: bound });
    const holds = (value: JsonValue, condition: Node): boolean =>
      this.truth(condition, at(value), `the condition of ${node.loop}()`);
    switch (node.loop) {
      case 'map': {
        const kept = node.filter ? items.filter((item) => holds(item, node.filter!)) : items;
        return kept.map((item) => this.value(node.body, at(item)));
      }
      case 'filter':
        return items.filter((item) => holds(item, node.body));
      case 'exists_one':
        return items.filter((item) => holds(item, node.body)).length === 1;
      case 'exists':
        return this.any(items, (item) => holds(item, node.body), true);
      case 'all':
        return this.any(items, (item) => holds(item, node.body), false);
    }
  }

  private items(over: JsonValue, node: Node): JsonValue[] {
    if (Array.isArray(over)) return over;
    if (typeof over === 'object' && over !== null) {
      const keys = Object.keys(over);
      this.meter.spendOnList(keys.length);
      return keys;
    }
    throw new ExpressionError(`${nameOf(node)} is no list: it is ${typeName(over)}`);
  }

  /** `exists` with true, `all` with false: as for `||` and `&&`, an item that decides wins over errors at others. */
  private any(items: JsonValue[], test: (item: JsonValue) => boolean, deciding: boolean): boolean {
    let failure: ExpressionError | null = null;
    for (const item of items) {
      try {
        if (test(item) === deciding) return deciding;
      } catch (error) {
        const forgiven = this.forgivable(error);
        failure ??= forgiven;
      }
    }
    if (failure) throw failure;
    return !deciding;
  }

  /** What `||`, `&&`, `all` and `exists` may pass over; anything else is thrown on. */
  private forgivable(error: unknown): ExpressionError {
    this.meter.spend(FAILURE_COST);
    if (error instanceof ExpressionError && !(error instanceof ExpressionLimitError)) return error;
    throw error;
  }
}

function numberOf(value: JsonValue, operator: string): number {
  if (typeof value === 'number') return value;
  throw new ExpressionError(`\`${operator}\` takes numbers, not ${describe(value)}`);
}

/** Numbers are JSON's: there is one kind of them, so 7 / 2 is 3.5 whoever wrote the 7. */
function calculate(operator: '-' | '*' | '/' | '%', left: number, right: number): number {
  if (right === 0 && (operator === '/' || operator === '%')) throw new ExpressionError('division by 0');
  switch (operator) {
    case '-':
      return finite(left - right);
    case '*':
      return finite(left * right);
    case '/':
      return finite(left / right);
    case '%':
      return finite(left % right);
  }
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new ExpressionError('the number is too large');
}

/** `needs.plan.outputs`, as the user wrote it; not too much of it. */
function nameOf(node: Node): string {
  return `\`${pathOf(node) ?? 'the value'}\``;
}

function pathOf(node: Node): string | null {
  if (node.kind === 'name') return node.name;
  if (node.kind !== 'member') return null;
  const of = pathOf(node.of);
  if (of === null || of.length > 200) return null;
  return /^[A-Za-z_]\w*$/.test(node.key) ? `${of}.${node.key}` : `${of}[${show(node.key)}]`;
}
