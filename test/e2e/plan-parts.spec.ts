import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, gitRepo, tempDir } from '#testing';
import { Stack, freshDataDir } from './stack.ts';

const TEST_MS = 300_000;

const rules = (name: string): string => `id: rename
language: JavaScript
rule:
  pattern: before($A)
fix: ${name}($A)
`;

/** Fails when the value of the step before is not there, as a number. */
const USE_INPUT = [
  `const { measure } = JSON.parse(require('fs').readFileSync(process.env.SKEIN_INPUTS, 'utf8'));`,
  `if (measure.count !== 7) throw new Error('the count of the step before: ' + JSON.stringify(measure));`,
  `require('fs').writeFileSync('count.txt', measure.count + '\\n');`,
].join(' ');

/** `held` begins only when the gate is open: what the steps behind it read of the base must be pinned by then. */
function planText(repo: string, gate: string): string {
  return JSON.stringify({
    version: 1,
    name: 'parts',
    repo: { url: repo, base: 'main' },
    integrate: {
      branch: 'parts',
      verify: ['test "$(cat count.txt)" = 7', 'grep -q "region us" regions.txt'],
    },
    steps: [
      { name: 'held', run: [`until test -e '${gate}'; do sleep 0.1; done`] },
      {
        name: 'rename',
        needs: ['held'],
        codemod: { language: 'JavaScript', rulesFile: 'codemods/rename.yml' },
      },
      {
        name: 'ask',
        needs: ['held'],
        agent: { command: 'cat "$SKEIN_PROMPT" > answer.txt', promptFile: 'prompts/ask.md' },
      },
      { name: 'measure', run: `echo '{"count": 7}' > "$SKEIN_OUTPUTS"`, outputs: ['count'] },
      { name: 'use', needs: ['measure'], run: `node -e ${quoted(USE_INPUT)}` },
      {
        name: 'regions',
        matrix: ['eu', 'us'],
        env: { LABEL: 'region' },
        run: ['mkdir -p regions', 'echo "$LABEL $SKEIN_MATRIX" > "regions/$SKEIN_MATRIX"'],
        verify: ['test "$(cat "regions/$SKEIN_MATRIX")" = "region $SKEIN_MATRIX"'],
      },
      { name: 'joined', needs: ['rename', 'regions'], noop: true },
      {
        name: 'gather',
        needs: ['joined'],
        run: ['cat regions/eu regions/us > regions.txt', 'cp src/a.js seen.txt'],
      },
    ],
  });
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

describe('a plan with each part of the format, on the built stack', () => {
  let stack: Stack;
  let gates: string;

  beforeAll(async () => {
    gates = await tempDir('gates');
    await mkdir(gates, { recursive: true });
    stack = await Stack.up({
      dataDir: await freshDataDir(),
      slots: 4,
      env: { SKEIN_STEP_WRITABLE: gates },
    });
  }, TEST_MS);

  afterAll(async () => {
    await stack.stop();
  }, 60_000);

  it.each(['/healthz', '/readyz'])('answers 200 to GET %s', async (path) => {
    expect((await fetch(`${stack.url}${path}`)).status).toBe(200);
  });

  it(
    'hands on outputs, joins results, and keeps to the rules and the prompt of the base that it resolved',
    async () => {
      const repo = await gitRepo({
        'src/a.js': 'before(1);\n',
        'codemods/rename.yml': rules('after'),
        'prompts/ask.md': 'The prompt of the base.\n',
      });
      const base = await repo.head();
      const gate = join(gates, 'open');
      const planId = await stack.submit(planText(repo.bare, gate));
      await eventually(
        async () => (await stack.ledger(planId)).some(({ type }) => type === 'plan.expanded'),
        {
          timeoutMs: 60_000,
          what: 'the plan to be resolved',
        },
      );
      await repo.commit({ 'codemods/rename.yml': rules('tooLate'), 'prompts/ask.md': 'Too late.\n' });
      await writeFile(gate, '');

      const plan = await stack.closed(planId);
      const steps = await stack.steps(planId);
      expect(steps.filter(({ reason }) => reason !== null)).toEqual([]);
      expect(plan).toMatchObject({
        status: 'completed',
        baseSha: base,
        integration: { branch: 'parts', state: 'published' },
      });
      expect(await repo.head('parts')).toBe(plan.integration!.sha);
      const shown = (path: string): Promise<string | null> => repo.show('parts', path);
      expect(await shown('src/a.js')).toBe('after(1);\n');
      expect(await shown('answer.txt')).toBe('The prompt of the base.\n');
      expect(await shown('count.txt')).toBe('7\n');
      expect(await shown('regions.txt')).toBe('region eu\nregion us\n');
      // Behind the join: what came before it is there, from both sides.
      expect(await shown('seen.txt')).toBe('after(1);\n');
      // The branch stands on the newest base all the same.
      expect(await shown('codemods/rename.yml')).toBe(rules('tooLate'));
    },
    TEST_MS,
  );
});
