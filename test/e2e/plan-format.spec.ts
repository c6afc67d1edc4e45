import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exampleRepository, gitRepo, planExamples, type GitRepo, type PlanExample } from '#testing';
import { Stack, freshDataDir, skein } from './stack.ts';

const TEST_MS = 240_000;

/** What an example leaves on the integrated branch: path to text. */
const LEAVES: Record<string, Record<string, string>> = {
  params: { 'src/LICENSE': 'MIT 2026\n', 'test/LICENSE': 'MIT 2026\n' },
  matrix: { 'regions/eu': 'eu\n', 'sizes/large': 'large\n' },
  planner: { 'converted.txt': 'converted 2 of 2 files\n' },
  conditions: { 'summary.txt': 'skipped\n' },
  scripts: { 'docs/line.txt': "Made with 'care' & $(patience)\n" },
  templates: { 'src/add.js': '// Apache-2.0\nmodule.exports = function add(a, b) {\n  return a + b;\n};\n' },
  rules: { 'src/page.css': 'a {\n  color: var(--brand);\n}\n' },
  transforms: {
    'src/sum.js':
      "const add = require('./add.js');\n\nmodule.exports = function sum(numbers) {\n  return numbers.reduce(add, 0);\n};\n",
  },
  agents: { 'CHANGELOG.md': 'Write a changelog of agents for people.\n' },
};

/** The repository with the plan's files beside its own, as a person has them: not committed. */
async function withPlan({ name, text, files }: PlanExample): Promise<{ repo: GitRepo; file: string }> {
  const repo = await gitRepo(exampleRepository());
  const file = join(repo.work, `${name}.yaml`);
  for (const [path, content] of [[`${name}.yaml`, text], ...Object.entries(files)] as [string, string][]) {
    await mkdir(dirname(join(repo.work, path)), { recursive: true });
    await writeFile(join(repo.work, path), content);
  }
  return { repo, file };
}

describe('the examples of docs/plan-format.md, on the built stack', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.up({ dataDir: await freshDataDir() });
  }, 300_000);

  afterAll(async () => {
    await stack?.stop();
  }, 90_000);

  it.each(planExamples())(
    '$name ends as completed',
    async (example) => {
      const { repo, file } = await withPlan(example);
      const params = Object.entries(example.params).flatMap(([name, value]) => [
        '--param',
        `${name}=${value}`,
      ]);
      const submitted = await skein(['submit', '--json', ...params, file], { url: stack.url });
      expect(`${submitted.code} ${submitted.stderr}`).toMatch(/^0 /);
      const { planId } = JSON.parse(submitted.stdout) as { planId: string };

      const plan = await stack.closed(planId, TEST_MS - 30_000);
      const steps = await stack.steps(planId);
      const told = steps.filter(({ state }) => !['passed', 'skipped'].includes(state));
      expect({ status: plan.status, told, why: told.length > 0 ? plan.reason : null }).toEqual({
        status: 'completed',
        told: [],
        why: null,
      });
      for (const [path, content] of Object.entries(LEAVES[example.name] ?? {})) {
        const shown = await repo.git('show', `${plan.integration!.branch}:${path}`);
        expect(`${path}: ${shown}\n`).toBe(`${path}: ${content}`);
      }
    },
    TEST_MS,
  );
});
