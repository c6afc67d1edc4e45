/** One selector of a query: `name{label="value"}[5m]`. */
export interface Selector {
  name: string;
  matchers: { label: string; op: '=' | '!=' | '=~' | '!~'; value: string }[];
  /** Asked for with a range: `[5m]`. */
  ranged: boolean;
}

/** What a query asks for. */
export interface Query {
  selectors: Selector[];
  /** Labels that something is grouped or joined by. */
  groupings: string[];
  functions: { name: string; of: Selector[] }[];
}

/** Reads a query of Prometheus, or throws where it is none. Grafana's `$variables` count as values and durations. */
export function parsePromQL(text: string): Query {
  return new Parser(text).parse();
}

type Kind = 'number' | 'string' | 'name' | 'duration' | 'op' | 'end';
interface Token {
  kind: Kind;
  text: string;
}

const TOKENS: [Kind | null, RegExp][] = [
  [null, /\s+/y],
  ['duration', /\$__(rate_)?interval|(\d+(ms|[smhdwy]))+/y],
  ['number', /\d+(\.\d+)?([eE][+-]?\d+)?/y],
  ['string', /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y],
  ['name', /[a-zA-Z_:][a-zA-Z0-9_:]*/y],
  ['op', /==|!=|<=|>=|=~|!~|[-+*/%^<>=(){},[\]:]/y],
];

const AGGREGATIONS = new Set(['sum', 'min', 'max', 'avg', 'count', 'topk', 'bottomk', 'quantile', 'stddev']);
const FUNCTIONS = new Set([
  'rate',
  'irate',
  'increase',
  'deriv',
  'changes',
  'absent',
  'histogram_quantile',
  'clamp_min',
  'clamp_max',
  'time',
  'vector',
]);
const BINARY = new Set([
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  '==',
  '!=',
  '<',
  '>',
  '<=',
  '>=',
  'and',
  'or',
  'unless',
]);

class Parser {
  private readonly tokens: Token[];
  private at = 0;
  private readonly query: Query = { selectors: [], groupings: [], functions: [] };

  constructor(private readonly text: string) {
    this.tokens = tokenize(text);
  }

  parse(): Query {
    this.expression();
    if (this.peek().kind !== 'end') this.fail('the end');
    return this.query;
  }

  /** Operators are all alike here: what binds tighter does not change what is asked for. */
  private expression(): void {
    this.operand();
    while (BINARY.has(this.peek().text)) {
      this.next();
      if (this.take('bool')) continue;
      if (this.take('on') || this.take('ignoring')) this.labels();
      if (this.take('group_left') || this.take('group_right')) if (this.peek().text === '(') this.labels();
      this.operand();
    }
  }

  private operand(): void {
    const token = this.next();
    if (token.text === '-' || token.text === '+') return this.operand();
    if (token.kind === 'number') return;
    if (token.text === '(') {
      this.expression();
      this.expect(')');
      return;
    }
    if (token.kind !== 'name') this.fail('a metric, a function or a number', token);
    if (AGGREGATIONS.has(token.text)) return this.aggregation();
    if (this.peek().text === '(') return this.call(token.text);
    this.selector(token.text);
  }

  private aggregation(): void {
    const before = this.grouping();
    this.parameters();
    if (!before) this.grouping();
  }

  private grouping(): boolean {
    if (!this.take('by') && !this.take('without')) return false;
    this.labels();
    return true;
  }

  private call(name: string): void {
    if (!FUNCTIONS.has(name)) this.fail(`a function that exists, not ${name}`);
    const from = this.query.selectors.length;
    this.parameters();
    this.query.functions.push({ name, of: this.query.selectors.slice(from) });
  }

  private parameters(): void {
    this.expect('(');
    while (!this.take(')')) {
      if (this.peek().kind === 'string') this.next();
      else this.expression();
      if (!this.take(',') && this.peek().text !== ')') this.fail('a comma or )');
    }
  }

  private labels(): void {
    this.expect('(');
    while (!this.take(')')) {
      const label = this.next();
      if (label.kind !== 'name') this.fail('a label', label);
      this.query.groupings.push(label.text);
      if (!this.take(',') && this.peek().text !== ')') this.fail('a comma or )');
    }
  }

  private selector(name: string): void {
    const selector: Selector = { name, matchers: [], ranged: false };
    if (this.take('{')) {
      while (!this.take('}')) {
        selector.matchers.push(this.matcher());
        if (!this.take(',') && this.peek().text !== '}') this.fail('a comma or }');
      }
    }
    if (this.take('[')) {
      if (this.next().kind !== 'duration') this.fail('a duration');
      this.expect(']');
      selector.ranged = true;
    }
    this.query.selectors.push(selector);
  }

  private matcher(): Selector['matchers'][number] {
    const label = this.next();
    const op = this.next().text;
    const value = this.next();
    if (label.kind !== 'name' || value.kind !== 'string') this.fail('label="value"', label);
    if (op !== '=' && op !== '!=' && op !== '=~' && op !== '!~') return this.fail('=, !=, =~ or !~');
    return { label: label.text, op, value: value.text.slice(1, -1) };
  }

  private peek(): Token {
    return this.tokens[this.at]!;
  }

  private next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.at += 1;
    return token;
  }

  private take(text: string): boolean {
    if (this.peek().text !== text || this.peek().kind === 'string') return false;
    this.at += 1;
    return true;
  }

  private expect(text: string): void {
    if (!this.take(text)) this.fail(text);
  }

  private fail(expected: string, found = this.peek()): never {
    throw new Error(`expected ${expected}, found ${found.text || 'the end'} in: ${this.text}`);
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const found = TOKENS.map(([kind, pattern]) => {
      pattern.lastIndex = at;
      return { kind, match: pattern.exec(text)?.[0] };
    }).find(({ match }) => match !== undefined);
    if (!found?.match) throw new Error(`cannot read ${text.slice(at, at + 20)} in: ${text}`);
    if (found.kind !== null) tokens.push({ kind: found.kind, text: found.match });
    at += found.match.length;
  }
  return [...tokens, { kind: 'end', text: '' }];
}
