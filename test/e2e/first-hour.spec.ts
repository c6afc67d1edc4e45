import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { eventually, gitRepo, tempDir, type GitRepo } from '#testing';
import * as repositories from './first-repositories.ts';
import type { FirstRepository } from './first-repositories.ts';
import { SKEIN, Stack, freshDataDir, processesOf, skein, type PlanSummary } from './stack.ts';

const run = promisify(execFile);

let stack: Stack;
let temp: string;
beforeAll(async () => {
  stack = await Stack.up({ dataDir: await freshDataDir(), workers: 1, slots: 4 });
}, 300_000);
afterAll(async () => {
  await stack?.stop();
});
beforeEach(async () => {
  temp = await tempDir('tmp');
});

/** A `skein` command in somebody's folder, with a temporary folder of its own: what it leaves there can be seen. */
function cli(folder: string, ...args: string[]) {
  return skein(args, { url: stack.url, cwd: folder, env: { TMPDIR: temp } });
}

async function expectNothingLeft(): Promise<void> {
  // node keeps its own programs compiled there.
  expect((await readdir(temp)).filter((name) => name !== 'node-compile-cache')).toEqual([]);
}

async function submitted(folder: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await cli(folder, 'submit', ...args, '--json');
  if (code !== 0) throw new Error(`not submitted: ${stdout}${stderr}`);
  return (JSON.parse(stdout.split('\n')[0]!) as { planId: string }).planId;
}

async function write(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

/** Everything below a folder: path, size and time of change. Also whatever git keeps there. */
async function snapshot(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const info = await lstat(path);
    return `${path} ${info.size} ${info.mtimeMs}`;
  });
  return (await Promise.all(lines)).sort();
}

function planText(fields: object): string {
  return JSON.stringify({ version: 1, name: 'x', repo: '.', ...fields });
}

