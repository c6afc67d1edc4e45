import { createHash } from 'node:crypto';
import type { PlanDefinition, StepDefinition } from '#domain';
import { parsePlan, type ParsePlanOptions } from './parse-plan.ts';
import type { PlanProblem } from './problem.ts';

function definitionOf(text: string, options?: ParsePlanOptions): PlanDefinition {
  const parsed = parsePlan(text, options);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 1));
  return parsed.definition;
}

function problemsOf(text: string, options?: ParsePlanOptions): PlanProblem[] {
  const parsed = parsePlan(text, options);
  if (parsed.ok) throw new Error('this plan was taken');
  return parsed.problems;
}

/** A plan with a repository around one step that has these keys besides its name. */
function withStep(keys: string): string {
  return `{version: 1, name: p, repo: ., steps: [{name: other, noop: true}, {name: a, ${keys}}]}`;
}

function stepOf(keys: string): StepDefinition {
  return definitionOf(withStep(keys)).steps[1]!;
}

function withPlan(keys: string): string {
  return `{version: 1, name: p, repo: ., steps: [{name: a, noop: true}], ${keys}}`;
}

const FULL = `
version: 1
name: callbacks-to-promises
repo: { url: ./service, base: main }
maxParallel: 8
maxLeases: 4
sandbox: required
integrate:
  branch: team/promises
  setup: [npm ci]
  verify: [npm test]
  env: { CI: 'true' }
  network: true
  timeout: { attempt: 20m, idle: 30s }
  pool: heavy
steps:
  - name: convert
    pool: heavy
    attempts: 5
    timeout: { attempt: 2h, idle: 500ms }
    paths: { write: ['src/**'], protect: ['test/**'] }
    setup: [npm ci]
    verify: [npm test]
    env: { KEY: value }
    network: true
    outputs: [version]
    matrix: { glob: ['src/**/*.js'], exclude: ['src/generated/**'], chunk: 5 }
    codemod: { language: JavaScript, rulesFile: codemods/promises.yml, files: ['src/**'], unparsable: fail }
  - name: join
    needs: [convert]
    noop: true
`;

