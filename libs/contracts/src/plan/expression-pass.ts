import { ExpressionError, type JsonValue } from '#domain';
import { evaluateIn } from '../expressions/cel-expressions.ts';
import { mayHoldExpressions, splitText, type TextPart, wholeExpression } from '../expressions/embedded.ts';
import { rememberedExpression } from '../expressions/expression-cache.ts';
import { type ExpressionTree, memberNames, rootsOf } from '../expressions/expression-tree.ts';
import { commandPositions, EXPRESSIONS_MAX } from '../expressions/rendering.ts';
import type { ExpressionSite } from '../expressions/site.ts';
import { siteProblems } from '../expressions/site-problems.ts';
import { below, type KeyNode } from './key-tree.ts';
import { partOf, type Placed } from './placed.ts';
import { FORBIDDEN_KEY } from './text-tree.ts';
import { writtenSize } from './written-size.ts';
import type { Surroundings } from './surroundings.ts';
import { formatPath, show, type TextPath, type UnplacedProblem } from './problem.ts';

/** Characters that all values which are put in at submission may have together. */
const PRODUCED_MAX = 33_554_432;
/** A step's expressions are evaluated when its job is made, on the decider's time. */
const EXPRESSIONS_OF_STEP_MAX = 200;

/**
 * Looks at every expression of a plan: replaces what can be replaced at submission, checks what must wait. A value that
 * could not be replaced is remembered by its path, so that nobody complains of its type as well.
 */
export class ExpressionPass {
  readonly problems: UnplacedProblem[] = [];
  readonly #unsettled = new Set<string>();
  #produced = 0;
  #count = 0;

  /** The value with its static expressions replaced; the same object when it has none. */
  settle(placed: Placed, node: KeyNode, path: TextPath, around: Surroundings): Placed {
    const { value } = placed;
    if (typeof value === 'string') return this.#text(placed, value, node, path, around);
    if (Array.isArray(value)) return this.#list(placed, value, node, path, around);
    if (typeof value !== 'object' || value === null) return placed;
    return this.#map(placed, node, path, around);
  }

  /** Counts from here: a step may have so many expressions. */
  startStep(): void {
    this.#count = 0;
  }

