import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js';
import { didYouMean } from '../plan/suggestion.ts';
import { show } from '../plan/problem.ts';
import type { ExpressionTree, Loop, Node } from './expression-tree.ts';
import { FUNCTIONS } from './functions.ts';

export type ReadExpression =
  | { ok: true; tree: ExpressionTree }
  /** `at`: offset in the source. */
  | { ok: false; message: string; at: number; hint?: string };

/** UTF-16 units. */
export const SOURCE_MAX = 4_096;
const NODES_MAX = 512;
const DEPTH_MAX = 48;

/** Only its parser is used: see README. Made once, that is what costs. */
const cel = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: {
    maxAstNodes: NODES_MAX,
    maxDepth: DEPTH_MAX,
    maxListElements: NODES_MAX,
    maxMapEntries: NODES_MAX,
    maxCallArguments: 8,
  },
});

/** CEL source to a tree that can be evaluated, or what is wrong with it. Never throws; linear, bounded. */
export function readExpression(source: string): ReadExpression {
  if (source.length > SOURCE_MAX) return refused(`longer than ${SOURCE_MAX} characters`, 0);
  if (source.trim() === '') return refused('the expression is empty', 0);
  try {
    return { ok: true, tree: lower(cel.parse(source).ast) };
  } catch (error) {
    if (error instanceof Refused) return refused(error.message, error.at, error.hint);
    if (error instanceof ParseError) return wordParseError(error, source);
    if (error instanceof RangeError) return refused('nested too deep', 0);
    throw error;
  }
}

function refused(message: string, at: number, hint?: string): ReadExpression {
  return { ok: false, message, at, ...(hint === undefined ? {} : { hint }) };
}

class Refused extends Error {
  constructor(
    message: string,
    readonly at: number,
    readonly hint?: string,
  ) {
    super(message);
  }
}

function lower(ast: ASTNode): Node {
  const span = { start: ast.start, end: ast.end };
  switch (ast.op) {
    case 'value':
      return { ...span, kind: 'literal', value: literal(ast.args, ast.start) };
    case 'id':
      return { ...span, kind: 'name', name: ast.args };
    case '.':
      return { ...span, kind: 'member', of: lower(ast.args[0]), key: ast.args[1] };
    case '[]':
      return index(lower(ast.args[0]), lower(ast.args[1]), span);
    case 'list':
      return { ...span, kind: 'list', items: ast.args.map(lower) };
    case 'map':
      return {
        ...span,
        kind: 'map',
        entries: ast.args.map(([key, value]): [Node, Node] => [lower(key), lower(value)]),
      };
    case '!_':
      return { ...span, kind: 'not', of: lower(ast.args) };
    case '-_':
      return { ...span, kind: 'negate', of: lower(ast.args) };
    case '&&':
      return { ...span, kind: 'and', left: lower(ast.args[0]), right: lower(ast.args[1]) };
    case '||':
      return { ...span, kind: 'or', left: lower(ast.args[0]), right: lower(ast.args[1]) };
    case '?:': {
      const [condition, yes, no] = ast.args;
      return { ...span, kind: 'choice', condition: lower(condition), yes: lower(yes), no: lower(no) };
    }
    case 'call':
      return lowerCall(ast.args[0], null, ast.args[1], span);
    case 'rcall':
      return lowerMethod(ast.args[0], ast.args[1], ast.args[2], span);
    case '.?':
    case '[?]':
      throw new Refused('optional fields (`.?`) are not part of this language: use has()', ast.start);
    default: {
      const [left, right] = ast.args;
      return { ...span, kind: 'operator', operator: ast.op, left: lower(left), right: lower(right) };
    }
  }
}

type Span = Pick<Node, 'start' | 'end'>;

function literal(value: unknown, at: number): string | number | boolean | null {
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new Refused(`${value} is too large for a whole number`, at);
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return value;
  throw new Refused('bytes and unsigned numbers are not part of this language', at);
}

/** A key that is written out is a member: `needs["convert-all"]`. */
function index(of: Node, at: Node, span: Span): Node {
  return at.kind === 'literal' && typeof at.value === 'string'
    ? { ...span, kind: 'member', of, key: at.value }
    : { ...span, kind: 'index', of, index: at };
}

const LOOPS: Record<Loop, true> = { all: true, exists: true, exists_one: true, map: true, filter: true };

