import type { PlanDefinition } from '#domain';
import { parsePlan, type ParsePlanOptions } from './parse-plan.ts';

function definitionOf(text: string, options?: ParsePlanOptions): PlanDefinition {
  const parsed = parsePlan(text, options);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 1));
  return parsed.definition;
}

function problemsOf(text: string, options?: ParsePlanOptions): string[] {
  const parsed = parsePlan(text, options);
  if (parsed.ok) return [];
  return parsed.problems.map(({ path, message, hint }) => `${path}: ${message}${hint ? ` (${hint})` : ''}`);
}

const STATIC = `version: 1
name: upgrade \${{ params.package }}
labels: { package: '\${{ params.package }}', major: '\${{ params.major }}', both: 'v\${{ params.major }}-\${{ params.full }}' }
params:
  package: left-pad
  major: 2
  full: true
  regions: [eu, 7]
  deadline: 48h
  onRed: halt
repo: { url: 'https://example.org/\${{ params.package }}', base: 'v\${{ params.major }}' }
priority: \${{ params.major }}
maxParallel: \${{ params.major * 4 }}
maxLeases: \${{ params.major }}
deadline: \${{ params.deadline }}
locks: { db: '\${{ params.major }}' }
sandbox: "\${{ params.full ? 'required' : 'auto' }}"
baseline: { verify: [npm test], onRed: '\${{ params.onRed }}' }
integrate: { branch: 'upgrade/\${{ params.package }}', network: '\${{ params.full }}', pool: 'p\${{ params.major }}', timeout: { attempt: '\${{ params.major }}h' } }
progress: { branch: 'progress/\${{ params.package }}', every: '\${{ params.major }}m' }
steps:
  - name: list
    matrix: \${{ params.regions }}
    attempts: \${{ params.major }}
    locks: ['\${{ params.package }}-lock']
    run: make
  - name: parts
    matrix: [a, '\${{ params.package }}/b']
    network: \${{ params.full }}
    run: { scriptFile: 'scripts/\${{ params.package }}.sh' }
  - name: files
    matrix: { glob: '\${{ params.package }}/**', exclude: "\${{ ['x', 'y'] }}", chunk: '\${{ params.major }}' }
    codemod: { transformFile: 't/\${{ params.package }}.js', parser: "\${{ params.full ? 'ts' : 'babel' }}", options: { major: '\${{ params.major }}', deep: [{ regions: '\${{ params.regions }}' }], text: 'v\${{ params.major }}' } }
  - name: globs
    paths: { write: "\${{ params.regions.map(r, string(r)) }}", protect: ['\${{ ["a/**", "b"] }}', 'c'] }
    codemod: { language: "\${{ 'Css' }}", rules: 'fix: \${{ nothing.of.ours }}', files: ['\${{ params.package }}/*.css'] }
  - { name: pause, wait: '\${{ params.major }}h' }
  - { name: hold, wait: '\${{ params.deadline }}' }
`;