describe('skein init', () => {
  async function initialized({ files, plan, says }: FirstRepository) {
    const repo = await gitRepo(files);
    const { code, stdout, stderr } = await cli(repo.work, 'init');
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
    const text = await readFile(join(repo.work, 'skein.yaml'), 'utf8');
    for (const words of says) expect(text).toMatch(words);
    expect(text.split('\n')[0]).toMatch(
      /^# yaml-language-server: \$schema=file:\/\/\/\S+\/docs\/plan\.schema\.json$/,
    );
    expect((parse(text) as { name: string }).name).toBe(plan);
    for (const words of [/skein plan show skein\.yaml/, /skein up/, /skein submit skein\.yaml --watch/])
      expect(stdout).toMatch(words);
    const shown = await cli(repo.work, 'plan', 'show', 'skein.yaml');
    expect({ code: shown.code, stderr: shown.stderr }).toEqual({ code: 0, stderr: '' });
    expect(shown.stdout).toContain(plan);
    await expectNothingLeft();
    return repo;
  }

  it.each(Object.keys(repositories.others))(
    'writes a plan for %s that says its own checks and stands against its base',
    async (name) => {
      await initialized(repositories.others[name]!);
    },
    60_000,
  );

  it.each(['javascript', 'neutral'] as const)(
    'writes a plan for %s that runs to an integrated branch',
    async (name) => {
      const repo = await initialized(repositories[name]);
      const watched = await cli(repo.work, 'submit', 'skein.yaml', '--watch');
      expect({ code: watched.code, output: watched.stdout + watched.stderr }).toMatchObject({ code: 0 });
      const branch = `skein/${repositories[name].plan}`;
      const changed = (await repo.git('diff', '--name-only', 'main', branch)).split('\n').sort();
      const show = (path: string) => repo.git('show', `${branch}:${path}`);
      if (name === 'javascript') {
        expect(changed).toEqual(['lib/read.js', 'lib/write.mjs', 'test/read.test.js']);
        expect(await show('lib/read.js')).toContain(
          "const fs = require('node:fs')\nconst { join } = require(\"node:path\")\nmodules = { fs: 'fs' }",
        );
        expect(await show('lib/write.mjs')).toBe(
          "import fs from 'node:fs'\nexport { join } from 'node:path'\nexport const write = (f) => import('node:fs').then(() => fs.writeFileSync(f, ''))",
        );
      } else {
        expect(changed).toEqual(['notes/a b.txt']);
        expect(await show('notes/a b.txt')).toBe('one\ntwo');
      }
    },
    120_000,
  );

  it('writes a plan for Go that runs to an integrated branch, where Go is', async () => {
    const repo = await initialized(repositories.go);
    const there = await run('go', ['version']).then(
      () => true,
      () => false,
    );
    // Without Go its checks are red: the plan must say so, and integrate nothing.
    const watched = await cli(repo.work, 'submit', 'skein.yaml', '--watch');
    expect({ code: watched.code, output: watched.stdout }).toMatchObject({ code: there ? 0 : 2 });
    const text = await repo.git('show', 'skein/licence-headers:add.go').catch(() => null);
    expect(text?.split('\n').slice(0, 3) ?? null).toEqual(
      there ? ['// SPDX-License-Identifier: MIT', '', 'package x'] : null,
    );
  }, 400_000);

  it('never replaces a plan, but when it is told to, and never through a link', async () => {
    const repo = await gitRepo({ 'skein.yaml': 'mine\n', 'a.txt': '' });
    const refused = await cli(repo.work, 'init');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('is there already');
    expect(await readFile(join(repo.work, 'skein.yaml'), 'utf8')).toBe('mine\n');
    const printed = await cli(repo.work, 'init', '--stdout');
    expect(parse(printed.stdout)).toMatchObject({ version: 1 });
    const outside = join(await tempDir('outside'), 'precious');
    await writeFile(outside, 'precious\n');
    await rm(join(repo.work, 'skein.yaml'));
    await symlink(outside, join(repo.work, 'skein.yaml'));
    expect((await cli(repo.work, 'init')).code).toBe(1);
    expect((await cli(repo.work, 'init', '--force')).code).toBe(0);
    expect(await readFile(outside, 'utf8')).toBe('precious\n');
    expect((await lstat(join(repo.work, 'skein.yaml'))).isFile()).toBe(true);
    await rm(join(repo.work, 'skein.yaml'));
    await symlink(join(dirname(outside), 'nothing'), join(repo.work, 'skein.yaml'));
    expect((await cli(repo.work, 'init')).code).toBe(1);
    expect(await readdir(dirname(outside))).toEqual(['precious']);
    expect((await readdir(repo.work)).sort()).toEqual(['.git', 'a.txt', 'skein.yaml']);
  }, 60_000);

  it('says what to do where there is no repository, no commit, or no folder', async () => {
    const plain = await tempDir('plain');
    for (const [args, words] of [
      [['init'], /git init, git add --all, git commit/],
      [['init', 'nowhere'], /there is no folder/],
    ] as const) {
      const { code, stderr } = await cli(plain, ...args);
      expect(code).toBe(1);
      expect(stderr).toMatch(words);
    }
    await run('git', ['init', '--quiet', plain]);
    const { code, stderr } = await cli(plain, 'init');
    expect(code).toBe(1);
    expect(stderr).toMatch(/has no commit yet/);
  }, 60_000);

  it('believes nothing of a hostile repository', async () => {
    const witness = join(await tempDir('witness'), 'ran');
    const repo = await gitRepo({
      'lib/a.js': "require('fs')\n",
      [`$(touch ${'ran'})'"; #\n: {/x.js`]: "require('fs')\n",
      '\u001b[2J.js': 'require("fs")\n',
      '.gitattributes': '* filter=evil diff=evil\n',
      LICENSE: MITISH,
    });
    await symlink('/etc/passwd', join(repo.work, 'package.json'));
    await symlink('/', join(repo.work, 'root'));
    const branch = "x'$(touch${IFS}ran)-{{y}}";
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '--message', 'Links');
    await repo.git('switch', '--quiet', '--create', branch);
    for (const key of [
      'core.fsmonitor',
      'filter.evil.clean',
      'filter.evil.smudge',
      'diff.evil.textconv',
      'core.hooksPath',
    ])
      await repo.git('config', key, `touch ${witness}`);
    const { code, stdout, stderr } = await cli(repo.work, 'init');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    // eslint-disable-next-line no-control-regex
    expect(stdout + stderr).not.toMatch(/\u001b\[2J/);
    const text = await readFile(join(repo.work, 'skein.yaml'), 'utf8');
    expect(parse(text)).toMatchObject({
      ...{ name: 'node-protocol', repo: { url: '.', base: branch } },
      steps: [{ matrix: { glob: ['**/*.js'] } }],
      integrate: { branch: 'skein/node-protocol' },
    });
    expect(text).not.toContain('root:');
    expect((await cli(repo.work, 'plan', 'show', 'skein.yaml')).code).toBe(0);
    await expect(stat(witness)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await readdir(repo.work)).includes('ran')).toBe(false);
  }, 60_000);
});

