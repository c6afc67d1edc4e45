import { parse, type SgNode } from '@ast-grep/napi';
import { type FixPiece, indentAt } from './fix-template.ts';
import { type CodemodLanguage, grammarOf, isFileOf } from './languages.ts';
import type { CodemodRule, Expansion } from './rules.ts';

export type Rewritten =
  { status: 'rewritten'; text: string; matches: number } | { status: 'unparsable'; message: string };

/**
 * Applies the rules one after the other, each to what the one before left. Within a rule every match of the source
 * is rewritten exactly once, also those inside what an outer match captured; the result of a fix is not searched
 * again, so a rule such as `f($A)` to `f(f($A))` ends.
 */
export function rewrite(source: string, file: string, rules: CodemodRule[]): Rewritten {
  const applicable = rules.filter((rule) => !rule.ownLanguage || isFileOf(rule.language, file));
  let text = source;
  let matches = 0;
  for (const [index, rule] of applicable.entries()) {
    const root = parse(grammarOf(rule.language, file), text).root();
    const problem = syntaxProblem(root);
    if (problem !== null && index === 0) return { status: 'unparsable', message: problem };
    if (problem !== null) return { status: 'unparsable', message: brokenBy(applicable[index - 1], problem) };
    const changed = applyRule(root, text, rule);
    matches += changed.matches;
    text = changed.text;
  }
  const last = applicable.at(-1);
  if (last !== undefined && text !== source) {
    const problem = syntaxProblem(parse(grammarOf(last.language, file), text).root());
    if (problem !== null) return { status: 'unparsable', message: brokenBy(last, problem) };
  }
  return { status: 'rewritten', text, matches };
}

function brokenBy(rule: CodemodRule | undefined, problem: string): string {
  return `after ${rule?.name ?? 'a rule'} it could not be parsed any more (${problem})`;
}

/** Where the parser had to skip text, or to imagine a token that is not there; null when it understood everything. */
function syntaxProblem(root: SgNode): string | null {
  const error = root.find({ rule: { kind: 'ERROR' } });
  if (error !== null) return `syntax error at ${placeOf(error)}`;
  // An empty element of HTML has an empty text; all other empty leaves are tokens that are missing.
  const missing = root
    .findAll({ rule: { regex: '^$' } })
    .find((node) => node.parent() !== null && node.isLeaf() && node.kind() !== 'raw_text');
  return missing === undefined ? null : `${JSON.stringify(missing.kind())} is missing at ${placeOf(missing)}`;
}

function placeOf(node: SgNode): string {
  const { line, column } = node.range().start;
  return `line ${line + 1}, column ${column + 1}`;
}

interface Match {
  node: SgNode;
  start: number;
  end: number;
}

function applyRule(root: SgNode, source: string, rule: CodemodRule): { text: string; matches: number } {
  const matches = findMatches(root, rule);
  if (matches.length === 0) return { text: source, matches: 0 };
  const rewriter = new Rewriter(source, rule.fix, matches, literalsOf(root, rule.language));
  const text = rewriter.textBetween(0, source.length);
  return { text, matches: rewriter.applied.size };
}

/** Outer before inner, then by place. Of several with the same range the first stays. */
function findMatches(root: SgNode, rule: CodemodRule): Match[] {
  const found = root.findAll(rule.matcher).map((node) => ({
    node,
    start: expanded(node, rule.expandStart, 'prev') ?? node.range().start.index,
    end: expanded(node, rule.expandEnd, 'next') ?? node.range().end.index,
  }));
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  return found.filter((match, index) => {
    const before = found[index - 1];
    return before === undefined || before.start !== match.start || before.end !== match.end;
  });
}

/** Where the neighbour begins or ends that is to be replaced too; null when there is none. */
function expanded(node: SgNode, expansion: Expansion | null, side: 'prev' | 'next'): number | null {
  if (expansion === null) return null;
  const all = side === 'prev' ? node.prevAll() : node.nextAll();
  const within = expansion.stopBy === 'neighbor' ? all.slice(0, 1) : all;
  for (const neighbour of within) {
    const { start, end } = neighbour.range();
    if (neighbour.matches(expansion.rule)) return side === 'prev' ? start.index : end.index;
    if (typeof expansion.stopBy !== 'string' && neighbour.matches(expansion.stopBy)) return null;
  }
  return null;
}

