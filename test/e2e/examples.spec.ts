import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gitRepo, tempDir, type GitRepo } from '#testing';
import { Stack, skein } from './stack.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const NAMES = ['commonjs-to-esm', 'dependency-bump', 'licence-headers', 'rename-api'];
const PARAMS: Record<string, string[]> = { 'licence-headers': ['--param', 'holder=Ada "A." Example'] };

/** The example as a person has it after copying its folder: the plan beside a git repository. */
async function copyOf(name: string): Promise<{ plan: string; repo: GitRepo }> {
  const folder = join(await tempDir('example'), name);
  await cp(join(EXAMPLES, name), folder, { recursive: true });
  const repo = await gitRepo({});
  await cp(join(folder, 'repository'), repo.work, { recursive: true });
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'The repository of the example');
  await repo.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main');
  const plan = join(folder, 'plan.yaml');
  await writeFile(plan, (await readFile(plan, 'utf8')).replace('./repository', repo.bare));
  return { plan, repo };
}

describe('the examples', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.up({ dataDir: join(await tempDir('examples'), 'data') });
  }, 300_000);

  afterAll(async () => {
    await stack?.stop();
  });

  async function run(name: string): Promise<{ repo: GitRepo; planId: string; branch: string }> {
    const { plan, repo } = await copyOf(name);
    const args = ['submit', plan, '--watch', ...(PARAMS[name] ?? [])];
    const ended = await skein(args, { url: stack.url });
    // With what it said, should it have gone wrong.
    expect({ code: ended.code, said: ended.stdout }).toMatchObject({
      code: 0,
      said: expect.stringContaining('completed'),
    });
    const planId = /submitted .* as ([a-z0-9]+)/.exec(ended.stdout)![1]!;
    const { integration } = await stack.closed(planId);
    expect(integration).toMatchObject({ state: 'published' });
    return { repo, planId, branch: integration!.branch };
  }

  it('are those that are tested here, each with a page that says what it shows', async () => {
    const entries = await readdir(EXAMPLES, { withFileTypes: true });
    expect(
      entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort(),
    ).toEqual(NAMES);
    const page = await readFile(join(EXAMPLES, 'README.md'), 'utf8');
    for (const name of NAMES) expect(page).toContain(`(${name}/plan.yaml)`);
  });

  it('rename an API: every caller has the new name and shape, the old one is gone', async () => {
    const { repo, branch } = await run('rename-api');
    expect(await repo.show(branch, 'src/reports/totals.js')).toContain(
      "client.getInvoice({ id: id, currency: 'USD', withLines: true })",
    );
    for (const file of await repo.files(branch))
      expect(`${file}: ${(await repo.show(branch, file))!.includes('fetchInvoice')}`).toBe(`${file}: false`);
  }, 120_000);

  it('CommonJS to ESM: each file is a module, by a transform of the repository', async () => {
    const { repo, branch, planId } = await run('commonjs-to-esm');
    expect(JSON.parse((await repo.show(branch, 'package.json'))!)).toMatchObject({ type: 'module' });
    expect(await repo.show(branch, 'src/index.js')).toContain("import { metres } from './count.js';");
    const names = (await stack.steps(planId)).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['convert[src/label.js]', 'convert[test/index.test.js]']));
  }, 120_000);

  it('dependency bump: the agent repairs what the bump broke, by what the checks told it', async () => {
    const { repo, branch, planId } = await run('dependency-bump');
    expect(JSON.parse((await repo.show(branch, 'package.json'))!)).toMatchObject({
      dependencies: { 'dye-lot': 'file:vendor/dye-lot-2.0.0.tgz' },
    });
    expect(await repo.show(branch, 'src/shelf.js')).toContain('function lotOf(label)');
    const repair = (await stack.steps(planId)).find(({ name }) => name === 'repair');
    expect(repair).toMatchObject({ state: 'passed', attempts: 2 });
  }, 120_000);

  it('licence headers: each file has one, in its own comments, and what is of others has none', async () => {
    const { repo, branch } = await run('licence-headers');
    const first = async (file: string): Promise<string[]> =>
      (await repo.show(branch, file))!.split('\n').slice(0, 2);
    expect(await first('src/window.css')).toEqual([
      '/* Copyright 2026 Ada "A." Example */',
      '/* SPDX-License-Identifier: Apache-2.0 */',
    ]);
    expect(await first('bin/stock.py')).toEqual([
      '#!/usr/bin/env python3',
      '# Copyright 2026 Ada "A." Example',
    ]);
    expect(await repo.show(branch, 'vendor/reset.css')).toBe(await repo.show('main', 'vendor/reset.css'));
    const own = 'test/window.test.js';
    expect(await repo.show(branch, own)).toBe(await repo.show('main', own));
  }, 120_000);
});