const MITISH = 'All rights reserved.\n';

describe('skein plan show', () => {
  it('shows a local repository as the plan will see it, and changes nothing in it', async () => {
    const repo = await gitRepo({ 'src/a.js': '', 'src/b.js': '', 'docs/c.md': '' });
    const glob = { glob: 'src/*.js' };
    await write(repo.work, {
      'plan.json': planText({
        params: { target: { type: 'string' } },
        steps: [
          { name: 'one', matrix: glob, run: 'true' },
          { name: 'two', needs: ['one'], run: 'echo "${{ params.target }}"', outputs: ['list'] },
          { name: 'three', needs: ['two'], matrix: { from: 'needs.two.outputs.list' }, run: 'true' },
          { name: 'rest', wait: '2h' },
        ],
      }),
    });
    const before = await snapshot(repo.work);
    const shown = await cli(repo.work, 'plan', 'show', 'plan.json', '--param', 'target=es2022');
    expect({ code: shown.code, stderr: shown.stderr }).toEqual({ code: 0, stderr: '' });
    for (const words of [
      /one × 2 s1-s2/,
      /└─ two s3/,
      /three × \? \(decided at run time\)/,
      /rest s4 {2}waits 2h/,
    ])
      expect(shown.stdout).toMatch(words);
    const chart = await cli(repo.work, 'plan', 'show', 'plan.json', '--param', 'target=x', '--mermaid');
    expect(chart.stdout).toMatch(/^flowchart TD\n/);
    const json = await cli(repo.work, 'plan', 'show', 'plan.json', '--param', 'target=x', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ ok: true, params: { target: 'x' }, warnings: [] },
      repository: { url: repo.work, base: 'HEAD', baseSha: await repo.head() },
      steps: [
        { ordinal: 's1', name: 'one[src/a.js]', matrix: { files: ['src/a.js'] } },
        { ordinal: 's2', name: 'one[src/b.js]' },
        { ordinal: 's3', name: 'two', needs: ['one'] },
        { ordinal: 's4', name: 'rest' },
      ],
      decidedAtRunTime: [{ step: 'three', from: 'needs.two.outputs.list' }],
    });
    const without = await cli(repo.work, 'plan', 'show', 'plan.json');
    expect(without.code).toBe(1);
    expect(without.stderr).toContain('the param `target` must be given');
    expect(await snapshot(repo.work)).toEqual(before);
    await expectNothingLeft();
  }, 60_000);

  it('refuses a base and globs with the very reason that the plan would be blocked with', async () => {
    const repo = await gitRepo({ 'a.js': '' });
    const plans = {
      'base.json': { repo: { url: repo.bare, base: 'mian' }, steps: [{ name: 'a', run: 'true' }] },
      'glob.json': { repo: repo.bare, steps: [{ name: 'a', matrix: { glob: 'src/**' }, run: 'true' }] },
      'text.json': { repo: repo.bare, steps: [{ name: 'a', agent: { command: 'x', promptFile: 'no.md' } }] },
    };
    for (const [name, fields] of Object.entries(plans)) {
      await write(temp, { [name]: planText(fields) });
      const shown = await cli(temp, 'plan', 'show', name, '--json');
      const dry = await cli(temp, 'submit', name, '--dry-run');
      const plan = await stack.closed(await submitted(temp, name));
      const resolve = (await stack.steps(plan.planId))[0]!;
      expect(plan.status).toBe('halted');
      expect(shown.code).toBe(1);
      expect(JSON.parse(shown.stdout)).toMatchObject({ ok: false, reason: resolve.reason });
      expect(dry.code).toBe(1);
      expect(dry.stderr).toContain(resolve.reason!.message.split('\n')[0]!);
    }
  }, 120_000);

  it('looks at a remote by a fetch that leaves nothing', async () => {
    const repo = await gitRepo({
      'src/a.js': '',
      'rules.yml': 'id: a\nlanguage: JavaScript\nrule: { pattern: a }\nfix: b\n',
    });
    await using server = await serveGit(dirname(repo.bare));
    await write(temp, {
      'plan.json': planText({
        repo: `${server.url}/origin.git`,
        steps: [
          {
            name: 'a',
            matrix: { glob: 'src/*' },
            codemod: { language: 'JavaScript', rulesFile: 'rules.yml' },
          },
        ],
      }),
    });
    const env = { TMPDIR: temp, SKEIN_REPO_SCHEMES: 'http' };
    const shown = await skein(['plan', 'show', 'plan.json', '--json'], { cwd: temp, env });
    expect(JSON.parse(shown.stdout)).toMatchObject({ ok: true, steps: [{ name: 'a[src/a.js]' }] });
    await rm(join(temp, 'plan.json'));
    await expectNothingLeft();
  }, 60_000);
});