  endStep(path: TextPath): void {
    if (this.#count <= EXPRESSIONS_OF_STEP_MAX) return;
    const message = `the step has ${this.#count} expressions; at most ${EXPRESSIONS_OF_STEP_MAX} are taken`;
    this.problems.push({ code: 'expression', message, path });
  }

  /** Whether what is at the path, or something around it, has an expression that was told of already. */
  isUnsettled(path: TextPath): boolean {
    if (this.#unsettled.size === 0) return false;
    return path.some((_, depth) => this.#unsettled.has(formatPath(path.slice(0, depth + 1))));
  }

  #map(placed: Placed, node: KeyNode, path: TextPath, around: Surroundings): Placed {
    let changed: { value: Record<string, unknown>; entries: NonNullable<Placed['place']['entries']> } | null =
      null;
    for (const key of Object.keys(placed.value as object)) {
      // Refused as a key; assigning to it would change the prototype.
      const inner = key === FORBIDDEN_KEY ? null : below(node, key);
      if (!inner) continue;
      const part = partOf(placed, key)!;
      const settled = this.settle(part, inner, [...path, key], around);
      if (settled === part || settled.value === part.value) continue;
      changed ??= { value: { ...(placed.value as object) }, entries: new Map(placed.place.entries) };
      changed.value[key] = settled.value;
      const keyStart = placed.place.entries?.get(key)?.keyStart ?? placed.place.start;
      changed.entries.set(key, { keyStart, place: settled.place });
    }
    return changed ? { value: changed.value, place: { ...placed.place, entries: changed.entries } } : placed;
  }

  #list(placed: Placed, list: unknown[], node: KeyNode, path: TextPath, around: Surroundings): Placed {
    const inner = node.items;
    if (!inner) return placed;
    let isChanged = false;
    const items = list.flatMap((value, index): Placed[] => {
      const part = partOf(placed, index) ?? { value, place: { start: placed.place.start } };
      const settled = this.settle(part, inner, [...path, index], around);
      if (settled.value === value) return [part];
      isChanged = true;
      // One glob that is an expression may stand for several.
      return inner.use === 'glob' && Array.isArray(settled.value)
        ? (settled.value as unknown[]).map((one) => ({ value: one, place: settled.place }))
        : [settled];
    });
    if (!isChanged) return placed;
    return {
      value: items.map((item) => item.value),
      place: { ...placed.place, items: items.map((item) => item.place) },
    };
  }

  #text(placed: Placed, text: string, node: KeyNode, path: TextPath, around: Surroundings): Placed {
    if (node.use === 'bare') return this.#bare(placed, text, path, around);
    if (!mayHoldExpressions(text) || node.use === 'opaque') return placed;
    const parts = this.#parts(text, path);
    if (!parts) return this.#leave(placed, path);
    switch (node.use) {
      case 'static':
      case 'text':
        return this.#static(placed, text, parts, node, path, around);
      case 'late':
        this.#checkAll(parts, path, around.late);
        return placed;
      case 'command':
        if (this.#checkAll(parts, path, around.late)) this.#checkPositions(text, path);
        return placed;
      case 'glob':
      case 'wait':
        return this.#staticIfKnown(placed, text, parts, node, path, around);
      case null:
        if (!parts.some((part) => 'source' in part)) return placed;
        this.#problem(path, 'expressions mean nothing here');
        return this.#leave(placed, path);
    }
  }

  /** `when` and `from`: the text is the expression, with or without `${{ }}`. */
  #bare(placed: Placed, text: string, path: TextPath, around: Surroundings): Placed {
    const source = bareSource(text);
    if (source === null) {
      this.#problem(
        path,
        'it holds more than one expression: leave `${{` and `}}` out',
        'all of it is one expression',
      );
      return this.#leave(placed, path);
    }
    const isFrom = path.at(-1) === 'from';
    this.#check(source, path, isFrom ? withoutOwnSteps(around.late) : around.late);
    return placed;
  }

  #parts(text: string, path: TextPath): TextPart[] | null {
    const split = splitText(text);
    if (!split.ok) {
      this.#problem(path, split.message, 'a text in {} of YAML needs quotes; for `${{` itself write `$${{`');
      return null;
    }
    const count = split.parts.filter((part) => 'source' in part).length;
    this.#count += count;
    if (count <= EXPRESSIONS_MAX) return split.parts;
    this.#problem(path, `more than ${EXPRESSIONS_MAX} expressions in one text`);
    return null;
  }

  #static(
    placed: Placed,
    text: string,
    parts: TextPart[],
    node: KeyNode,
    path: TextPath,
    around: Surroundings,
  ): Placed {
    if (!this.#checkAll(parts, path, around.early)) return this.#leave(placed, path);
    if (!parts.every((part) => 'text' in part || isKnown(part.source, around)))
      return this.#leave(placed, path);
    const whole = wholeExpression(text);
    try {
      const value = whole === null ? joined(parts, around) : evaluateIn(whole, around.scope);
      this.#produced += writtenSize(value, PRODUCED_MAX);
      if (this.#produced > PRODUCED_MAX)
        this.#problem(path, 'the expressions up to here give too much text together');
      return { value: conformed(value, node), place: spread(placed.place, value) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.#problem(path, error.message);
      return this.#leave(placed, path);
    }
  }

  /** What uses nothing but params and `with` is replaced now, and is then what was given itself: a glob, a time. */
  #staticIfKnown(
    placed: Placed,
    text: string,
    parts: TextPart[],
    node: KeyNode,
    path: TextPath,
    around: Surroundings,
  ): Placed {
    const isWhole = wholeExpression(text) !== null;
    // Of a glob in parts, the parts that are values name files: their characters are escaped when the job is made.
    const mayBeEarly = isWhole || node.use === 'wait';
    const isEarly = mayBeEarly && parts.every((part) => 'text' in part || isEarlySource(part.source));
    if (isEarly) return this.#static(placed, text, parts, node, path, around);
    this.#checkAll(parts, path, around.late);
    // A list of globs that one expression gives: the list has that one item.
    const isList = node.use === 'glob' && node.items !== null;
    return isList ? { value: [text], place: { ...placed.place, items: [placed.place] } } : placed;
  }

  #checkAll(parts: readonly TextPart[], path: TextPath, site: ExpressionSite): boolean {
    const checked = parts.map((part) => 'text' in part || this.#check(part.source, path, site));
    return checked.every(Boolean);
  }

  #check(source: string, path: TextPath, site: ExpressionSite): boolean {
    const read = rememberedExpression(source);
    if (!read.ok) {
      this.#problem(path, `${show(source)}: ${read.message}`, read.hint);
      return false;
    }
    const problems = siteProblems(read.tree, site);
    for (const { message, hint } of problems) this.#problem(path, `${show(source)}: ${message}`, hint);
    return problems.length === 0;
  }

  #checkPositions(command: string, path: TextPath): void {
    for (const { source, position } of commandPositions(command)) {
      if (!position.ok) this.#problem(path, `${show(source)}: ${position.why}`, position.hint);
    }
  }

  #problem(path: TextPath, message: string, hint?: string): void {
    this.problems.push({ code: 'expression', message, path, ...(hint === undefined ? {} : { hint }) });
  }

  #leave(placed: Placed, path: TextPath): Placed {
    this.#unsettled.add(formatPath(path));
    return placed;
  }
}