describe('a plan that is right', () => {
  it('becomes a definition with every key where it belongs', () => {
    expect(definitionOf(FULL)).toEqual({
      version: 1,
      name: 'callbacks-to-promises',
      labels: {},
      params: {},
      priority: 0,
      deadline: null,
      locks: {},
      baseline: null,
      progress: null,
      repo: { url: './service', base: 'main' },
      maxParallel: 8,
      maxLeases: 4,
      sandbox: 'required',
      integrate: {
        branch: 'team/promises',
        setup: ['npm ci'],
        verify: ['npm test'],
        env: { CI: 'true' },
        network: true,
        timeout: { attemptMs: 1_200_000, idleMs: 30_000 },
        pool: 'heavy',
      },
      steps: [
        {
          name: 'convert',
          needs: [],
          when: null,
          priority: 0,
          locks: [],
          with: {},
          pool: 'heavy',
          attempts: 5,
          timeout: { attemptMs: 7_200_000, idleMs: 500 },
          paths: { write: ['src/**'], protect: ['test/**'] },
          setup: ['npm ci'],
          verify: ['npm test'],
          env: { KEY: 'value' },
          network: true,
          outputs: ['version'],
          matrix: { kind: 'glob', include: ['src/**/*.js'], exclude: ['src/generated/**'], chunk: 5 },
          work: {
            kind: 'codemod',
            engine: 'ast-grep',
            language: 'JavaScript',
            rules: { file: 'codemods/promises.yml' },
            files: ['src/**'],
            unparsable: 'fail',
          },
        },
        {
          name: 'join',
          needs: ['convert'],
          when: null,
          priority: 0,
          locks: [],
          with: {},
          pool: 'default',
          attempts: 3,
          timeout: { attemptMs: 600_000, idleMs: 120_000 },
          paths: { write: null, protect: [] },
          setup: [],
          verify: [],
          env: {},
          network: false,
          outputs: [],
          matrix: null,
          work: { kind: 'noop' },
        },
      ],
    });
  });

  it('has defaults for all that it leaves out', () => {
    const plan = definitionOf('{version: 1, name: p, repo: /srv/r, steps: [{name: a, run: make}]}');
    expect(plan).toMatchObject({
      repo: { url: '/srv/r', base: 'HEAD' },
      maxParallel: null,
      maxLeases: 3,
      sandbox: 'auto',
      integrate: {
        branch: null,
        setup: [],
        verify: [],
        env: {},
        network: false,
        timeout: { attemptMs: 600_000, idleMs: 120_000 },
        pool: 'default',
      },
      steps: [{ attempts: 3, work: { kind: 'run', commands: ['make'] } }],
    });
  });

  it('without a repository integrates nothing', () => {
    expect(definitionOf('{version: 1, name: p, steps: [{name: a, noop: true}]}')).toMatchObject({
      repo: null,
      integrate: null,
    });
  });

  it('is pinned to the digest of its exact text', () => {
    const text = '{"version": 1, "name": "p", "repo": "/ä", "steps": [{"name": "a", "noop": true}]}';
    const parsed = parsePlan(text);
    expect(parsed).toMatchObject({
      ok: true,
      digest: createHash('sha256').update(text, 'utf8').digest('hex'),
    });
    expect(parsePlan(`${text} `)).not.toMatchObject({ digest: parsed.ok && parsed.digest });
  });

  it('means the same as YAML and as JSON', () => {
    const inYaml = definitionOf(FULL);
    const inJson = JSON.stringify({
      version: 1,
      name: 'p',
      repo: { url: '.' },
      steps: [{ name: 'a', run: ['x', 'y'], matrix: ['1', '2'] }],
    });
    expect(definitionOf(inJson)).toEqual(
      definitionOf('version: 1\nname: p\nrepo: .\nsteps:\n  - {name: a, run: [x, y], matrix: ["1", "2"]}'),
    );
    expect(inYaml.steps).toHaveLength(2);
  });

  it.each<[string, Partial<StepDefinition>]>([
    ['run: make', { work: { kind: 'run', commands: ['make'], script: null } }],
    ['run: [make, make test]', { work: { kind: 'run', commands: ['make', 'make test'], script: null } }],
    [
      'agent: {command: fix, prompt: "do it"}',
      { work: { kind: 'agent', adapter: 'command', command: 'fix', prompt: { inline: 'do it' } } },
    ],
    [
      'agent: {command: fix, promptFile: docs/prompt.md}',
      { work: { kind: 'agent', adapter: 'command', command: 'fix', prompt: { file: 'docs/prompt.md' } } },
    ],
    [
      'codemod: {language: Tsx, rules: "id: x"}',
      {
        work: {
          kind: 'codemod',
          engine: 'ast-grep',
          language: 'Tsx',
          rules: { inline: 'id: x' },
          files: [],
          unparsable: 'report',
        },
      },
    ],
    ['run: x, matrix: [a, b]', { matrix: { kind: 'list', values: ['a', 'b'] } }],
    ['run: x, matrix: {values: [a]}', { matrix: { kind: 'list', values: ['a'] } }],
    [
      'run: x, matrix: {glob: "*.js"}',
      { matrix: { kind: 'glob', include: ['*.js'], exclude: [], chunk: 1 } },
    ],
    ['run: x, timeout: {idle: 5s}', { timeout: { attemptMs: 600_000, idleMs: 5_000 } }],
    ['run: x, paths: {protect: [a]}', { paths: { write: null, protect: ['a'] } }],
    ['run: x, paths: {write: []}', { paths: { write: [], protect: [] } }],
    ['run: x, needs: [other], pool: heavy-1', { needs: ['other'], pool: 'heavy-1' }],
    ['noop: true, matrix: [x, y]', { matrix: { kind: 'list', values: ['x', 'y'] }, work: { kind: 'noop' } }],
  ])('takes a step with %s', (keys, expected) => {
    expect(stepOf(keys)).toMatchObject(expected);
  });

  it.each([
    ['integrate: none', { integrate: null }],
    ['integrate: {}', { integrate: { branch: null } }],
    ['repo: "git@example.org:team/r.git"', { repo: { url: 'git@example.org:team/r.git', base: 'HEAD' } }],
    ['repo: {url: "https://example.org/r", base: v1.2.3}', { repo: { base: 'v1.2.3' } }],
    ['repo: {url: "ssh://git@example.org/r"}', { repo: { url: 'ssh://git@example.org/r' } }],
    ['maxParallel: 1, maxLeases: 1', { maxParallel: 1, maxLeases: 1 }],
  ])('takes a plan with %s', (keys, expected) => {
    const text = keys.startsWith('repo') ? withPlan(keys).replace('repo: ., ', '') : withPlan(keys);
    expect(definitionOf(text)).toMatchObject(expected);
  });

  it('may use YAML anchors for what its steps share', () => {
    const text =
      'version: 1\nname: p\nrepo: .\nsteps:\n  - {name: a, run: x, env: &e {A: b}}\n  - {name: b, run: x, env: *e}';
    expect(definitionOf(text).steps[1]?.env).toEqual({ A: 'b' });
  });
});

