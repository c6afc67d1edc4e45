import fc from 'fast-check';
import { ExpressionError, type ExpressionScope, type JsonValue } from '#domain';
import { celExpressions } from './cel-expressions.ts';
import { cachedExpressions } from './expression-cache.ts';
import { FUNCTIONS } from './functions.ts';

function scope(change: Partial<ExpressionScope> = {}): ExpressionScope {
  return {
    params: { target: 'es2022', full: true, count: 3, regions: ['eu', 'us'] },
    with: { file: 'a.js' },
    plan: { id: 'p1', name: 'plan' },
    step: { name: 'fix[a]', ordinal: 7 },
    matrix: { value: 'a' },
    needs: {
      plan: {
        name: 'plan',
        outcome: 'passed',
        outputs: { files: ['x.js', 'y.js'], score: 2.5, note: null, nested: { deep: [1, 2] } },
        matrix: null,
      },
      'convert-all': {
        all: ['eu', 'us'].map((value, at) => ({
          name: `convert-all[${value}]`,
          outcome: at === 0 ? 'passed' : 'skipped',
          outputs: at === 0 ? { files: ['e.js'] } : {},
          matrix: { value },
        })),
      },
    },
    ...change,
  };
}

function evaluate(source: string, within = scope()): JsonValue {
  return celExpressions.evaluate(source, within);
}

function messageOf(source: string, within = scope()): string {
  try {
    return `gives ${JSON.stringify(celExpressions.evaluate(source, within))}`;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return error.message;
  }
}

