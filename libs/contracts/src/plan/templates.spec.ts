import type { StepDefinition } from '#domain';
import { parsePlan, type ParsePlanOptions } from './parse-plan.ts';

function stepsOf(text: string, options?: ParsePlanOptions): StepDefinition[] {
  const parsed = parsePlan(text, options);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 1));
  return parsed.definition.steps;
}

function problemsOf(text: string, options?: ParsePlanOptions): string[] {
  const parsed = parsePlan(text, options);
  if (parsed.ok) throw new Error('this plan was taken');
  return parsed.problems.map(
    ({ code, path, file, line, column, message, hint }) =>
      `${file ?? ''}@${line}:${column} ${path} ${code}: ${message}${hint ? ` (${hint})` : ''}`,
  );
}

const HEAD = 'version: 1\nname: p\nrepo: .\n';

describe('defaults', () => {
  it('are what a step has that does not say it itself, with maps merged key by key', () => {
    const [first, second] = stepsOf(`${HEAD}
defaults:
  pool: heavy
  priority: 2
  locks: [db]
  attempts: 5
  timeout: { attempt: 1h, idle: 5m }
  paths: { write: ['src/**'], protect: ['test/**'] }
  setup: [npm ci]
  verify: [npm test]
  env: { A: '1', B: '2' }
  network: true
steps:
  - { name: first, run: make }
  - name: second
    run: make
    pool: default
    attempts: 1
    timeout: { idle: 1m }
    paths: { write: [docs/**] }
    setup: []
    env: { B: own, C: '3' }
    network: false
`);
    expect(first).toMatchObject({
      pool: 'heavy',
      priority: 2,
      locks: ['db'],
      attempts: 5,
      timeout: { attemptMs: 3_600_000, idleMs: 300_000 },
      paths: { write: ['src/**'], protect: ['test/**'] },
      setup: ['npm ci'],
      verify: ['npm test'],
      env: { A: '1', B: '2' },
      network: true,
    });
    expect(second).toMatchObject({
      pool: 'default',
      priority: 2,
      attempts: 1,
      timeout: { attemptMs: 3_600_000, idleMs: 60_000 },
      paths: { write: ['docs/**'], protect: ['test/**'] },
      setup: [],
      verify: ['npm test'],
      env: { A: '1', B: 'own', C: '3' },
      network: false,
    });
  });

  it('give a step that runs nothing only what means something to it', () => {
    const [noop, wait] = stepsOf(
      `${HEAD}defaults: { pool: heavy, verify: [x], env: {A: b}, priority: 3, locks: [l] }\nsteps: [{name: a, noop: true}, {name: b, wait: 1h}]`,
    );
    expect(noop).toMatchObject({ pool: 'heavy', priority: 3, locks: ['l'], verify: [], env: {} });
    expect(wait).toMatchObject({ pool: 'default', priority: 0, locks: [] });
  });

  it('are checked when no step takes them over', () => {
    expect(
      problemsOf(`${HEAD}defaults: { atempts: 3, pool: UP, run: x }\nsteps: [{name: a, wait: 1h}]`),
    ).toEqual([
      '@4:13 defaults.atempts unknown-key: unknown key `atempts` (did you mean `attempts`?)',
      expect.stringContaining('@4:31 defaults.pool wrong-value'),
      expect.stringContaining('@4:35 defaults.run unknown-key'),
    ]);
  });
});

