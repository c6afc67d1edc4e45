import fc from 'fast-check';
import { parsePlan } from './parse-plan.ts';

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

/** Whatever the text is: an answer, never an exception, and one that points into the text and prints safely. */
function expectAnswer(text: string): void {
  const parsed = parsePlan(text);
  if (parsed.ok) {
    expect(JSON.parse(JSON.stringify(parsed.definition))).toEqual(parsed.definition);
    return;
  }
  const lineCount = text.split('\n').length;
  expect(parsed.problems.length).toBeGreaterThan(0);
  for (const problem of parsed.problems) {
    expect(problem.line).toBeGreaterThanOrEqual(1);
    expect(problem.line).toBeLessThanOrEqual(lineCount);
    expect(problem.column).toBeGreaterThanOrEqual(1);
    expect(`${problem.message}${problem.path}${problem.hint ?? ''}`).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  }
}

/** The plan with pieces cut out, doubled and replaced. */
const mutated = fc
  .array(
    fc.record({
      at: fc.nat(PLAN.length),
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
        ),
        fc.string({ maxLength: 6, unit: 'binary' }),
      ),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((edits) =>
    edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), PLAN),
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
  '__proto__',
  'constructor',
  'toString',
);
const planShaped = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom<unknown>(1, 0, -1, 1e308, true, null, '', 'a', 'b', '10m', 'none'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(planKey, tie('value'), { maxKeys: 6 }),
  ),
})).value;

describe('parsePlan answers', () => {
  it('any text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200, unit: 'binary' }), expectAnswer), { numRuns: RUNS });
  });

  it('any JSON', () => {
    fc.assert(fc.property(fc.json(), expectAnswer), { numRuns: RUNS });
  });

  it('anything that is nearly a plan in YAML', () => {
    fc.assert(fc.property(mutated, expectAnswer), { numRuns: RUNS });
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