describe('what is known when a plan is submitted', () => {
  it('is replaced everywhere, and keeps its type where it is all of a value', () => {
    const plan = definitionOf(STATIC);
    expect(plan).toMatchObject({
      name: 'upgrade left-pad',
      labels: { package: 'left-pad', major: '2', both: 'v2-true' },
      repo: { url: 'https://example.org/left-pad', base: 'v2' },
      priority: 2,
      maxParallel: 8,
      maxLeases: 2,
      deadline: { afterMs: 172_800_000 },
      locks: { db: 2 },
      sandbox: 'required',
      baseline: { onRed: 'halt' },
      integrate: { branch: 'upgrade/left-pad', network: true, pool: 'p2', timeout: { attemptMs: 7_200_000 } },
      progress: { branch: 'progress/left-pad', everyMs: 120_000 },
    });
    expect(plan.steps).toMatchObject([
      { matrix: { kind: 'list', values: ['eu', '7'] }, attempts: 2, locks: ['left-pad-lock'] },
      {
        matrix: { values: ['a', 'left-pad/b'] },
        network: true,
        work: { script: { source: { file: 'scripts/left-pad.sh' } } },
      },
      {
        matrix: { kind: 'glob', include: ['left-pad/**'], exclude: ['x', 'y'], chunk: 2 },
        work: {
          parser: 'ts',
          transform: { file: 't/left-pad.js' },
          options: { major: 2, deep: [{ regions: ['eu', 7] }], text: 'v2' },
        },
      },
      {
        paths: { write: ['eu', '7'], protect: ['a/**', 'b', 'c'] },
        work: {
          language: 'Css',
          rules: { inline: 'fix: ${{ nothing.of.ours }}' },
          files: ['${{ params.package }}/*.css'],
        },
      },
      { work: { kind: 'wait', until: { forMs: 7_200_000 } } },
      { work: { kind: 'wait', until: { forMs: 172_800_000 } } },
    ]);
  });

  it.each<[string, string, string]>([
    ['priority: "${{ params.n }}"', 'priority', 'expected a whole number, got "text"'],
    ['priority: "${{ 99 }}"', 'priority', 'expected at most 10, got 99'],
    ['priority: "${{ 1 }}${{ 2 }}"', 'priority', 'expected a whole number, got "12"'],
    ['deadline: "${{ params.n }}"', 'deadline', 'expected a duration such as 30m or 48h, or a time'],
    ['labels: { a: "${{ [1] }}" }', 'labels.a', 'expected text, got a list'],
    [
      'labels: { a: "x${{ [1] }}" }',
      'labels.a',
      'text is made of texts, numbers and true/false, not of a list or map',
    ],
    ['labels: { a: "${{ 1 / 0 }}" }', 'labels.a', 'division by 0'],
    ['labels: { a: "${{ params.x }}" }', 'labels.a', 'no param is named "x"'],
    [
      'labels: { a: "${{ needs.a }}" }',
      'labels.a',
      '`needs` has no value here: only params are known when the plan is submitted',
    ],
    ['labels: { a: "${{ plan.id }}" }', 'labels.a', '`plan` has no value here'],
    ['labels: { a: "${{ 1 +  }}" }', 'labels.a', 'ends too early'],
    ['labels: { a: "${{ 1 " }', 'labels.a', '`${{` is not closed by `}}`'],
    ['labels: { "${{ 1 }}": a }', 'labels["${{ 1 }}"]', 'a label name is'],
  ])('%s is told of', (keys, path, message) => {
    const text = `{version: 1, name: p, params: {n: text}, steps: [{name: a, noop: true}], ${keys}}`;
    expect(
      problemsOf(text)
        .filter((problem) => problem.startsWith(`${path}: `))
        .join('\n'),
    ).toContain(message);
  });

  it('is not what a name is, or a need, or an output: the graph can be read', () => {
    for (const keys of [
      'name: "${{ params.n }}", run: x',
      'name: a, needs: ["${{ params.n }}"], run: x',
      'name: a, outputs: ["${{ params.n }}"], run: x',
    ]) {
      const text = `{version: 1, name: p, repo: ., params: {n: text}, steps: [{${keys}}]}`;
      expect(problemsOf(text).join('\n')).toContain('expressions mean nothing here');
    }
  });

  it('may be an empty list, which a plan that is written out may not', () => {
    const plan = (matrix: string) =>
      `{version: 1, name: p, params: {l: {type: list}}, steps: [{name: a, noop: true, matrix: ${matrix}}]}`;
    expect(definitionOf(plan('"${{ params.l }}"'), { params: { l: [] } }).steps[0]!.matrix).toEqual({
      kind: 'list',
      values: [],
    });
    expect(definitionOf(plan('{values: "${{ params.l }}"}'), { params: { l: [] } }).steps[0]!.matrix).toEqual(
      { kind: 'list', values: [] },
    );
    expect(problemsOf(plan('[]'), { params: { l: [] } })).toEqual(['steps[0].matrix: the list is empty']);
    expect(problemsOf(plan('{values: []}'), { params: { l: [] } })).toEqual([
      'steps[0].matrix.values: the list is empty',
    ]);
    expect(problemsOf(plan('"${{ params.l }}"'), { params: { l: ['a', 'a'] } })).toEqual([
      'steps[0].matrix[1]: "a" is there twice',
    ]);
  });

  it('stays text where it is escaped', () => {
    const text = `{version: 1, name: p, repo: ., labels: {a: '$\${{ github.sha }}'}, steps: [{name: a, agent: {command: x, prompt: 'the $\${{ a }}'}}]}`;
    expect(definitionOf(text)).toMatchObject({
      labels: { a: '${{ github.sha }}' },
      steps: [{ work: { prompt: { inline: 'the $${{ a }}' } } }],
    });
  });

  it('is the same whether the text is YAML or JSON', () => {
    const plan = {
      version: 1,
      name: 'p',
      params: { n: 3 },
      priority: '${{ params.n }}',
      steps: [{ name: 'a', noop: true }],
    };
    expect(definitionOf(JSON.stringify(plan)).priority).toBe(3);
    expect(definitionOf(JSON.stringify(plan).replace('${{', '\\u0024{{')).priority).toBe(3);
  });

  it('cannot be made to fill the memory', () => {
    const labels = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`l${at}`, '${{ params.big }}']));
    const steps = Array.from({ length: 3_000 }, (_, at) => ({
      name: `a${at}`,
      run: 'x',
      pool: '${{ params.big }}',
      with: { x: '${{ params.big }}' },
    }));
    const text = JSON.stringify({ version: 1, name: 'p', repo: '/r', params: { big: {} }, labels, steps });
    const before = process.cpuUsage();
    expect(problemsOf(text, { params: { big: 'x'.repeat(32_000) } }).join('\n')).toContain(
      'give too much text together',
    );
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(5_000);
  });
});