describe('a plan that is wrong', () => {
  it('is told everything at once, in the order of the text, each with its place', () => {
    const problems = problemsOf(
      [
        'version: 2',
        'nmae: p',
        'repo: .',
        'steps:',
        '  - name: a',
        '    neds: [b]',
        '    needs: [c]',
        '    run: 7',
        '  - name: b',
        '    needs: [a]',
        '    run: x',
        '  - name: c',
        '    needs: [b]',
        '    timeout: { attempt: 5 minutes }',
      ].join('\n'),
    );
    expect(problems.map(({ code, path, line, column }) => `${line}:${column} ${path} ${code}`)).toEqual([
      '1:1 name missing-key',
      '1:10 version wrong-value',
      '2:1 nmae unknown-key',
      '6:5 steps[0].neds unknown-key',
      '7:13 steps[0].needs[0] cycle',
      '8:10 steps[0].run wrong-type',
      '12:5 steps[2] no-work',
      '14:25 steps[2].timeout.attempt wrong-value',
    ]);
    expect(problems.find((one) => one.path === 'steps[0].neds')).toMatchObject({
      message: 'unknown key `neds`',
      hint: 'did you mean `needs`?',
    });
    expect(problems.find((one) => one.code === 'cycle')?.message).toBe(
      'these steps wait for each other: a needs c needs b needs a',
    );
  });

  it('has the same places in JSON', () => {
    const text = '{\n  "version": 1,\n  "name": "p",\n  "steps": [\n    { "name": "a", "nop": true }\n  ]\n}';
    expect(problemsOf(text)).toMatchObject([
      { code: 'no-work', line: 5, column: 5 },
      { code: 'unknown-key', path: 'steps[0].nop', line: 5, column: 20, hint: 'did you mean `noop`?' },
    ]);
  });

  it.each([
    ['needs: [otter], run: x', 'steps[1].needs[0]', 'no step is named "otter"', 'did you mean "other"?'],
    [
      'needs: ["other[1]"], run: x',
      'steps[1].needs[0]',
      'no step is named',
      'a need names the whole matrix: `other`',
    ],
    ['needs: [a], run: x', 'steps[1].needs[0]', 'the step needs itself', undefined],
    ['needs: [other, other], run: x', 'steps[1].needs[1]', '"other" is there twice', undefined],
    ['needs: other, run: x', 'steps[1].needs', 'expected a list, got "other"', undefined],
    ['pool: Heavy, run: x', 'steps[1].pool', 'a pool name is', undefined],
    ['attempts: 0, run: x', 'steps[1].attempts', 'expected at least 1, got 0', undefined],
    ['attempts: 101, run: x', 'steps[1].attempts', 'expected at most 100, got 101', undefined],
    ['attempts: 1.5, run: x', 'steps[1].attempts', 'expected a whole number, got 1.5', undefined],
    ['attempts: three, run: x', 'steps[1].attempts', 'expected a whole number, got "three"', undefined],
    ['attempts: .inf, run: x', 'steps[1].attempts', 'expected a whole number, got Infinity', undefined],
    ['timeout: 10m, run: x', 'steps[1].timeout', 'expected a map of keys, got "10m"', undefined],
    [
      'timeout: {attempt: 10}, run: x',
      'steps[1].timeout.attempt',
      'expected text, got 10',
      'put it in quotes',
    ],
    [
      'timeout: {attempt: "10"}, run: x',
      'steps[1].timeout.attempt',
      'expected a duration such as',
      undefined,
    ],
    ['timeout: {idle: 1ms}, run: x', 'steps[1].timeout.idle', 'at least 100ms', undefined],
    ['timeout: {idle: 169h}, run: x', 'steps[1].timeout.idle', 'at most 168h', undefined],
    ['paths: {write: [/etc/x]}, run: x', 'steps[1].paths.write[0]', 'relative to the root', undefined],
    ['paths: {write: [a/../../b]}, run: x', 'steps[1].paths.write[0]', 'relative to the root', undefined],
    ['paths: {write: ["!x"]}, run: x', 'steps[1].paths.write[0]', 'cannot begin with `!`', undefined],
    ['paths: {wirte: [x]}, run: x', 'steps[1].paths.wirte', 'unknown key `wirte`', 'did you mean `write`?'],
    ['setup: npm ci, run: x', 'steps[1].setup', 'expected a list, got "npm ci"', undefined],
    ['verify: [" "], run: x', 'steps[1].verify[0]', 'the command is empty', undefined],
    ['verify: ["a\\0b"], run: x', 'steps[1].verify[0]', 'holds a NUL character', undefined],
    ['matrix: ["\\ud800"], run: x', 'steps[1].matrix[0]', 'half of a character', undefined],
    ['env: {1A: x}, run: x', 'steps[1].env["1A"]', 'does not begin with a digit', undefined],
    ['env: {SKEIN_PROMPT: x}, run: x', 'steps[1].env.SKEIN_PROMPT', 'begin with SKEIN_ are ours', undefined],
    ['env: {PORT: 80}, run: x', 'steps[1].env.PORT', 'expected text, got 80', 'put it in quotes'],
    ['env: {__proto__: x}, run: x', 'steps[1].env.__proto__', 'unknown key "__proto__"', undefined],
    [
      'network: yes, run: x',
      'steps[1].network',
      'expected true or false',
      'YAML 1.2 knows only true and false',
    ],
    ['outputs: [a.b], run: x', 'steps[1].outputs[0]', 'an output name is', undefined],
    ['outputs: [a, a], run: x', 'steps[1].outputs[1]', '"a" is there twice', undefined],
    ['matrix: [], run: x', 'steps[1].matrix', 'the list is empty', undefined],
    ['matrix: [1], run: x', 'steps[1].matrix[0]', 'expected text, got 1', 'put it in quotes'],
    ['matrix: [x, x], run: x', 'steps[1].matrix[1]', '"x" is there twice', undefined],
    ['matrix: ["\\e[2J"], run: x', 'steps[1].matrix[0]', 'no control characters', undefined],
    [
      'matrix: 5, run: x',
      'steps[1].matrix',
      'expected a list of values, { values: [...] }, { glob: ... } or { from: ... }',
      undefined,
    ],
    ['matrix: {}, run: x', 'steps[1].matrix', 'one of `values`, `glob` and `from` is needed', undefined],
    ['matrix: {values: [x], glob: y}, run: x', 'steps[1].matrix.glob', 'exclude each other', undefined],
    ['matrix: {values: [x], chunk: 2}, run: x', 'steps[1].matrix.chunk', 'goes with `glob` only', undefined],
    ['matrix: {glob: x, chunk: 0}, run: x', 'steps[1].matrix.chunk', 'expected at least 1', undefined],
    ['matrix: {glob: 5}, run: x', 'steps[1].matrix.glob', 'expected a glob or a list of globs', undefined],
    ['noop: false', 'steps[1].noop', 'expected true, got false', undefined],
    ['noop: true, verify: [x]', 'steps[1].verify', 'a noop step runs nothing', undefined],
    ['noop: true, env: {A: b}', 'steps[1].env', 'a noop step runs nothing', undefined],
    ['needs: [other]', 'steps[1]', 'says nothing to do', 'give it one of noop, wait, run, codemod, agent'],
    ['run: x, noop: true', 'steps[1].run', 'a step does one thing; this one has noop and run', undefined],
    ['run: []', 'steps[1].run', 'the list is empty', undefined],
    ['run: {a: b}', 'steps[1].run', 'one of `script` and `scriptFile` is needed', undefined],
    ['codemod: {rules: x}', 'steps[1].codemod.language', 'the key `language` is missing', undefined],
    [
      'codemod: {language: Javascript, rules: x}',
      'steps[1].codemod.language',
      'expected one of JavaScript',
      'did you mean `JavaScript`?',
    ],
    [
      'codemod: {language: Css}',
      'steps[1].codemod',
      'one of `rules`, `rulesFile`, `transform` and `transformFile` is needed',
      undefined,
    ],
    [
      'codemod: {language: Css, rules: x, rulesFile: y}',
      'steps[1].codemod.rulesFile',
      'exclude each other',
      undefined,
    ],
    [
      'codemod: {language: Css, rulesFile: ../x}',
      'steps[1].codemod.rulesFile',
      'relative to the root',
      undefined,
    ],
    [
      'codemod: {language: Css, rulesFile: /etc/passwd}',
      'steps[1].codemod.rulesFile',
      'relative to the root',
      undefined,
    ],
    [
      'codemod: {language: Css, rules: x, unparsable: ignore}',
      'steps[1].codemod.unparsable',
      'expected one of report, fail',
      undefined,
    ],
    ['agent: {prompt: x}', 'steps[1].agent.command', 'the key `command` is missing', undefined],
    ['agent: {command: x}', 'steps[1].agent', 'one of `prompt` and `promptFile` is needed', undefined],
    [
      'agent: {command: x, promptFile: a/../../b}',
      'steps[1].agent.promptFile',
      'relative to the root',
      undefined,
    ],
  ])('is told about a step with %s', (keys, path, message, hint) => {
    const found = problemsOf(withStep(keys)).find((problem) => problem.path === path);
    expect(found?.message).toContain(message);
    expect(found?.hint).toBe(hint);
  });

  it.each([
    ['maxParallel: 0', 'maxParallel', 'expected at least 1'],
    ['maxLeases: x', 'maxLeases', 'expected a whole number'],
    ['sandbox: off', 'sandbox', 'expected one of auto, required'],
    ['integrate: all', 'integrate', 'expected none or { branch'],
    ['integrate: {branch: "a..b"}', 'integrate.branch', 'not a name that git takes'],
    ['integrate: {branch: -x}', 'integrate.branch', 'not a name that git takes'],
    ['integrate: {branch: x.lock}', 'integrate.branch', 'not a name that git takes'],
    ['integrate: {branch: HEAD}', 'integrate.branch', 'not a name that git takes'],
    ['integrate: {branch: refs/heads/x}', 'integrate.branch', 'without `refs/heads/`'],
    ['integrate: {brunch: x}', 'integrate.brunch', 'unknown key `brunch`'],
    ['description: x', 'description', 'unknown key `description`'],
  ])('is told about %s', (keys, path, message) => {
    expect(problemsOf(withPlan(keys)).find((problem) => problem.path === path)?.message).toContain(message);
  });

  it.each([
    ['{url: ., base: "a b"}', 'repo.base', 'not a name that git takes'],
    ['{base: main}', 'repo.url', 'the key `url` is missing'],
    ['"https://ada:hunter2@example.org/r"', 'repo', 'would stay in the ledger'],
    ['"https://hunter2@example.org/r"', 'repo', 'would stay in the ledger'],
    ['"ext::sh -c id"', 'repo', 'not an address that we let git use'],
    ['"--upload-pack=id"', 'repo', 'not an address that we let git use'],
    ['""', 'repo', 'the address is empty'],
    ['5', 'repo', 'expected an address or { url, base }, got 5'],
  ])('is told about the repository %s', (repo, path, message) => {
    const text = `{version: 1, name: p, repo: ${repo}, steps: [{name: a, noop: true}]}`;
    expect(problemsOf(text).find((problem) => problem.path === path)?.message).toContain(message);
  });

  it('cannot integrate onto its own base', () => {
    const text =
      '{version: 1, name: p, repo: {url: ., base: main}, integrate: {branch: main}, steps: [{name: a, run: x}]}';
    expect(problemsOf(text)).toMatchObject([{ path: 'integrate.branch', code: 'wrong-value' }]);
  });

  it('cannot use a repository that it does not name', () => {
    const text =
      '{version: 1, name: p, integrate: {}, steps: [{name: a, run: x}, {name: b, noop: true, matrix: {glob: x}}]}';
    expect(problemsOf(text).map(({ code, path }) => `${path} ${code}`)).toEqual([
      'integrate needs-repo',
      'steps[0].run needs-repo',
      'steps[1].matrix.glob needs-repo',
    ]);
  });

  it('may name no relative folder where nobody knows what it is relative to', () => {
    expect(problemsOf(withStep('run: x'), { absoluteRepo: true })).toMatchObject([{ path: 'repo' }]);
    expect(parsePlan(withStep('run: x').replace('repo: .', 'repo: /r'), { absoluteRepo: true }).ok).toBe(
      true,
    );
  });
});

