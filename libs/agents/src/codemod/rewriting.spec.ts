import { rewrite } from './rewriting.ts';
import { RuleError } from './rule-error.ts';
import { parseRules } from './rules.ts';

function rewritten(rules: string, source: string, file = 'a.js', language = 'JavaScript'): string {
  const result = rewrite(source, file, parseRules(rules, language));
  if (result.status !== 'rewritten') throw new Error(result.message);
  return result.text;
}

const RENAME = `
id: rename
rule: { pattern: 'oldName($$$ARGS)' }
fix: newName($$$ARGS)
`;

describe('rewriting a source by a rule', () => {
  it('renames every call and keeps arguments, comments and everything around', () => {
    const source = `#!/usr/bin/env node
'use strict';
oldName(); // 1
const x = [oldName(1, /* two */ 'zwei é😀', ...rest), other.oldName(3)];
module.exports = (a) => oldName(a,);
`;
    expect(rewritten(RENAME, source)).toBe(`#!/usr/bin/env node
'use strict';
newName(); // 1
const x = [newName(1, /* two */ 'zwei é😀', ...rest), other.oldName(3)];
module.exports = (a) => newName(a,);
`);
  });

  it('rewrites matches inside of matches, each exactly once', () => {
    const source = 'oldName(oldName(1, oldName(2)), other(oldName(3)));\noldName(4);\n';
    const result = rewrite(source, 'a.js', parseRules(RENAME, 'js'));
    expect(result).toEqual({
      status: 'rewritten',
      text: 'newName(newName(1, newName(2)), other(newName(3)));\nnewName(4);\n',
      matches: 5,
    });
  });

  it('ends although the fix makes new matches', () => {
    expect(rewritten(`{ rule: { pattern: 'f($A)' }, fix: 'f(f($A))' }`, 'f(f(1))')).toBe('f(f(f(f(1))))');
  });

  it('counts a match once that the fix repeats, and drops one that the fix drops', () => {
    const twice = parseRules(`{ rule: { pattern: 'f($A)' }, fix: 'g($A, $A)' }`, 'js');
    expect(rewrite('f(f(1))', 'a.js', twice)).toEqual({
      status: 'rewritten',
      text: 'g(g(1, 1), g(1, 1))',
      matches: 2,
    });
    const none = parseRules(`{ rule: { pattern: 'f($A)' }, fix: 'g()' }`, 'js');
    expect(rewrite('f(f(1))', 'a.js', none)).toEqual({ status: 'rewritten', text: 'g()', matches: 1 });
  });

  it('turns a callback into await, with its body moved to its new depth', () => {
    const rule = `
id: callbacks-to-async
rule:
  pattern: |
    readConfig($PATH, function ($ERR, $DATA) {
      if ($ERR) throw $ERR;
      $$$BODY
    })
fix: |-
  const $DATA = await readConfig($PATH);
  $$$BODY
`;
    const source = `async function load(path) {
  readConfig(path, function (err, config) {
    if (err) throw err;
    if (config.debug) {
      log(config);
    }
    use(config);
  });
}
`;
    expect(rewritten(rule, source)).toBe(`async function load(path) {
  const config = await readConfig(path);
  if (config.debug) {
    log(config);
  }
  use(config);;
}
`);
  });

  it('wraps code of several lines with the right indentation', () => {
    const rule = `
rule: { kind: call_expression, pattern: 'run($A)' }
fix: |-
  wrapped(
    $A
  )
`;
    expect(rewritten(rule, 'if (x) {\n  run(\n    1\n      + 2\n  )\n}\n')).toBe(
      'if (x) {\n  wrapped(\n    1\n      + 2\n  )\n}\n',
    );
  });

  it('never touches the lines of a template string', () => {
    const source = '{\n    f(`a\n    b\n  c`, {\n        x: 1,\n    });\n}';
    expect(rewritten(`{ rule: { pattern: 'f($A, $B)' }, fix: "{\\n  g($A, $B)\\n}" }`, source)).toBe(
      '{\n    {\n      g(`a\n    b\n  c`, {\n          x: 1,\n      })\n    };\n}',
    );
  });

  it('keeps line ends and a byte order mark', () => {
    const rule = `{ rule: { pattern: 'f($A)' }, fix: "g(\\n  $A\\n)" }`;
    expect(rewritten(rule, '\ufefff(1);\r\nh();\r\n')).toBe('\ufeffg(\r\n  1\r\n);\r\nh();\r\n');
  });

  it('applies several rules in their order, with constraints, utils and transforms', () => {
    const rules = `
id: numbers
rule: { pattern: 'f($A)' }
constraints: { A: { kind: number } }
fix: number($A)
---
id: rest
rule: { all: [{ matches: call }, { not: { inside: { kind: array } } }] }
utils: { call: { pattern: 'f($A)' } }
transform:
  UPPER: { convert: { source: $A, toCase: upperCase } }
fix: $UPPER
---
`;
    expect(rewritten(rules, 'f(1); f(abc); [f(x)];')).toBe('number(1); ABC; [f(x)];');
  });

  it('removes an item with its comma', () => {
    const rule = `
rule: { pattern: { context: '({ debug: $V })', selector: pair } }
fix: { template: '', expandEnd: { regex: '^,$' } }
`;
    expect(rewritten(rule, 'x = {a: 1,debug: true,b: 2};')).toBe('x = {a: 1,b: 2};');
    const before = `
rule: { pattern: debug, kind: identifier, inside: { kind: array } }
fix: { template: '', expandStart: { regex: '^,$', stopBy: end } }
`;
    expect(rewritten(before, 'x = [a,debug];')).toBe('x = [a];');
  });

  it('leaves other signs of money in a fix alone', () => {
    const rule = '{ rule: { pattern: "f($A)" }, fix: "`${$A} $b $1 $`" }';
    expect(rewritten(rule, 'f(x)')).toBe('`${x} $b $1 $`');
  });

  it('reads TypeScript, and .tsx files of a TypeScript rule as such', () => {
    const rule = `{ rule: { pattern: 'f<$T>($A)' }, fix: 'g<$T>($A)' }`;
    expect(rewritten(rule, 'const a: number = f<Foo>(1 as any);', 'a.ts', 'TypeScript')).toBe(
      'const a: number = g<Foo>(1 as any);',
    );
    expect(rewritten(rule, 'const a = <p>{f<Foo>(1)}</p>;', 'a.tsx', 'TypeScript')).toBe(
      'const a = <p>{g<Foo>(1)}</p>;',
    );
  });

  it('applies a rule that names its language to files of that language only', () => {
    const rules = `{ language: css, rule: { kind: plain_value, regex: '^red$' }, fix: blue }\n---\n${RENAME}`;
    expect(rewritten(rules, 'oldName()', 'a.js')).toBe('newName()');
    expect(rewritten(rules.split('---')[0]!, 'a { color: red }', 'a.css')).toBe(
      'a { color: red }'.replace('red', 'blue'),
    );
  });

  it.each([
    ['function f( { }', /^syntax error at line 1, column \d+$/],
    ['const ok = 1;\nconst x = ;\n', /^syntax error at line 2, column 9$/],
    ['if (a { b }', /^"\)" is missing at line 1, column 6$/],
    ['<<<<<<< HEAD\na();\n=======\nb();\n>>>>>>> x\n', /^syntax error/],
  ])('says where %j cannot be parsed', (source, message) => {
    const result = rewrite(source, 'a.js', parseRules(RENAME, 'js'));
    expect(result).toMatchObject({ status: 'unparsable', message: expect.stringMatching(message) });
  });

  it('parses empty files and every kind of empty thing', () => {
    for (const source of [
      '',
      '\n',
      '``;"";<></>;/(?:)/;for(;;){};class A {};x = {};(() => {})();',
      '// only\n',
    ]) {
      expect(rewrite(source, 'a.jsx', parseRules(RENAME, 'js'))).toMatchObject({
        status: 'rewritten',
        text: source,
      });
    }
    const html = parseRules(`{ rule: { kind: comment }, fix: '' }`, 'html');
    const page = '<p></p><script></script><style></style><a href=""></a>';
    expect(rewrite(page, 'a.html', html)).toMatchObject({ status: 'rewritten', text: page });
  });

  it('does not hand out a source that its own fix broke', () => {
    const result = rewrite(
      'f(1)',
      'a.js',
      parseRules(`{ id: bad, rule: { pattern: 'f($A)' }, fix: 'g($A' }`, 'js'),
    );
    expect(result).toMatchObject({
      status: 'unparsable',
      message: expect.stringMatching(/^after bad it could not/),
    });
  });
});

