import { parsePlan, type ParsePlanOptions } from './parse-plan.ts';

/** A plan that declares these params and shows each in a label. */
function planWith(params: string, labels = ''): string {
  return `version: 1\nname: p\nparams: ${params}\nlabels: {${labels}}\nsteps: [{name: a, noop: true}]`;
}

function paramsOf(params: string, given: Record<string, unknown> = {}): unknown {
  const parsed = parsePlan(planWith(params), { params: given });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 1));
  return parsed.definition.params;
}

function problemsOf(text: string, options: ParsePlanOptions = {}): string[] {
  const parsed = parsePlan(text, options);
  if (parsed.ok) throw new Error('this plan was taken');
  return parsed.problems.map(
    ({ code, path, line, column, message, hint }) =>
      `${line}:${column} ${path} ${code}: ${message}${hint ? ` (${hint})` : ''}`,
  );
}

describe('params of a plan', () => {
  it('have the values that are given, else their defaults', () => {
    const declared = `{
      text: { default: es2022 }, short: es2022, count: 3, yes: true, list: [a, 1, false],
      number: { type: number }, flag: { type: boolean, default: false }, many: { type: list, default: [] },
      one: { enum: [x, y], default: x }, size: { enum: [1, 2], description: how large } }`;
    expect(paramsOf(declared, { number: 7, short: 'es5', many: ['b'], one: 'y', size: 2 })).toEqual({
      text: 'es2022',
      short: 'es5',
      count: 3,
      yes: true,
      list: ['a', 1, false],
      number: 7,
      flag: false,
      many: ['b'],
      one: 'y',
      size: 2,
    });
  });

  it('may be given as text, as a command line does', () => {
    const declared =
      '{ n: { type: number }, b: { type: boolean }, l: { type: list }, j: { type: list }, e: { type: list }, s: {} }';
    const given = { n: '-1.5', b: 'true', l: 'a, b', j: '["x,y", 2]', e: '', s: '12' };
    expect(paramsOf(declared, given)).toEqual({
      n: -1.5,
      b: true,
      l: ['a', 'b'],
      j: ['x,y', 2],
      e: [],
      s: '12',
    });
  });

  it.each<[string, string, Record<string, unknown>, string]>([
    [
      'missing',
      '{ target: {} }',
      {},
      '3:11 params.target missing-param: the param `target` must be given (--param target=...)',
    ],
    [
      'unknown',
      '{ target: a }',
      { tarket: 'x' },
      '3:1 params unknown-param: the plan declares no param "tarket" (did you mean `target`?)',
    ],
    ['unknown where there are none', '{}', { x: 1 }, 'declares no param "x" (it declares none)'],
    [
      'of the wrong type',
      '{ n: 3 }',
      { n: 'three' },
      'params.n wrong-param: the param `n`: expected a number, got "three"',
    ],
    ['no whole text', '{ b: true }', { b: 'yes' }, 'expected true or false, got "yes"'],
    [
      'not one of the allowed',
      '{ t: { enum: [es2022, es5] } }',
      { t: 'es2202' },
      '"es2202" is not one of those that it may have; did you mean "es2022"?',
    ],
    ['a map', '{ t: a }', { t: { x: 1 } }, 'expected text, got a map of keys'],
    [
      'a list of maps',
      '{ t: [a] }',
      { t: [{ x: 1 }] },
      'a list holds texts, numbers, true and false, not a map of keys',
    ],
    ['nothing', '{ t: a }', { t: null }, 'expected text, got nothing'],
    ['a text that no program can be given', '{ t: a }', { t: 'a\0b' }, 'holds a NUL character'],
    ['too long', '{ t: a }', { t: 'x'.repeat(40_000) }, 'longer than 32768 characters'],
    ['a list that is too long', '{ t: [a] }', { t: Array(10_001).fill('x') }, 'a list of more than 10000'],
  ])('that are %s are told of at their place', (_, declared, given, expected) => {
    expect(problemsOf(planWith(declared), { params: given }).join('\n')).toContain(expected);
  });

  it.each<[string, string]>([
    ['{ 1a: x }', 'a name of a value is'],
    ['{ a-b: x }', 'this one has `-`'],
    ['{ in: x }', 'a word of the expression language'],
    ['{ a: null }', 'expected { type, default, enum, description } or a default value, got nothing'],
    ['{ a: { type: text } }', 'expected one of string, number, boolean, list'],
    ['{ a: { defualt: 1 } }', 'unknown key `defualt` (did you mean `default`?)'],
    ['{ a: { type: number, default: x } }', 'params.a.default wrong-value: expected a number, got "x"'],
    ['{ a: { enum: [x], default: y } }', '"y" is not one of those'],
    ['{ a: { enum: [x, 1] } }', 'params.a.enum[1] wrong-value: 1 is no string'],
    ['{ a: { enum: [] } }', 'the list is empty'],
    ['{ a: { type: list, enum: [x] } }', 'a list cannot have an `enum`'],
    ['{ a: .inf }', 'expected'],
    ['{ a: "${{ params.b }}", b: x }', 'expressions mean nothing here'],
  ])('that are declared as %s are wrong', (declared, expected) => {
    expect(problemsOf(planWith(declared)).join('\n')).toContain(expected);
  });

  it('that are wrong are told of once, and not again where they are used', () => {
    const text = planWith('{ t: {} }', 'a: "${{ params.t }}", b: "x-${{ params.t }}"');
    expect(problemsOf(text)).toEqual([expect.stringContaining('missing-param')]);
    expect(problemsOf(text, { params: { t: 5 } })).toEqual([expect.stringContaining('wrong-param')]);
  });

  it('are part of what the plan is pinned to', () => {
    const text = planWith('{ a: x }');
    const digest = (params: Record<string, unknown>) => {
      const parsed = parsePlan(text, { params });
      return parsed.ok && parsed.digest;
    };
    expect(digest({})).toBe(digest({}));
    expect(new Set([digest({}), digest({ a: 'x' }), digest({ a: 'y' })]).size).toBe(3);
  });

  it('cannot reach the prototype of anything', () => {
    const given = JSON.parse('{"__proto__": {"x": 1}}') as Record<string, unknown>;
    expect(problemsOf(planWith('{ a: x }'), { params: given }).join()).toContain('no param "__proto__"');
    expect(problemsOf(planWith('{ a: x }'), { params: { constructor: 'x' } }).join()).toContain(
      'no param "constructor"',
    );
    expect(problemsOf(planWith('{ a: {} }')).join()).toContain('must be given');
  });
});