describe('templates', () => {
  const TEMPLATES = `
templates:
  agent:
    agent: { command: my-agent "$SKEIN_PROMPT" }
    env: { MODEL: small, A: '1' }
    attempts: 4
    verify: [npm test]
    with: { level: low }
  careful:
    attempts: 9
    env: { MODEL: large }
  rules: { codemod: { language: Css, rulesFile: a.yml, unparsable: fail } }
`;

  it('are merged in their order, and what the step says itself wins', () => {
    const [one, two, three] = stepsOf(`${HEAD}${TEMPLATES}
steps:
  - { name: one, include: agent, agent: { prompt: do it }, env: { A: own } }
  - { name: two, include: [agent, careful], agent: { promptFile: p.md }, verify: [] }
  - { name: three, include: [careful, agent], agent: { prompt: x }, with: { level: high, n: 3 } }
`);
    expect(one).toMatchObject({
      attempts: 4,
      env: { MODEL: 'small', A: 'own' },
      with: { level: 'low' },
      verify: ['npm test'],
      work: { kind: 'agent', command: 'my-agent "$SKEIN_PROMPT"', prompt: { inline: 'do it' } },
    });
    expect(two).toMatchObject({
      attempts: 9,
      env: { MODEL: 'large', A: '1' },
      verify: [],
      work: { prompt: { file: 'p.md' } },
    });
    expect(three).toMatchObject({ attempts: 4, env: { MODEL: 'small' }, with: { level: 'high', n: 3 } });
  });

  it('give up their kind of work, and their way to say it, for the one of the step', () => {
    const steps = stepsOf(`${HEAD}${TEMPLATES}
steps:
  - { name: one, include: agent, run: make }
  - { name: two, include: rules, codemod: { rules: 'id: x' } }
  - { name: three, include: [rules, agent], agent: { prompt: x } }
`);
    expect(steps.map((step) => step.work)).toMatchObject([
      { kind: 'run', commands: ['make'] },
      { kind: 'codemod', rules: { inline: 'id: x' }, unparsable: 'fail' },
      { kind: 'agent' },
    ]);
  });

  it('come after defaults and before the step', () => {
    const [step] = stepsOf(`${HEAD}defaults: { attempts: 1, pool: d, env: {A: d, B: d} }${TEMPLATES}
steps: [{ name: a, include: careful, run: x, env: { B: s } }]`);
    expect(step).toMatchObject({ attempts: 9, pool: 'd', env: { A: 'd', B: 's', MODEL: 'large' } });
  });

  it('are filled with what each step gives', () => {
    const steps = stepsOf(`${HEAD}
params: { base: lib }
templates:
  on: { run: 'lint \${{ with.dir }} \${{ params.base }}', attempts: '\${{ with.tries }}', pool: 'p-\${{ with.dir }}' }
steps:
  - { name: one, include: on, with: { dir: src, tries: 2 } }
  - { name: two, include: on, with: { dir: '\${{ params.base }}', tries: 7 } }
`);
    expect(steps).toMatchObject([
      { attempts: 2, pool: 'p-src', with: { dir: 'src' } },
      { attempts: 7, pool: 'p-lib', with: { dir: 'lib' } },
    ]);
  });

  it('have their problems shown where they are written, once, however many steps include them', () => {
    const problems = problemsOf(`version: 1
name: p
repo: .
templates:
  bad:
    attempts: many
    agent: { comand: x }
    run: 'echo "\${{ params.x }}"'
steps:
  - { name: a, include: bad }
  - { name: b, include: [bad], env: { A: 5 } }
`);
    expect(problems).toEqual([
      '@6:15 templates.bad.attempts wrong-type: expected a whole number, got "many"',
      '@7:5 templates.bad.agent many-works: a step does one thing; this one has run and agent',
      '@7:12 templates.bad.agent.command missing-key: the key `command` is missing',
      '@7:12 templates.bad.agent missing-key: one of `prompt` and `promptFile` is needed',
      '@7:14 templates.bad.agent.comand unknown-key: unknown key `comand` (did you mean `command`?)',
      '@8:10 templates.bad.run expression: "params.x": no param is named "x" (declare it in `params`)',
      expect.stringContaining('@11:42 steps[1].env.A wrong-type'),
    ]);
  });

  it('are checked when no step includes them, as far as they can be', () => {
    const problems = problemsOf(`${HEAD}
templates:
  unused:
    atempts: 3
    pool: UP
    attempts: '\${{ with.n }}'
    codemod: { language: Css }
    run: 'echo \${{ prams.x }} \${{ with.y }} \${{ needs.any.outputs.z }}'
steps: [{ name: a, noop: true }]
`);
    expect(problems).toEqual([
      expect.stringContaining('templates.unused.atempts unknown-key'),
      expect.stringContaining('templates.unused.pool wrong-value'),
      expect.stringContaining('templates.unused.run expression: "prams.x"'),
    ]);
  });

  it('that do not exist are named', () => {
    expect(
      problemsOf(
        `${HEAD}${TEMPLATES}\nsteps: [{ name: a, include: [agnet], run: x }, { name: b, include: zzz, run: x }]`,
      ),
    ).toEqual([
      expect.stringContaining(
        'steps[0].include[0] unknown-template: there is no template "agnet" (did you mean `agent`?)',
      ),
      expect.stringContaining(
        'steps[1].include unknown-template: there is no template "zzz" (there are agent, careful, rules)',
      ),
    ]);
  });

  it('cannot include others', () => {
    expect(
      problemsOf(`${HEAD}templates: { a: { include: b, run: x }, b: {} }\nsteps: [{ name: s, include: a }]`),
    ).toEqual([expect.stringContaining('templates.a.include unknown-key')]);
  });

  it('cannot make a plan grow without measure', () => {
    const command = 'x'.repeat(60_000);
    const template = { verify: Array(100).fill(command) as string[], run: 'x' };
    const steps = Array.from({ length: 10_000 }, (_, at) => ({ name: `n-${at}`, include: 't' }));
    const text = JSON.stringify({ version: 1, name: 'p', repo: '/r', templates: { t: template }, steps });
    const before = process.cpuUsage();
    expect(problemsOf(text)).toEqual([
      expect.stringContaining('text-too-large: written out, with its aliases'),
    ]);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);

    const prompts = Array.from(
      { length: 5_000 },
      (_, at) => `  - {name: n-${at}, agent: {command: x, prompt: *p}}`,
    );
    const yaml = `version: 1\nname: p\nrepo: .\ntemplates: {t: {agent: {prompt: &p ${'y'.repeat(500_000)}}}}\nsteps:\n${prompts.join('\n')}`;
    expect(problemsOf(yaml)).toEqual([expect.stringContaining('text-too-large')]);
  });
});