describe('names', () => {
  const plan = (...names: string[]) =>
    JSON.stringify({ version: 1, name: 'p', steps: names.map((name) => ({ name, noop: true })) });

  it.each(['a', 'A1', 'convert-all_2.js', '0x'])('%s is one', (name) => {
    expect(parsePlan(plan(name)).ok).toBe(true);
  });

  it.each([
    ['', 'a step name is 1 to 64'],
    ['x'.repeat(65), 'a step name is 1 to 64'],
    ['../x', 'this one has `/`'],
    ['$(reboot)', 'this one has `$` `(` `)`'],
    ['a b', 'this one has \\u0020'],
    ['\u001b[2Jx', 'this one has \\u001b `[`'],
    ['pаypal', 'this one has \\u0430'],
    ['\u202Ex', 'this one has \\u202e'],
    ['😀', 'this one has \\ud83d\\ude00'],
    ['-a', 'begins with a letter or digit'],
    ['17', 'named like an ordinal'],
    ['s17', 'named like an ordinal'],
    ['resolve', 'the name of a step that the plan gets'],
    ['integrate', 'the name of a step that the plan gets'],
  ])('%j is none', (name, message) => {
    const problems = problemsOf(plan(name));
    expect(problems.map((problem) => problem.message).join()).toContain(message);
    expect(JSON.stringify(problems)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('are unique', () => {
    expect(problemsOf(plan('a', 'b', 'a'))).toMatchObject([
      { code: 'duplicate-name', path: 'steps[2].name', message: 'steps[0] is named "a" too' },
    ]);
  });

  it.each(['', '.hidden', 'a/b', 'a\nb'])('a plan cannot be named %j', (name) => {
    const text = JSON.stringify({ version: 1, name, steps: [{ name: 'a', noop: true }] });
    expect(problemsOf(text)).toMatchObject([{ path: 'name', code: 'wrong-value' }]);
  });
});

describe('a graph', () => {
  const graph = (edges: Record<string, string[]>) =>
    JSON.stringify({
      version: 1,
      name: 'p',
      steps: Object.entries(edges).map(([name, needs]) => ({ name, needs, noop: true })),
    });

  it('with two knots has a cycle of each reported, also when one leads to the other', () => {
    const problems = problemsOf(graph({ x: ['t', 'y'], y: ['x'], t: ['u'], u: ['t'], z: ['x'] }));
    expect(problems.map((problem) => problem.message)).toEqual([
      'these steps wait for each other: x needs y needs x',
      'these steps wait for each other: t needs u needs t',
    ]);
    expect(problems.map((problem) => problem.path)).toEqual(['steps[0].needs[1]', 'steps[2].needs[0]']);
  });

  it('may be a diamond', () => {
    expect(parsePlan(graph({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] })).ok).toBe(true);
  });

  it('may be a chain of 20,000 steps, and is then closed to a cycle in reasonable words', () => {
    const steps = Array.from({ length: 20_000 }, (_, i) => ({
      name: `n-${i}`,
      needs: i === 0 ? [] : [`n-${i - 1}`],
      noop: true,
    }));
    expect(parsePlan(JSON.stringify({ version: 1, name: 'p', steps })).ok).toBe(true);
    steps[0]!.needs.push('n-19999');
    const [problem] = problemsOf(JSON.stringify({ version: 1, name: 'p', steps }));
    expect(problem?.message.length).toBeLessThan(400);
    expect(problem?.message).toContain('19988 more');
  });

  it('has at least one step and not too many, matrices included', () => {
    expect(problemsOf(graph({}))).toMatchObject([{ code: 'empty-plan', path: 'steps' }]);
    const text =
      '{version: 1, name: p, steps: [{name: a, noop: true}, {name: b, noop: true, matrix: [x, y, z]}]}';
    expect(parsePlan(text, { maxSteps: 4 }).ok).toBe(true);
    expect(problemsOf(text, { maxSteps: 3 })).toMatchObject([
      { code: 'too-many-steps', message: 'the plan has 4 steps; at most 3 are taken' },
    ]);
  });
});

describe('text that is no plan', () => {
  it.each([
    ['', 'the text holds no plan'],
    ['# nothing', 'the text holds no plan'],
    ['[]', 'expected a map of keys, got a list'],
    ['"plan"', 'expected a map of keys, got "plan"'],
    ['version: 1\nversion: 1', 'the key "version" is there twice'],
    ['{"name": "a", "name": "b"}', 'the key "name" is there twice'],
    ['a: 1\n---\nb: 2', 'multiple documents'],
    ['version: !!js/function x', 'is not one of YAML'],
    ['version: !foo x', 'is not one of YAML'],
    ['a:\n\tb: 1', 'Tabs are not allowed'],
    ['a: b: c', 'Nested mappings are not allowed'],
    ['a: *b', 'has no anchor before it'],
    ['a: &a [*a]', 'contains itself'],
    ['? [a]\n: b', 'keys must be strings'],
    ['['.repeat(50_000), 'nested more than 32 levels deep'],
    ['{a: '.repeat(50_000), 'nested more than 32 levels deep'],
    ['- '.repeat(50_000), 'nested more than 32 levels deep'],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'nested more than 32 levels deep'],
    [`${'['.repeat(40)}${']'.repeat(40)} #`, 'nested more than 32 levels deep'],
  ])('%j', (text, message) => {
    const words = problemsOf(text).map((problem) => problem.message);
    expect(words.join('\n').toLowerCase()).toContain(message.toLowerCase());
    expect(words.join('\n')).not.toMatch(/call stack/i);
  });

  it('cannot grow by aliases (a billion laughs)', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join()}]`,
      );
    expect(problemsOf(lines.join('\n'))).toMatchObject([
      { message: 'its aliases make it grow without measure' },
    ]);
  });

  it('is refused before it is read when it is too large', () => {
    expect(problemsOf('x'.repeat(101), { maxBytes: 100 })).toMatchObject([{ code: 'text-too-large' }]);
    expect(problemsOf(`name: ${'x'.repeat(100)}`, { maxYamlBytes: 100 })).toMatchObject([
      { code: 'text-too-large', hint: 'send a large plan as JSON' },
    ]);
  });

  it('never fills the answer: the first hundred problems, then how many more', () => {
    const keys = Array.from({ length: 5_000 }, (_, i) => `{name: a${i}, nop: true}`).join(',');
    const problems = problemsOf(`{version: 1, name: p, steps: [${keys}]}`);
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toMatchObject({ code: 'more-problems' });
  });

  it('merge keys are explained', () => {
    const text =
      'version: 1\nname: p\nsteps:\n  - &a {name: a, noop: true}\n  - {<<: *a, name: b, noop: true}';
    expect(problemsOf(text)).toMatchObject([
      { code: 'unknown-key', hint: 'merge keys are not part of YAML 1.2: write the keys out' },
    ]);
  });
});