function lowerMethod(name: string, receiver: ASTNode, args: ASTNode[], span: Span): Node {
  if (name === 'bind' && receiver.op === 'id' && receiver.args === 'cel' && args.length === 3) {
    const [variable, value, body] = args as [ASTNode, ASTNode, ASTNode];
    return { ...span, kind: 'bind', variable: variableOf(variable), value: lower(value), body: lower(body) };
  }
  if (Object.hasOwn(LOOPS, name)) return lowerLoop(name as Loop, receiver, args, span);
  return lowerCall(name, receiver, args, span);
}

function lowerLoop(loop: Loop, receiver: ASTNode, args: ASTNode[], span: Span): Node {
  const [variable, ...rest] = args;
  const bodies = loop === 'map' ? [1, 2] : [1];
  if (!variable || !bodies.includes(rest.length)) {
    throw new Refused(
      `${loop}() takes a name and ${loop === 'map' ? 'what to make of it' : 'a condition'}`,
      span.start,
    );
  }
  return {
    ...span,
    kind: 'loop',
    loop,
    over: lower(receiver),
    variable: variableOf(variable),
    filter: rest.length === 2 ? lower(rest[0]!) : null,
    body: lower(rest.at(-1)!),
  };
}

function variableOf(ast: ASTNode): string {
  if (ast.op === 'id') return ast.args;
  throw new Refused('expected a name for each item, such as `x` in list.map(x, x + 1)', ast.start);
}

function lowerCall(name: string, receiver: ASTNode | null, given: ASTNode[], span: Span): Node {
  if (name === 'has' && !receiver) return lowerHas(given, span);
  const known = FUNCTIONS.get(name);
  const form = receiver ? 'method' : 'function';
  if (!known) throw unknownFunction(name, receiver !== null, span.start);
  if (!known.forms.includes(form)) throw new Refused(`it is written \`${known.signature}\``, span.start);
  const args = (receiver ? [receiver, ...given] : given).map(lower);
  const [least, most] = known.arity;
  if (args.length < least || args.length > most) {
    throw new Refused(`wrong number of values: it is written \`${known.signature}\``, span.start);
  }
  return { ...span, kind: 'call', name, args };
}

function lowerHas(given: ASTNode[], span: Span): Node {
  const asked = given.length === 1 ? lower(given[0]!) : null;
  if (asked?.kind !== 'member')
    throw new Refused('has() takes a field, such as has(needs.plan.outputs.files)', span.start);
  return { ...span, kind: 'has', of: asked.of, key: asked.key };
}

function unknownFunction(name: string, isMethod: boolean, at: number): Refused {
  const known = [...FUNCTIONS.keys(), 'has', 'all', 'exists', 'exists_one', 'map', 'filter'];
  const nearest = didYouMean(name, known);
  const hint =
    name === 'matches'
      ? 'there are no regular expressions here: contains(), startsWith() and endsWith() are'
      : nearest
        ? `did you mean \`${FUNCTIONS.get(nearest)?.signature ?? `${nearest}()`}\`?`
        : undefined;
  return new Refused(`there is no ${isMethod ? 'method' : 'function'} ${show(name)}`, at, hint);
}

const HINTS: Record<string, (source: string, at: number) => string | undefined> = {
  unexpected_character: (source, at) =>
    source[at] === '='
      ? 'two values are compared with `==`'
      : source[at] === '`'
        ? 'texts are in "quotes"'
        : undefined,
};

const MESSAGES: Record<string, string> = {
  unexpected_token: 'something is missing here',
  unterminated_string: 'the text is not closed',
  unterminated_triple_quoted_string: 'the text is not closed',
};

function wordParseError(error: ParseError, source: string): ReadExpression {
  const at = Math.min(error.range?.start ?? 0, source.length);
  const hint = HINTS[error.code]?.(source, at);
  if (error.code === 'limit_exceeded') return refused('the expression is too long or nested too deep', at);
  const isAtEnd = source.slice(at).trim() === '';
  const message = isAtEnd
    ? 'the expression ends too early'
    : (MESSAGES[error.code] ?? wordSummary(error, source, at));
  return refused(message, at, hint);
}

function wordSummary(error: ParseError, source: string, at: number): string {
  const there = /^[\w]+|^[^\s]{1,2}/u.exec(source.slice(at))?.[0];
  if (error.code === 'expected_token' || error.code === 'unexpected_character') {
    return `did not expect ${show(there ?? '')} here`;
  }
  if (error.code === 'reserved_identifier')
    return `${show(there ?? '')} is a word of the language and no name`;
  return show(error.summary).slice(1, -1).replaceAll('\\"', '"');
}