describe('rules that are wrong', () => {
  it.each([
    ['', /there is no rule/],
    ['---\n---\n', /there is no rule/],
    ['- a\n- b', /document 1 is no rule/],
    ['rule: [', /document 1 is no YAML/],
    [`{ rule: { pattern: a } }`, /document 1 \(rule 1\): "fix" is missing/],
    [`{ id: x, fix: a }`, /document 1 \(x\): "rule" is missing/],
    [`{ rule: { patern: a }, fix: b }`, /unknown field `patern`/],
    [`{ rule: { kind: nope }, fix: b }`, /Kind `nope` is invalid/],
    [`{ rule: { pattern: a, regex: '(' }, fix: b }`, /regex parse error/],
    [`{ rule: { pattern: a }, fixx: b, fix: c }`, /"fixx" is unknown; known are id, language/],
    [
      `{ rule: { pattern: a }, fix: b, language: Klingon }`,
      /the language "Klingon" is unknown; known are JavaScript/,
    ],
    [`{ rule: { pattern: 'f($A)' }, fix: 'g($B)' }`, /"fix" uses \$B, which the rule does not capture/],
    [
      `{ rule: { pattern: 'f($A)' }, fix: { template: 'g', expandEnd: { kind: nope } } }`,
      /Kind `nope` is invalid/,
    ],
    [`{ rule: { pattern: 'f($A)' }, fix: { text: 'g' } }`, /"text" in "fix" is unknown/],
    [`{ rule: { pattern: a }, fix: b, files: ['*.js'] }`, /the step says which files/],
    [`{ rule: { pattern: a }, fix: b, rewriters: [] }`, /"rewriters" are not supported/],
    [
      `{ rule: { pattern: $A }, fix: $B, transform: { B: { rewrite: { source: $A, rewriters: [x] } } } }`,
      /not supported/,
    ],
    [
      `{ rule: { pattern: a }, fix: b }\n---\n{ rule: {}, fix: b }`,
      /document 2 \(rule 2\): .*positive matcher/,
    ],
  ])('%j: says what and where', (text, message) => {
    expect(() => parseRules(text, 'JavaScript')).toThrow(message);
    expect(() => parseRules(text, 'JavaScript')).toThrow(RuleError);
  });
});
