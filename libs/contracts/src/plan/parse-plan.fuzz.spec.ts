import fc from 'fast-check';
import { parsePlan, type ParsePlanOptions } from './parse-plan.ts';

const RUNS = 200;

const PLAN = `version: 1
name: callbacks-to-promises
repo: { url: ./service, base: main }
maxParallel: 8
integrate: { branch: team/promises, verify: [npm test], timeout: { attempt: 10m } }
steps:
  - name: convert
    matrix: { glob: 'src/**/*.js', exclude: [], chunk: 5 }
    codemod: { language: JavaScript, rules: "id: x", unparsable: report }
    env: &env { KEY: value }
  - name: fix
    needs: [convert]
    paths: { write: ['src/**'] }
    agent: { command: fix, prompt: please }
    env: *env
  - { name: join, needs: [fix], noop: true }
`;

/** What came with params, templates and expressions. */
const WHOLE = `version: 1
name: p-\${{ params.target }}
params: { target: { type: string, enum: [a, b], default: a }, n: 2, list: [x, y] }
labels: { n: '\${{ params.n }}' }
repo: .
deadline: 48h
locks: { db: 2 }
baseline: halt
integrate: { verify: ['check \${{ params.target }}'] }
progress: { branch: b, every: 1m }
defaults: { attempts: '\${{ params.n }}', env: { A: x } }
templateFiles: [t.yaml]
templates: { t: { run: 'x \${{ with.f }}', with: { f: 1 }, env: { B: y } } }
steps:
  - { name: plan, run: 'x "\${{ params.target }}"', outputs: [files] }
  - { name: a, include: [t, u], with: { f: '\${{ params.n }}' }, needs: [plan], when: 'has(needs.plan.outputs.files)' }
  - { name: b, needs: [plan], matrix: { from: needs.plan.outputs.files }, paths: { write: ['\${{ matrix.item }}'] }, codemod: { transform: x, options: { a: '\${{ params.list }}' } } }
  - { name: c, matrix: '\${{ params.list }}', locks: [db], run: { script: x, args: ['\${{ matrix.value }}'] } }
  - { name: d, needs: [a], wait: '\${{ needs.a.outcome }}' }
`;
const FILE = "version: 1\ntemplates:\n  u: { attempts: 3, verify: ['x ${{ with.f }}'] }\n";

/** Longer than any of the texts here may take, on a machine that has other things to do. */
const ANSWER_MS_MAX = 5_000;

/** Whatever the text is: an answer, never an exception, and one that points into the text and prints safely. */
function expectAnswer(text: string, given: Pick<ParsePlanOptions, 'params' | 'files'> = {}): void {
  const before = process.cpuUsage();
  const parsed = parsePlan(text, given);
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(ANSWER_MS_MAX);
  if (parsed.ok) {
    expect(JSON.parse(JSON.stringify(parsed.definition))).toEqual(parsed.definition);
    return;
  }
  expect(parsed.problems.length).toBeGreaterThan(0);
  for (const problem of parsed.problems) {
    const { file } = problem;
    const lines = (file === undefined ? text : given.files![file]!).split('\n');
    expect(problem.line).toBeGreaterThanOrEqual(1);
    expect(problem.line).toBeLessThanOrEqual(lines.length);
    expect(problem.column).toBeGreaterThanOrEqual(1);
    expect(problem.column).toBeLessThanOrEqual(lines[problem.line - 1]!.length + 1);
    const told = `${problem.message}${problem.path}${file === undefined ? '' : JSON.stringify(file)}${problem.hint ?? ''}`;
    expect(told).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  }
}

/** A text with pieces cut out, doubled and replaced. */
const mutated = (original: string) =>
  fc
    .array(
      fc.record({
        at: fc.nat(original.length),
        cut: fc.nat(12),
        put: fc.oneof(
          fc.constantFrom(
            '',
            ': ',
            '- ',
            '{',
            '}',
            '[',
            ']',
            '"',
            '&a ',
            '*env',
            '\n',
            '  ',
            '#',
            '!!str ',
            '|',
            '\0',
            '? ',
            '${{ ',
            ' }}',
            '$',
            'params.n',
            'needs',
            '.map(x, x)',
            "'",
            '(',
            'with',
            'include: t',
            '<<EOF',
          ),
          fc.string({ maxLength: 6, unit: 'binary' }),
        ),
      }),
      { minLength: 1, maxLength: 5 },
    )
    .map((edits) =>
      edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), original),
    );

const planKey = fc.constantFrom(
  'version',
  'name',
  'repo',
  'steps',
  'integrate',
  'needs',
  'run',
  'noop',
  'matrix',
  'agent',
  'codemod',
  'paths',
  'env',
  'values',
  'glob',
  'timeout',
  'params',
  'defaults',
  'templates',
  'templateFiles',
  'include',
  'with',
  'when',
  'from',
  'wait',
  'until',
  'locks',
  'labels',
  'priority',
  'deadline',
  'baseline',
  'progress',
  'script',
  'args',
  'options',
  '__proto__',
  'constructor',
  'toString',
);
const planShaped = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom<unknown>(
      1,
      0,
      -1,
      1e308,
      true,
      null,
      '',
      'a',
      'b',
      '10m',
      'none',
      '${{ params.a }}',
      '${{ [1] }}',
      'x ${{',
      'needs.a',
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(planKey, tie('value'), { maxKeys: 6 }),
  ),
})).value;

describe('parsePlan answers', () => {
  it('any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => expectAnswer(text)),
      { numRuns: RUNS },
    );
  });

  it('any JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => expectAnswer(text)),
      { numRuns: RUNS },
    );
  });

  it('anything that is nearly a plan in YAML', () => {
    fc.assert(
      fc.property(mutated(PLAN), (text) => expectAnswer(text)),
      { numRuns: RUNS },
    );
  });

  it('anything that is nearly a plan with params, templates and expressions, and anything beside it', () => {
    expect(parsePlan(WHOLE, { files: { 't.yaml': FILE } })).toMatchObject({ ok: true });
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('a', '3', 'true', 'x,y', '[1]', '${{ 1 }}'),
    );
    const params = fc.dictionary(fc.constantFrom('target', 'n', 'list', 'nope', '__proto__'), value, {
      maxKeys: 3,
    });
    const files = fc.oneof(
      mutated(FILE).map((text) => ({ 't.yaml': text })),
      fc.dictionary(fc.constantFrom('t.yaml', 'other', '__proto__', '\u001b[2J'), fc.string(), {
        maxKeys: 2,
      }),
    );
    fc.assert(
      fc.property(mutated(WHOLE), params, files, (text, given, beside) =>
        expectAnswer(text, { params: given, files: beside }),
      ),
      { numRuns: RUNS * 2 },
    );
    fc.assert(
      fc.property(params, files, (given, beside) => expectAnswer(WHOLE, { params: given, files: beside })),
      { numRuns: RUNS },
    );
  });

  it('anything with the keys of a plan in the wrong places', () => {
    fc.assert(
      fc.property(planShaped, (value) => expectAnswer(JSON.stringify(value))),
      { numRuns: RUNS },
    );
  });

  it('the same for strict JSON as the YAML parser would, as far as values go', () => {
    fc.assert(
      fc.property(planShaped, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const asJson = parsePlan(text);
        const asYaml = parsePlan(`${text} # this comment makes it YAML`);
        const codes = (parsed: typeof asJson) =>
          parsed.ok ? [] : parsed.problems.map((one) => `${one.path} ${one.code} ${one.line}`);
        expect(codes(asYaml).sort()).toEqual(codes(asJson).sort());
      }),
      { numRuns: RUNS },
    );
  });
});