describe('a look at a repository', () => {
  it('that never answers ends with Ctrl-C, and leaves nothing', async () => {
    let asked = 0;
    const server = createServer(() => void (asked += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const repo = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.git`;
    const folder = await tempDir('plan');
    await write(folder, { 'plan.json': planText({ repo, steps: [{ name: 'a', run: 'true' }] }) });
    const env = { ...process.env, TMPDIR: temp, SKEIN_REPO_SCHEMES: 'http' };
    const child = spawn(SKEIN, ['plan', 'show', 'plan.json'], { cwd: folder, env, stdio: 'ignore' });
    const exited = once(child, 'exit');
    await eventually(() => asked > 0, { timeoutMs: 30_000 });
    child.kill('SIGINT');
    const [code] = (await exited) as [number | null];
    expect(code).toBe(1);
    await expectNothingLeft();
    expect(await processesOf(temp)).toEqual([]);
    server.closeAllConnections();
    server.close();
  }, 60_000);
});

describe('what is not committed', () => {
  async function workedOn(): Promise<{ repo: GitRepo; plan: object }> {
    const repo = await gitRepo({ 'a.txt': 'a\n' });
    await write(repo.work, {
      'plan.json': planText({ integrate: 'none', steps: [{ name: 'a', run: 'true' }] }),
      'b.txt': 'not committed\n',
      'a.txt': 'changed\n',
    });
    return { repo, plan: {} };
  }
  const WARNING = /2 uncommitted files are not part of the plan: a\.txt, b\.txt; commit them, or pass --base/;

  it('is named by submit, plan show and a dry run, which go on, and is a field of their JSON', async () => {
    const { repo } = await workedOn();
    for (const args of [
      ['submit', 'plan.json'],
      ['submit', 'plan.json', '--dry-run'],
      ['plan', 'show', 'plan.json'],
    ]) {
      const { code, stdout, stderr } = await cli(repo.work, ...args);
      expect({ args, code }).toEqual({ args, code: 0 });
      expect(stderr).toMatch(WARNING);
      expect(stdout).not.toMatch(/uncommitted/);
      const json = await cli(repo.work, ...args, '--json');
      expect(JSON.parse(json.stdout.split('\n')[0]!)).toMatchObject({
        warnings: [{ code: 'uncommitted', count: 2, files: ['a.txt', 'b.txt'] }],
      });
    }
  }, 60_000);

  it('is an error with --strict, and then nothing is submitted', async () => {
    const { repo } = await workedOn();
    const before = await planIds();
    for (const args of [
      ['submit', 'plan.json', '--strict'],
      ['submit', 'plan.json', '--strict', '--json'],
      ['submit', 'plan.json', '--strict', '--dry-run'],
      ['plan', 'show', 'plan.json', '--strict'],
    ]) {
      const { code, stderr, stdout } = await cli(repo.work, ...args);
      expect({ args, code }).toEqual({ args, code: 1 });
      expect(stderr + stdout).toMatch(WARNING);
    }
    expect(await planIds()).toEqual(before);
    await repo.git('add', 'a.txt', 'b.txt');
    await repo.git('commit', '--quiet', '--message', 'Mine');
    expect((await cli(repo.work, 'submit', 'plan.json', '--strict')).code).toBe(0);
  }, 60_000);

  it('is told of commits, too, that the base does not have; --base takes another one', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n' });
    await repo.git('switch', '--quiet', '--create', 'feature');
    await write(repo.work, { 'b.txt': 'b\n' });
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '--message', 'Mine');
    const fields = { repo: { url: '.', base: 'main' }, steps: [{ name: 'a', run: 'test -e b.txt' }] };
    await write(repo.work, { 'plan.json': planText({ ...fields, integrate: 'none' }) });
    const shown = await cli(repo.work, 'plan', 'show', 'plan.json');
    expect(shown.stderr).toMatch(
      /feature is checked out, but the plan starts from main .*: 1 commit of it is not part/,
    );
    const planId = await submitted(repo.work, 'plan.json', '--base', 'feature');
    expect(await stack.closed(planId)).toMatchObject({
      status: 'completed',
      baseSha: await repo.git('rev-parse', 'feature'),
    });
  }, 60_000);
});

async function planIds(): Promise<string[]> {
  const { plans } = await stack.get<{ plans: PlanSummary[] }>('/v1/plans?limit=500');
  return plans.map(({ planId }) => planId);
}

describe('skein submit --dry-run', () => {
  it('checks what a submission checks and the base, and leaves no trace in the ledger', async () => {
    const repo = await gitRepo({ 'a.js': '', 'b.js': '' });
    await write(temp, {
      'plan.json': planText({
        repo: repo.bare,
        params: { n: { type: 'number' } },
        steps: [{ name: 'a', matrix: { glob: '*.js' }, run: 'true' }],
      }),
      'other.json': planText({ repo: repo.bare, steps: [{ name: 'b', run: 'true' }] }),
      'wrong.json': planText({ repo: repo.bare, steps: [{ name: 'b', needs: ['a'], run: 'true' }] }),
    });
    const before = await planIds();
    const dry = await cli(
      temp,
      'submit',
      'plan.json',
      '--dry-run',
      '--param',
      'n=3',
      '--key',
      'first-hour',
      '--json',
    );
    expect(dry.code).toBe(0);
    const answer = JSON.parse(dry.stdout) as { planId: string };
    expect(answer).toMatchObject({
      ...{ type: 'dry-run', ok: true, server: 'would-take', name: 'x', exists: false, steps: 1 },
      ...{ baseSha: await repo.head(), expandedSteps: 6, fanOuts: 0, warnings: [] },
    });
    expect(await planIds()).toEqual(before);
    await expect(stack.get(`/v1/plans/${answer.planId}`)).rejects.toThrow('404');
    await expect(stack.ledger(answer.planId)).rejects.toThrow('404');
    expect(await repo.refs()).toEqual({ 'refs/heads/main': await repo.head() });

    const made = await submitted(temp, 'plan.json', '--param', 'n=3', '--key', 'first-hour');
    expect(made).toBe(answer.planId);
    const again = await cli(
      temp,
      'submit',
      'plan.json',
      '--dry-run',
      '--param',
      'n=3',
      '--key',
      'first-hour',
    );
    expect(again.stdout).toContain(`it is the plan ${made}, which is there already`);
    for (const [args, words] of [
      [['other.json', '--key', 'first-hour'], /Idempotency-Key was used before/],
      [['plan.json', '--param', 'n=4', '--key', 'first-hour'], /Idempotency-Key was used before/],
      [
        ['plan.json', '--param', 'n=3', '--base', 'main', '--key', 'first-hour'],
        /Idempotency-Key was used before/,
      ],
      [['plan.json', '--param', 'n=x'], /expected a number/],
      [['plan.json', '--param', 'n=3', '--base', 'a..b'], /base-invalid/],
      [['wrong.json'], /wrong\.json:1:\d+: steps\[0\]\.needs\[0\]/],
    ] as const) {
      const refused = await cli(temp, 'submit', '--dry-run', ...args);
      expect({ args, code: refused.code }).toEqual({ args, code: 1 });
      expect(refused.stderr).toMatch(words);
    }
    expect(await planIds()).toEqual([made, ...before]);
  }, 120_000);

  it('checks from here alone when no server is there, and says so', async () => {
    const repo = await gitRepo({ 'a.js': '' });
    await write(temp, {
      'plan.json': planText({ repo: repo.bare, steps: [{ name: 'a', run: 'true' }] }),
      'wrong.json': planText({ steps: [] }),
    });
    const nowhere = { url: 'http://127.0.0.1:9', cwd: temp, env: { TMPDIR: temp } };
    const dry = await skein(['submit', '--dry-run', 'plan.json'], nowhere);
    expect(dry.code).toBe(0);
    expect(dry.stderr).toMatch(/no server at http:\/\/127\.0\.0\.1:9 .*: checked from here alone/);
    expect(dry.stdout).toMatch(/it would have 5 steps/);
    const wrong = await skein(['submit', '--dry-run', 'wrong.json'], nowhere);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('at least one step');
  }, 60_000);
});

describe('skein diff', () => {
  it('tells what a plan has landed, as bytes that apply', async () => {
    const repo = await gitRepo({ 'a.txt': 'one\r\ntwo\r\n', 'latin1.txt': 'plain\n', 'gone.txt': 'x\n' });
    const change =
      "printf 'ONE\\r\\ntwo\\r\\n' > a.txt; printf 'caf\\351\\n' > latin1.txt; mv gone.txt new.txt";
    await write(temp, {
      'plan.json': planText({ repo: repo.bare, steps: [{ name: 'change', run: change }] }),
    });
    const planId = await submitted(temp, 'plan.json');
    expect((await stack.closed(planId)).status).toBe('completed');
    const stat = await cli(temp, 'diff', planId, '--stat');
    expect(stat.stdout).toMatch(
      / a\.txt +\| 2 \+-\n latin1\.txt +\| 2 \+-\n gone\.txt => new\.txt \| 0\n 3 files changed/,
    );
    expect(stat.stderr).toMatch(/the branch skein\/x-\S+ against the base/);
    expect((await cli(temp, 'diff', planId, '--name-only')).stdout).toBe('a.txt\nlatin1.txt\nnew.txt\n');
    // Through a pipe, as a person would: the bytes of no file are changed on their way.
    const env = { ...process.env, SKEIN_URL: stack.url };
    await run('sh', ['-c', `${SKEIN} diff ${planId} | git apply`], {
      cwd: repo.work,
      env,
    });
    const { branch } = (await stack.plan(planId)).integration!;
    await repo.git('fetch', '--quiet', 'origin', branch);
    await repo.git('add', '--all');
    expect(await repo.git('diff', '--cached', '--stat', 'FETCH_HEAD')).toBe('');
    await expectOnlyPlanLeft();
  }, 120_000);

  it('merges what is accepted so far onto the newest base, names conflicts, and shows nothing that steers a terminal', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const steps = [
      { name: 'one', run: 'echo one > a.txt' },
      { name: 'two', run: 'echo two > a.txt' },
      { name: 'three', run: "printf '\\033[2Jthree\\n' > b.txt" },
      { name: 'red', run: 'false' },
    ];
    await write(temp, { 'plan.json': planText({ repo: repo.bare, steps }) });
    const planId = await submitted(temp, 'plan.json');
    expect((await stack.closed(planId)).status).toBe('halted');
    const moved = await repo.commit({ 'c.txt': 'people\n' });
    const refs = await repo.refs();
    const names = await cli(temp, 'diff', planId, '--name-only');
    expect(names.stdout).toBe('a.txt\nb.txt\n');
    expect(names.stderr).toContain(`2 of 3 accepted results merged onto ${moved.slice(0, 12)}`);
    expect(names.stderr).toContain('conflict: two (s2) with one (s1) in a.txt; left out');
    const coloured = await cli(temp, 'diff', planId, '--color', 'always');
    expect(coloured.stdout).toContain('\\x1b[2Jthree');
    expect(coloured.stdout).not.toContain('\u001b[2J');
    expect(coloured.stdout).toContain('\u001b[32m+one');
    expect((await cli(temp, 'diff', planId)).stdout).toContain('\u001b[2Jthree');
    expect((await cli(temp, 'diff', planId, 'one', '--stat')).stdout).toMatch(/a\.txt \| 2 \+-/);
    expect(await repo.refs()).toEqual(refs);
    await expectOnlyPlanLeft();
  }, 120_000);

  it('falls back to what the server kept where the repository cannot be read, and says so', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const steps = [
      { name: 'one', run: 'echo one > a.txt' },
      { name: 'two', run: 'echo two > b.txt' },
    ];
    await write(temp, { 'plan.json': planText({ repo: repo.bare, integrate: 'none', steps }) });
    const planId = await submitted(temp, 'plan.json');
    expect((await stack.closed(planId)).status).toBe('completed');
    expect((await cli(temp, 'diff', planId, '--name-only')).stdout).toBe('a.txt\nb.txt\n');
    await rm(repo.bare, { recursive: true });
    const { code, stdout, stderr } = await cli(temp, 'diff', planId, '--name-only');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'a.txt\nb.txt\n' });
    expect(stderr).toMatch(/cannot tell it from here: .*\n.*diffs that the server kept/);
  }, 120_000);

  async function expectOnlyPlanLeft(): Promise<void> {
    await rm(join(temp, 'plan.json'));
    await expectNothingLeft();
  }
});

describe('skein prune', () => {
  it('removes the artifacts of ended plans only, which show as lost, and nothing of the ledger', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n' });
    const gate = join(await tempDir('gate'), 'open');
    const dataDir = await freshDataDir();
    const own = await Stack.up({ dataDir, env: { SKEIN_STEP_READABLE: dirname(gate) } });
    try {
      await write(temp, {
        'ended.json': planText({
          repo: repo.bare,
          integrate: 'none',
          steps: [{ name: 'a', run: 'echo said > b.txt' }],
        }),
        'open.json': planText({
          repo: repo.bare,
          ...{ name: 'open', integrate: 'none' },
          steps: [
            {
              name: 'a',
              run: `echo said; until test -e ${gate}; do sleep 0.2; done`,
              timeout: { idle: '5m' },
            },
          ],
        }),
      });
      const on = (...args: string[]) => skein(args, { url: own.url, cwd: temp, env: { TMPDIR: temp } });
      const idOf = async (file: string) =>
        (JSON.parse((await on('submit', file, '--json')).stdout) as { planId: string }).planId;
      const ended = await idOf('ended.json');
      await own.closed(ended);
      const open = await idOf('open.json');
      await eventually(async () => (await on('log', open, 'a', '--attempt', '1')).stdout.includes('said'), {
        timeoutMs: 30_000,
      });
      const prune = async (...args: string[]) =>
        JSON.parse((await on('prune', '--data-dir', dataDir, '--json', ...args)).stdout) as {
          pruned: Record<string, { count: number; files: number; bytes: number }>;
          kept: { why: string; count: number }[];
        };
      const young = await prune();
      expect(young.pruned['artifacts']!.count).toBe(0);
      expect(young.kept).toEqual([{ why: 'artifacts of plans that run or ended later', count: 2 }]);
      const dry = await prune('--older-than', '0d', '--dry-run');
      expect((await on('log', ended, 'a')).stdout).toContain('[skein]');
      const { pruned, kept } = await prune('--older-than', '0d');
      expect(pruned).toEqual(dry.pruned);
      expect(pruned['artifacts']).toMatchObject({ count: 1 });
      expect(pruned['artifacts']!.files).toBeGreaterThan(1);
      expect(pruned['artifacts']!.bytes).toBeGreaterThan(10);
      expect(pruned['workers']!.count).toBe(0);
      expect(kept).toEqual([{ why: 'artifacts of plans that run or ended later', count: 1 }]);
      for (const what of ['log', 'diff']) {
        const lost = await on(what, ended, 'a');
        expect(lost.code).toBe(1);
        expect(lost.stderr).toMatch(/is lost: the artifact store does not have it/);
      }
      expect((await on('log', open, 'a', '--attempt', '1')).stdout).toContain('said');
      expect((await on('ledger', 'verify', ended)).code).toBe(0);
      expect((await on('status', ended)).code).toBe(0);
      await writeFile(gate, '');
      expect((await own.closed(open)).status).toBe('completed');
      const text = await on('prune', '--data-dir', dataDir);
      expect(text.stdout).toMatch(/The ledger is never pruned/);
    } finally {
      await own.stop();
    }
    // Without a server nobody knows which plans are open: their artifacts stay.
    const blind = await skein(['prune', '--data-dir', dataDir, '--older-than', '0d', '--json'], {
      url: 'http://127.0.0.1:9',
    });
    expect(blind.code).toBe(0);
    expect(blind.stdout).toContain('no server at http://127.0.0.1:9');
    expect(await readdir(join(dataDir, 'artifacts'))).toHaveLength(1);
  }, 180_000);
});

async function serveGit(root: string): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
    });
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('close', () => {
      const output = Buffer.concat(chunks);
      const end = output.indexOf('\r\n\r\n');
      const headers = output.toString('latin1', 0, end).split('\r\n');
      response.writeHead(
        200,
        Object.fromEntries(headers.map((line) => line.split(': ') as [string, string])),
      );
      response.end(output.subarray(end + 4));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