/** Whether there is any expression in the value. */
export function holdsExpressions(value: unknown, node: KeyNode | null): boolean {
  if (typeof value === 'string') return node?.use === 'bare' || mayHoldExpressions(value);
  if (typeof value !== 'object' || value === null || node === null) return false;
  if (Array.isArray(value)) return value.some((item) => holdsExpressions(item, node.items));
  for (const key in value) {
    if (holdsExpressions((value as Record<string, unknown>)[key], below(node, key))) return true;
  }
  return false;
}

/** The expression that a bare one is, or that `${{ }}` around it holds; null when there are several. */
export function bareSource(text: string): string | null {
  if (!mayHoldExpressions(text)) return text;
  return wholeExpression(text);
}

/** `matrix.from` is evaluated for the group, before it has steps. */
function withoutOwnSteps(site: ExpressionSite): ExpressionSite {
  const roots = ['params', 'with', 'plan', 'step', 'needs'] as const;
  return { ...site, only: { roots, why: 'it is what `from` makes' } };
}

/** Whether all that it looks at has a value: a param that should have been given was told of already. */
function isKnown(source: string, { scope }: Surroundings): boolean {
  const read = rememberedExpression(source);
  if (!read.ok) return false;
  const roots = rootsOf(read.tree);
  if (roots.has('with') && scope.with === undefined) return false;
  return !asksMissingParam(read.tree, scope.params ?? {});
}

function asksMissingParam(tree: ExpressionTree, params: Record<string, JsonValue>): boolean {
  const asked = memberNames(tree, 'params');
  return asked.some((name) => !Object.hasOwn(params, name));
}

function isEarlySource(source: string): boolean {
  const read = rememberedExpression(source);
  return read.ok && [...rootsOf(read.tree)].every((root) => root === 'params' || root === 'with');
}

function joined(parts: readonly TextPart[], { scope }: Surroundings): string {
  return parts
    .map((part) => {
      if ('text' in part) return part.text;
      const value = evaluateIn(part.source, scope);
      if (typeof value === 'object') {
        throw new ExpressionError(
          `${show(part.source)}: text is made of texts, numbers and true/false, not of ${value === null ? 'null' : 'a list or map'}`,
        );
      }
      return String(value);
    })
    .join('');
}

/** Where text is expected, a number or true/false becomes its text. */
function conformed(value: JsonValue, node: KeyNode): unknown {
  const asText = (one: JsonValue) =>
    typeof one === 'number' || typeof one === 'boolean' ? String(one) : one;
  if (node.use === 'text') return asText(value);
  if (node.use === 'glob' && node.items && typeof value === 'string') return [value];
  return Array.isArray(value) && node.items?.use === 'text' ? value.map(asText) : value;
}

/** Everything of a value that an expression gives was written at the expression. */
function spread(place: Placed['place'], value: JsonValue): Placed['place'] {
  return Array.isArray(value) ? { ...place, items: value.map(() => ({ start: place.start })) } : place;
}