/** Strings over several lines: their blanks are content and no indentation. */
function literalsOf(root: SgNode, language: CodemodLanguage): { start: number; end: number }[] {
  if (language === 'Html' || language === 'Css') return [];
  return root.findAll({ rule: { kind: 'template_string' } }).map((node) => {
    const { start, end } = node.range();
    return { start: start.index, end: end.index };
  });
}

class Rewriter {
  /** A variable may be used twice in a fix; what it holds still counts once. */
  readonly applied = new Set<Match>();
  private readonly source: string;
  private readonly fix: FixPiece[];
  private readonly matches: Match[];
  private readonly literals: { start: number; end: number }[];
  private readonly newline: string;

  constructor(source: string, fix: FixPiece[], matches: Match[], literals: { start: number; end: number }[]) {
    this.source = source;
    this.fix = fix;
    this.matches = matches;
    this.literals = literals;
    this.newline = source.includes('\r\n') ? '\r\n' : '\n';
  }

  /** The source from start to end with its outermost matches rewritten; `inside`: matches within this one only. */
  textBetween(
    start: number,
    end: number,
    inside: Match | null = null,
    indent: Reindent | null = null,
  ): string {
    let text = '';
    let at = start;
    for (let index = this.firstFrom(start); index < this.matches.length; index++) {
      const match = this.matches[index] as Match;
      if (match.start >= end) break;
      // Also skips what lies in a match that was just rewritten: that was done with it.
      if (match.start < at || match.end > end || match === inside || isSame(match, inside)) continue;
      text += this.verbatim(at, match.start, indent);
      text += reindentText(this.replacement(match), indent);
      at = match.end;
    }
    return text + this.verbatim(at, end, indent);
  }

  private replacement(match: Match): string {
    this.applied.add(match);
    const own = indentAt(this.source, match.start);
    return this.fix.map((piece) => this.pieceText(piece, match, own)).join('');
  }

  private pieceText(piece: FixPiece, match: Match, own: string): string {
    if (piece.kind === 'text') return piece.text.replaceAll(/\r?\n/g, `${this.newline}${own}`);
    if (piece.kind === 'transformed') return match.node.getTransformed(piece.name) ?? '';
    const nodes =
      piece.kind === 'multiple'
        ? match.node.getMultipleMatches(piece.name)
        : [match.node.getMatch(piece.name)].filter((node) => node !== null);
    const [first, last] = [nodes[0], nodes.at(-1)];
    if (first === undefined || last === undefined) return '';
    const start = first.range().start.index;
    const lineStart = this.source.lastIndexOf('\n', start - 1) + 1;
    // Behind the end of a literal of several lines: the line's blanks are the literal's.
    const from = this.isInLiteral(lineStart) ? own : indentAt(this.source, start);
    const indent = { from, to: `${own}${piece.indent}` };
    return this.textBetween(start, last.range().end.index, match, indent);
  }

  /** A slice of the source; lines that begin in it move by the change of indentation, but for those of literals. */
  private verbatim(start: number, end: number, indent: Reindent | null): string {
    const slice = this.source.slice(start, end);
    if (indent === null || indent.from === indent.to || !slice.includes('\n')) return slice;
    let text = '';
    let at = 0;
    for (let line = slice.indexOf('\n') + 1; line > 0; line = slice.indexOf('\n', line) + 1) {
      text += slice.slice(at, line);
      const moves = slice.startsWith(indent.from, line) && !this.isInLiteral(start + line);
      text += moves ? indent.to : '';
      at = moves ? line + indent.from.length : line;
    }
    return text + slice.slice(at);
  }

  private isInLiteral(offset: number): boolean {
    return this.literals.some((literal) => literal.start < offset && offset <= literal.end);
  }

  /** Matches are sorted by their start. */
  private firstFrom(start: number): number {
    let [low, high] = [0, this.matches.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.matches[middle] as Match).start < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

interface Reindent {
  from: string;
  to: string;
}

function reindentText(text: string, indent: Reindent | null): string {
  if (indent === null || indent.from === indent.to) return text;
  return text.replaceAll(`\n${indent.from}`, `\n${indent.to}`);
}

function isSame(match: Match, other: Match | null): boolean {
  return other !== null && match.start === other.start && match.end === other.end;
}