describe('files of templates', () => {
  const plan = `version: 1
name: p
repo: .
templateFiles: [shared/agents.yaml, rules.json]
steps:
  - { name: a, include: agent, agent: { prompt: x } }
  - { name: b, include: css }
`;
  const files = {
    'shared/agents.yaml': 'version: 1\ntemplates:\n  agent: { agent: { command: go }, attempts: 2 }\n',
    'rules.json':
      '{"version": 1, "templates": {"css": {"codemod": {"language": "Css", "rulesFile": "r.yml"}}}}',
  };

  it('are read beside the plan text', () => {
    expect(stepsOf(plan, { files })).toMatchObject([{ attempts: 2 }, { work: { language: 'Css' } }]);
  });

  it('are part of what the plan is pinned to', () => {
    const digest = (given: Record<string, string>) => {
      const parsed = parsePlan(plan, { files: given });
      return parsed.ok && parsed.digest;
    };
    const other = { ...files, 'rules.json': `${files['rules.json']} ` };
    expect(digest(files)).not.toBe(digest(other));
    expect(digest(files)).toBe(digest(Object.fromEntries(Object.entries(files).reverse())));
  });

  it('show their problems with their names and places', () => {
    const wrong = {
      'shared/agents.yaml':
        'version: 2\ntemplats: {}\ntemplates:\n  agent:\n    agent: { command: go }\n    attempts: 200\n    run: "${{ nope }}"\n',
      'rules.json':
        '{"version": 1, "templates": {"css": {"codemod": {"language": "CSS", "rulesFile": "/r.yml"}}}}',
    };
    expect(problemsOf(plan, { files: wrong })).toEqual([
      expect.stringMatching(
        /^rules\.json@1:62 templates\.css\.codemod\.language wrong-value: .*did you mean `Css`/,
      ),
      expect.stringMatching(
        /^rules\.json@1:82 templates\.css\.codemod\.rulesFile wrong-value: a path is relative/,
      ),
      expect.stringMatching(/^shared\/agents\.yaml@1:10 version wrong-value: expected 1/),
      expect.stringMatching(/^shared\/agents\.yaml@2:1 templats unknown-key/),
      expect.stringMatching(
        /^shared\/agents\.yaml@6:15 templates\.agent\.attempts wrong-value: expected at most 100/,
      ),
      expect.stringMatching(
        /^shared\/agents\.yaml@7:5 templates\.agent\.run many-works|^shared\/agents\.yaml@7:10 templates\.agent\.run expression/,
      ),
    ]);
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'not given',
      {},
      '@4:17 templateFiles[0] missing-file: the file "shared/agents.yaml" was not given with the plan',
    ],
    [
      'not named',
      { ...files, 'more.yaml': 'x' },
      '@4:1 templateFiles unknown-file: the file "more.yaml" was given, but the plan does not name it',
    ],
    [
      'no YAML',
      { ...files, 'rules.json': 'a: b: c' },
      'rules.json@1:4  syntax: Nested mappings are not allowed',
    ],
    [
      'a list',
      { ...files, 'rules.json': '[]' },
      'rules.json@1:1  wrong-type: expected a map of keys, got a list',
    ],
    [
      'empty',
      { ...files, 'rules.json': '' },
      'rules.json@1:1  wrong-type: expected a map of keys, got nothing',
    ],
    ['too large', { ...files, 'rules.json': ' '.repeat(1_100_000) }, 'templateFiles[1] text-too-large'],
    [
      'with a name that another has',
      {
        ...files,
        'rules.json':
          '{"version": 1, "templates": {"css": {"codemod": {"language": "Css", "rules": "x"}},\n"agent": {}}}',
      },
      'rules.json@2:1 templates.agent duplicate-name: "shared/agents.yaml" has a template "agent" too',
    ],
    [
      'with a key twice',
      { ...files, 'rules.json': '{"version": 1, "version": 1, "templates": {"css": {"noop": true}}}' },
      'rules.json@1:16 version duplicate-key',
    ],
  ])('that are %s are told of', (_, given, expected) => {
    expect(problemsOf(plan, { files: given }).join('\n')).toContain(expected);
  });

  it.each(['/etc/passwd', '../x.yaml', 'a/../../x', 'a\\b'])('cannot be %s', (path) => {
    expect(
      problemsOf(`${HEAD}templateFiles: [${JSON.stringify(path)}]\nsteps: [{name: a, noop: true}]`).join(),
    ).toContain('templateFiles[0] wrong-value: a path is relative');
  });
});
