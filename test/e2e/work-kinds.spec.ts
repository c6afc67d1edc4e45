import { mkdir } from 'node:fs/promises';
import { gitRepo, tempDir } from '#testing';
import { skein, Stack, freshDataDir } from './stack.ts';

const TEST_MS = 300_000;

const TRANSFORM = `
import type { API, FileInfo } from 'jscodeshift';
export default function toEsm(file: FileInfo, { j, stats }: API, options: { extension: string }) {
  const root = j(file.source);
  root.find(j.VariableDeclaration, { declarations: [{ init: { callee: { name: 'require' } } }] }).replaceWith(({ node }) => {
    const [{ id, init }] = node.declarations as any[];
    stats('imports');
    return j.importDeclaration([j.importDefaultSpecifier(id)], j.literal(init.arguments[0].value + options.extension));
  });
  return root.toSource({ quote: 'single' });
}
`;

const SCRIPT = `#!/usr/bin/env node
const { writeFileSync } = require('node:fs');
writeFileSync('names.txt', process.argv.slice(2).join('\\n') + '\\n');
`;

describe('baselines, transforms, scripts and progress on a branch, on the built stack', () => {
  let stack: Stack;
  let shared: string;

  beforeAll(async () => {
    shared = await tempDir('shared');
    await mkdir(shared, { recursive: true });
    stack = await Stack.up({
      dataDir: await freshDataDir(),
      slots: 4,
      env: { SKEIN_STEP_WRITABLE: shared },
    });
  }, TEST_MS);

  afterAll(async () => {
    await stack.stop();
  }, 60_000);

  it(
    'carry a plan to its branch, with what was red and flaky before, and its page beside it',
    async () => {
      const repo = await gitRepo({
        'src/a.js': "const b = require('./b');\nb();\n",
        'src/b.js': 'export default () => 1;\n',
        'src/broken.js': 'const (;\n',
        'codemods/to-esm.ts': TRANSFORM,
      });
      const once = `test -e '${shared}/seen' || { touch '${shared}/seen'; exit 3; }`;
      const evil = '"; touch pwned; $(touch pwned)';
      const planId = await stack.submit(
        JSON.stringify({
          version: 1,
          name: 'kinds',
          params: { who: evil },
          repo: { url: repo.bare, base: 'main' },
          baseline: { verify: ['test -f src/a.js', once, 'echo two problems; exit 2'], onRed: 'report' },
          progress: { branch: 'kinds-progress', every: '30s' },
          integrate: { branch: 'kinds', verify: ['test ! -e pwned', 'grep -q "touch pwned" names.txt'] },
          steps: [
            {
              name: 'esm',
              codemod: {
                transformFile: 'codemods/to-esm.ts',
                parser: 'babel',
                options: { extension: '.js' },
                files: ['src/**/*.js'],
              },
              verify: ['node --input-type=module --check < src/a.js'],
            },
            { name: 'names', run: { script: SCRIPT, args: ['${{ params.who }}', '*'] } },
          ],
        }),
      );
      const plan = await stack.closed(planId);
      const steps = await stack.steps(planId);
      expect(steps.filter(({ reason }) => reason !== null)).toEqual([]);
      expect(plan).toMatchObject({
        status: 'completed',
        integration: { branch: 'kinds', state: 'published' },
      });
      expect(await repo.show('kinds', 'src/a.js')).toBe("import b from './b.js';\nb();\n");
      expect(await repo.show('kinds', 'src/broken.js')).toBe('const (;\n');
      expect(await repo.show('kinds', 'names.txt')).toBe(`${evil}\n*\n`);

      const passed = (await stack.ledger(planId)).filter(({ type }) => type === 'step.passed');
      const baseline = steps.find(({ kind }) => kind === 'baseline')!;
      const outputs = passed.find(({ data }) => `s${String(data['ordinal'])}` === baseline.ordinal)!.data[
        'outputs'
      ];
      expect(outputs).toMatchObject({
        cached: false,
        checks: [{ verdict: 'green' }, { verdict: 'flaky' }, { verdict: 'red' }],
      });
      const log = await skein(['log', planId, 'baseline'], { url: stack.url });
      expect(log.stdout).toContain('two problems');

      expect(await repo.files('kinds-progress')).toEqual(['progress.md']);
      expect(await repo.show('kinds-progress', 'progress.md')).toContain('kinds');
      const subjects = await repo.bareGit(
        'log',
        '--format=%(trailers:key=Skein-Plan,valueonly)',
        'kinds-progress',
      );
      expect(new Set(subjects.split('\n').filter((line) => line !== ''))).toEqual(new Set([planId]));
    },
    TEST_MS,
  );

  it(
    'a base that is red halts a plan that asks for it, before any attempt',
    async () => {
      const repo = await gitRepo();
      const planId = await stack.submit(
        JSON.stringify({
          version: 1,
          name: 'red',
          repo: { url: repo.bare, base: 'main' },
          baseline: { verify: ['echo never green; exit 1'], onRed: 'halt' },
          integrate: 'none',
          steps: [{ name: 'one', run: 'echo x > x' }],
        }),
      );
      const plan = await stack.closed(planId);
      expect(plan.status).toBe('halted');
      const steps = await stack.steps(planId);
      const baseline = steps.find(({ kind }) => kind === 'baseline')!;
      expect(baseline).toMatchObject({ state: 'blocked', reason: { code: 'baseline-red' } });
      expect(baseline.reason!.message).toContain('never green');
      expect(steps.find(({ name }) => name === 'one')!.attempts).toBe(0);
    },
    TEST_MS,
  );
});