describe('what is known when the needs of a step are met', () => {
  const plan = (keys: string) => `version: 1
name: p
repo: .
params: { target: x }
steps:
  - { name: plan, run: x, outputs: [files, count] }
  - { name: convert-all, run: x, matrix: [a, b], outputs: [done] }
  - { name: other, noop: true }
  - { name: a, needs: [plan, convert-all], ${keys} }
`;

  it('stays in the definition as it is written', () => {
    const text = plan(`
      when: 'needs.plan.outputs.count > 0',
      matrix: { from: "\${{ chunk(needs.plan.outputs.files, 3) }}" },
      setup: ['echo \${{ matrix.item }}'], verify: ['test "\${{ params.target }}"'], env: { A: '\${{ step.name }}' },
      paths: { write: ['\${{ matrix.item }}', 'src/\${{ params.target }}/**'], protect: "\${{ needs.plan.outputs.files }}" },
      agent: { command: 'go \${{ plan.id }}', prompt: 'do \${{ matrix.item[0] }}' }`);
    expect(definitionOf(text).steps[3]).toMatchObject({
      when: 'needs.plan.outputs.count > 0',
      matrix: { kind: 'from', expression: 'chunk(needs.plan.outputs.files, 3)' },
      setup: ['echo ${{ matrix.item }}'],
      verify: ['test "${{ params.target }}"'],
      env: { A: '${{ step.name }}' },
      paths: {
        write: ['${{ matrix.item }}', 'src/${{ params.target }}/**'],
        protect: ['${{ needs.plan.outputs.files }}'],
      },
      work: { command: 'go ${{ plan.id }}', prompt: { inline: 'do ${{ matrix.item[0] }}' } },
    });
  });

  it('may say how long a step waits, or until when', () => {
    const work = (wait: string) => definitionOf(plan(`wait: ${wait}`)).steps[3]!.work;
    expect(work('"${{ needs.plan.outputs.count }}"')).toEqual({
      kind: 'wait',
      until: { expression: 'needs.plan.outputs.count' },
    });
    expect(work('{ until: "${{ needs.plan.outputs.count }}" }')).toEqual({
      kind: 'wait',
      until: { expression: 'needs.plan.outputs.count' },
    });
    expect(work('90m')).toEqual({ kind: 'wait', until: { forMs: 5_400_000 } });
    expect(work("'2026-12-01T08:00+01:00'")).toEqual({
      kind: 'wait',
      until: { at: '2026-12-01T07:00:00.000Z' },
    });
    expect(work("{ until: '2026-12-01T08:00:00Z' }")).toEqual({
      kind: 'wait',
      until: { at: '2026-12-01T08:00:00.000Z' },
    });
  });

  it('when a condition is true or false, it is', () => {
    expect(definitionOf(plan('noop: true, when: false')).steps[3]!.when).toBe('false');
    expect(definitionOf(plan('noop: true, when: "${{ params.target == \'x\' }}"')).steps[3]!.when).toBe(
      "params.target == 'x'",
    );
  });

  it.each<[string, string]>([
    [
      'run: "echo ${{ needs.plan.outputs.fils }}"',
      'steps[3].run: "needs.plan.outputs.fils": "plan" declares no output "fils" (did you mean `files`?)',
    ],
    [
      'run: x, when: needs.other.outcome == "passed"',
      'steps[3].when: "needs.other.outcome == \\"passed\\"": "other" is no direct need of this step (add it to `needs`)',
    ],
    ['run: x, when: needs.convert-all.all', 'a name with a dash or a dot is written needs["convert-all"]'],
    ['run: x, when: matrix.value == "a"', 'the step has no matrix'],
    [
      'run: x, matrix: [a], env: { A: "${{ matrix.item }}" }',
      'steps[3].env.A: "matrix.item": `matrix` has no "item" (it has value)',
    ],
    [
      'run: x, matrix: {glob: "*"}, env: { A: "${{ matrix.value }}" }',
      '`matrix` has no "value" (it has files)',
    ],
    [
      'run: x, matrix: {from: matrix.item}',
      'steps[3].matrix.from: "matrix.item": `matrix` has no value here: it is what `from` makes',
    ],
    [
      'run: x, matrix: {from: "${{ a }} ${{ b }}"}',
      'it holds more than one expression: leave `${{` and `}}` out',
    ],
    ['run: x, when: "needs.plan."', 'steps[3].when: "needs.plan.": the expression ends too early'],
    ['run: x, when: " "', 'steps[3].when: the expression is empty'],
    ['run: x, when: 5', 'steps[3].when: expected an expression, got 5'],
    [
      'run: [x, "${{ with.file }}"]',
      'steps[3].run[1]: "with.file": the step gives no "file" in `with` (give it in `with`)',
    ],
    [
      'run: "echo \'${{ params.target }}\'"',
      'steps[3].run: "params.target": within single quotes the shell replaces nothing (use double quotes there, or none)',
    ],
    [
      'run: x, verify: ["eval ${{ params.target }}"]',
      'steps[3].verify[0]: "params.target": the text is read as shell a second time',
    ],
    [
      'run: x, paths: {write: ["../${{ params.target }}"]}',
      'steps[3].paths.write[0]: a glob is relative to the root',
    ],
    [
      'run: {script: x, args: ["${{ params.nope }}"]}',
      'steps[3].run.args[0]: "params.nope": no param is named "nope"',
    ],
    [
      'wait: "${{ needs.plan.outputs.count }}h"',
      'steps[3].wait: an expression gives all of it: ${{ string(x) + "h" }}',
    ],
    ['wait: "${{ params.target }}"', 'steps[3].wait: expected a duration such as 30m or 48h, or a time'],
    ['wait: soon', 'steps[3].wait: expected a duration such as 30m or 48h, or a time'],
    ['wait: 9000h', 'steps[3].wait: a duration is at least 100ms and at most 8760h'],
    ['wait: "2026-02-30T08:00:00Z"', 'steps[3].wait: expected a duration'],
    [
      'attempts: "${{ needs.plan.outputs.count }}", run: x',
      '`needs` has no value here: only params and `with` are known when the plan is submitted',
    ],
    [
      'run: "${{ 1 }}${{"',
      '`${{` is not closed by `}}` (a text in {} of YAML needs quotes; for `${{` itself write `$${{`)',
    ],
  ])('a step with %s is told of it', (keys, expected) => {
    expect(problemsOf(plan(keys)).join('\n')).toContain(expected);
  });

  it('is not what the integration and the baseline can look at: they are no steps', () => {
    const text = `version: 1
name: p
repo: .
params: { target: x }
baseline: { verify: ['check \${{ params.target }} \${{ needs.a.outputs.x }}'] }
integrate: { verify: ['check \${{ params.target }} \${{ plan.id }}'], env: { A: '\${{ step.name }}' } }
steps: [{ name: a, run: x, outputs: [x] }]
`;
    expect(problemsOf(text)).toEqual([
      'baseline.verify[0]: "needs.a.outputs.x": `needs` has no value here: it belongs to no step',
      'integrate.env.A: "step.name": `step` has no value here: it belongs to no step',
    ]);
  });

  it('is asked for at most two hundred times in a step', () => {
    const commands = Array.from(
      { length: 50 },
      () => '"echo ${{ 1 }} ${{ 2 }} ${{ 3 }} ${{ 4 }} ${{ 5 }}"',
    ).join();
    expect(problemsOf(plan(`run: [${commands}]`))).toEqual([
      'steps[3]: the step has 250 expressions; at most 200 are taken',
    ]);
    expect(problemsOf(plan(`run: "${'${{ 1 }}'.repeat(101)}"`))).toEqual([
      'steps[3].run: more than 100 expressions in one text',
    ]);
  });

  it('tells of every expression of a text', () => {
    expect(problemsOf(plan('run: "${{ params.a }} ${{ params.b }} ${{ params.target }}"'))).toHaveLength(2);
  });
});