describe('an expression', () => {
  it.each<[string, JsonValue]>([
    ['params.count + 1', 4],
    ['7 / 2', 3.5],
    ['int(7 / 2)', 3],
    ['7 % 2', 1],
    ['-params.count', -3],
    ['1 + 2 * 3', 7],
    ['params.target == "es2022" && params.full', true],
    ['!params.full || params.count > 2', true],
    ['params.count >= 3 ? "many" : "few"', 'many'],
    ['"a" + "b"', 'ab'],
    ['[1] + [2, "x"]', [1, 2, 'x']],
    ['{"a": params.count}.a', 3],
    ['"eu" in params.regions', true],
    ['"files" in needs.plan.outputs', true],
    ['matrix.value', 'a'],
    ['with.file', 'a.js'],
    ['plan.id + "/" + string(step.ordinal)', 'p1/7'],
    ['needs.plan.outputs.files[1]', 'y.js'],
    ['needs.plan.outputs["files"][0]', 'x.js'],
    ['needs.plan.outputs.note', null],
    ['needs.plan.outputs.note == null', true],
    ['has(needs.plan.outputs.files) && !has(needs.plan.outputs.nope)', true],
    ['needs["convert-all"].all.map(x, x.matrix.value)', ['eu', 'us']],
    ['needs["convert-all"].all.filter(x, x.outcome == "passed").map(x, x.outputs.files).flatten()', ['e.js']],
    ['needs["convert-all"].all.map(x, x.outcome == "passed", x.outputs.files)', [['e.js']]],
    ['params.regions.all(r, size(r) == 2)', true],
    ['params.regions.exists(r, r == "us")', true],
    ['params.regions.exists_one(r, r == "us")', true],
    ['needs.plan.outputs.nested.map(k, k)', ['deep']],
    ['cel.bind(n, size(params.regions), n * n)', 4],
    [
      '[1, 2].map(x, [10, 20].map(y, x + y))',
      [
        [11, 21],
        [12, 22],
      ],
    ],
    ['1 == 1.0', true],
    ['"1" == 1', false],
    ['{"a": 1, "b": [2]} == {"b": [2], "a": 1}', true],
    ['"b" > "a"', true],
    ['[[1, 2], [3]].flatten()', [1, 2, 3]],
    ['[3, 1, 2].sort()', [1, 2, 3]],
    ['["b", "a", "b"].sort().distinct()', ['a', 'b']],
    ['chunk(["a", "b", "c"], 2)', [['a', 'b'], ['c']]],
    ['["a", "b", "c"].chunk(5)', [['a', 'b', 'c']]],
    ['[].chunk(3)', []],
    ['range(3)', [0, 1, 2]],
    ['[1, 2, 3, 4].slice(1, 3)', [2, 3]],
    ['[1, 2.5].sum()', 3.5],
    ['["a", "b"].join("-") + ["x"].join()', 'a-bx'],
    ['"a,b,,c".split(",")', ['a', 'b', '', 'c']],
    ['"ab".split("")', ['a', 'b']],
    ['size("a😀") + size([1]) + size({"k": 1})', 4],
    ['"a😀b".substring(1, 2) + "abc".substring(1)', '😀bc'],
    ['"a😀b".indexOf("b") + "abab".lastIndexOf("b") + "a".indexOf("x")', 4],
    ['"src/a.js".startsWith("src/") && "src/a.js".endsWith(".js") && "src/a.js".contains("/a")', true],
    ['"a.b.c".replace(".", "/")', 'a/b/c'],
    ['"  Ä x ".trim().upperAscii() + "ÄX".lowerAscii()', 'Ä XÄx'],
    ['int("42") + int(3.9) + double("0.5") + (bool("true") ? 1 : 0)', 46.5],
    ['string(true) + string(1.5) + string([1, "a"]) + string("s")', 'true1.5[1,"a"]s'],
    ['true || needs.plan.outputs.nope', true],
    ['needs.plan.outputs.nope || true', true],
    ['[1, "x", 3].exists(x, x > 2)', true],
    ["r'\\d' + 'it\\'s'", "\\dit's"],
  ])('%s is %j', (source, expected) => {
    expect(evaluate(source)).toEqual(expected);
  });

  it.each([
    ['needs.plan.outputs.fils', '`needs.plan.outputs` has no "fils"; did you mean "files"?'],
    ['needs["convert-all"].outputs', '`needs["convert-all"]` has no "outputs"'],
    ['needs.other.outputs', '`needs` has no "other"'],
    ['prams.x', 'there is no "prams"'],
    ['params.regions.x', '`params.regions` has no "x": it is a list'],
    ['params.regions[2]', '`params.regions` has 2 items, and none at 2'],
    ['params.regions[-1]', 'none at -1'],
    ['params.regions[0.5]', 'no place in a list'],
    ['params.count["x"]', 'it is a number'],
    ['params.target + 1', 'cannot add a text and a number: make a text of it with string()'],
    ['params.full + true', 'cannot add true/false and true/false'],
    ['params.target && true', '`&&` takes true or false, not "es2022"'],
    ['params.target ? 1 : 2', 'takes true or false'],
    ['!params.count', 'takes true or false, not 3'],
    ['1 / 0', 'division by 0'],
    ['1 % 0', 'division by 0'],
    ['1.0e308 * 10', 'too large'],
    ['"a" < 1', 'have no order'],
    ['"a" in "abc"', 'a text is asked with .contains()'],
    ['1.map(x, x)', 'it is a number'],
    ['params.regions.map(x, nope)', 'there is no "nope"'],
    ['[1].join()', 'join() takes a list of texts'],
    ['chunk([1], 0)', 'at least 1 item'],
    ['range(1.5)', 'a whole number from 0 on'],
    ['int("x")', 'int() takes'],
    ['"abc".substring(2, 1)', 'substring(2, 1)'],
    ['{1: 2}', 'a key is a text'],
    ['9007199254740993', 'too large for a whole number'],
    ['"abc".matches("a*")', 'there is no method "matches"'],
    ['b"x"', 'bytes'],
    ['1u', 'unsigned'],
    ['1 +', 'ends too early'],
    ['', 'empty'],
    ['a = b', 'did not expect "="'],
  ])('%s cannot be evaluated, and says why', (source, message) => {
    expect(messageOf(source)).toContain(message);
  });

  it('without a matrix has none', () => {
    expect(messageOf('matrix.value', scope({ matrix: null }))).toContain(
      '`matrix` has no "value": this step has none',
    );
    expect(evaluate('matrix == null', scope({ matrix: null }))).toBe(true);
  });

  it('cannot reach what belongs to JavaScript', () => {
    for (const source of [
      'params.constructor',
      'params.__proto__',
      'params["__proto__"]',
      'params.regions.length',
      '"x".constructor',
      'toString',
      'constructor',
      'needs.hasOwnProperty',
      'has(params.constructor) ? 1 : params.constructor',
    ]) {
      expect(messageOf(source)).toMatch(/has no|there is no/);
    }
    expect(evaluate('{"__proto__": {"x": 1}}')).toEqual(JSON.parse('{"__proto__": {"x": 1}}'));
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('gives a copy: what it gave can be changed without changing what it looked at', () => {
    const within = scope();
    (evaluate('params.regions', within) as string[]).push('changed');
    expect(within.params['regions']).toEqual(['eu', 'us']);
  });

  it('has a test for every function that there is', () => {
    const tested = [
      'size string int double bool range chunk flatten distinct sort slice sum join split contains startsWith',
      'endsWith indexOf lastIndexOf substring replace trim lowerAscii upperAscii',
    ];
    expect([...FUNCTIONS.keys()].sort()).toEqual(tested.join(' ').split(' ').sort());
  });
});

describe('an expression that is too much', () => {
  const long = scope({
    params: { list: Array.from({ length: 20_000 }, (_, at) => at), text: 'x'.repeat(60_000) },
  });
  const doubling = (start: string, count: number) =>
    Array.from({ length: count }, (_, at) => at).reduceRight(
      (body, at) => `cel.bind(a${at}, ${at === 0 ? start : `a${at - 1} + a${at - 1}`}, ${body})`,
      `size(a${count - 1})`,
    );

  it.each([
    ['a loop in a loop', 'params.list.all(x, params.list.exists(y, y == x))'],
    ['a search in a loop', 'params.list.all(x, x in params.list)'],
    ['a list that doubles', doubling('params.list', 20)],
    ['a text that doubles', doubling('params.text', 20)],
    ['a text in a loop', 'params.list.map(x, params.text + params.text).size()'],
    ['errors in a loop', 'params.list.exists(x, x.nope)'],
    ['texts in a loop', 'params.list.map(x, size(params.text)).sum()'],
    ['long ranges', 'range(1000000).size()'],
    ['ranges of ranges', 'range(90000).map(x, range(90000)).size()'],
    ['a comparison of long lists in a loop', 'params.list.map(x, params.list == params.list + []).size()'],
    ['JSON in a loop', 'params.list.map(x, string(params.list)).size()'],
    ['a split in a loop', 'params.list.map(x, params.text.split("x")).size()'],
    ['a replacement that grows', 'params.text.replace("x", params.text).size()'],
    ['a join that grows', 'params.list.map(x, "x").join(params.text).size()'],
  ])('%s ends in time', (_, source) => {
    const before = process.cpuUsage();
    expect(messageOf(source, long)).toMatch(/too much|longer than|more than/);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000);
  });

  it('still lets ten thousand results be looked at', () => {
    const all = Array.from({ length: 10_000 }, (_, at) => ({
      name: `scan[${at}]`,
      outcome: 'passed' as const,
      outputs: { ok: true, found: at % 2 },
      matrix: { value: String(at) },
    }));
    const within = scope({ needs: { scan: { all } } });
    expect(evaluate('needs.scan.all.all(s, s.outputs.ok)', within)).toBe(true);
    expect(evaluate('needs.scan.all.filter(s, s.outputs.found > 0).size()', within)).toBe(5_000);
    expect(
      evaluate('needs.scan.all.map(s, s.outputs.found > 0, s.matrix.value).chunk(500).size()', within),
    ).toBe(10);
  });

  it('gives at most 64 KB', () => {
    expect(messageOf('params.text + params.text', long)).toContain('it gives more than 64 KB');
    expect(messageOf('params.list', long)).toContain('it gives more than 64 KB');
    expect(messageOf('["ä"].map(x, params.text.substring(0, 10).replace("x", "\\u0001"))', long)).toMatch(
      /^gives/,
    );
  });

  it.each([
    ['!'.repeat(4_000) + 'true'],
    ['-'.repeat(4_000) + '1'],
    ['('.repeat(2_000) + '1' + ')'.repeat(2_000)],
    ['1' + '+1'.repeat(2_000)],
    ['[' + '1,'.repeat(2_000) + '1]'],
    ['a' + '.b'.repeat(2_000)],
    ['true ? '.repeat(500) + '1' + ' : 1'.repeat(500)],
    ['x'.repeat(4_097)],
  ])('is refused when it is read: %.30s', (source) => {
    expect(messageOf(source)).toMatch(/too long|longer than/);
  });

  it('does not fill the memory when every step has another one', () => {
    for (let at = 0; at < 20_000; at++) evaluate(`params.count + ${at}`);
    expect(cachedExpressions().weight).toBeLessThanOrEqual(50_000);
    expect(cachedExpressions().count).toBeGreaterThan(100);
  });
});

describe('any expression', () => {
  const leaf = fc.constantFrom(
    ...[
      'params.list',
      'params.text',
      'params.n',
      'matrix.value',
      'needs.a.outputs',
      'true',
      '1',
      '"x"',
      '[]',
      'null',
      'x',
      'params',
    ],
  );
  const source: fc.Arbitrary<string> = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      fc
        .tuple(tie('node'), fc.constantFrom(...'+ - * / % == != < <= in && ||'.split(' ')), tie('node'))
        .map(([a, op, b]) => `(${a as string} ${op} ${b as string})`),
      fc
        .tuple(tie('node'), fc.constantFrom('map', 'filter', 'all', 'exists', 'exists_one'), tie('node'))
        .map(([a, loop, b]) => `(${a as string}).${loop}(x, ${b as string})`),
      fc
        .tuple(
          tie('node'),
          fc.constantFrom(
            'size()',
            'join()',
            'flatten()',
            'sort()',
            'distinct()',
            'sum()',
            'trim()',
            'split("")',
            'chunk(2)',
            'slice(0, 5)',
          ),
        )
        .map(([a, call]) => `(${a as string}).${call}`),
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a as string})[${b as string}]`),
      tie('node').map((a) => `string(${a as string})`),
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => `{"k": ${a as string}, string(${b as string}): 1}`),
      fc
        .tuple(tie('node'), tie('node'), tie('node'))
        .map(([a, b, c]) => `(${a as string} ? ${b as string} : ${c as string})`),
    ),
  })).node;

  it('has a value or an ExpressionError, always the same one, and soon', () => {
    const within = scope({
      params: {
        list: Array.from({ length: 3_000 }, (_, at) => (at % 3 === 0 ? at : `t${at}`)),
        text: 'ab'.repeat(1_000),
        n: 4,
      },
      needs: { a: { name: 'a', outcome: 'passed', outputs: { k: [1], x: { y: null } }, matrix: null } },
    });
    fc.assert(
      fc.property(source, (expression) => {
        const before = process.cpuUsage();
        const first = messageOf(expression, within);
        expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000);
        expect(messageOf(expression, within)).toBe(first);
        expect(first).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
      }),
      { numRuns: 500 },
    );
  });

  it('is answered when it is any text at all', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60, unit: 'binary' }), (text) => {
        expect(messageOf(text)).toEqual(expect.any(String));
      }),
      { numRuns: 500 },
    );
  });
});

describe('an expression that is asked once for each step of a large group', () => {
  const loop = 'params.long.all(x, params.long.all(y, x <= y + 1000))';
  const long = Array.from({ length: 300 }, (_, index) => index);

  it('may cost less each time, so that all of them together cannot hold the decider', () => {
    const given = scope({ params: { long } });
    expect(celExpressions.evaluate('size(params.long) == 300', given, 10_000)).toBe(true);
    expect(() => celExpressions.evaluate(loop, given, 10_000)).toThrow('it looks at too much');
  });

  it('may cost what any expression may when the group is small', () => {
    const few = scope({ params: { long: long.slice(0, 100) } });
    expect(celExpressions.evaluate(loop, few, 1)).toBe(celExpressions.evaluate(loop, few, 50));
  });
});
