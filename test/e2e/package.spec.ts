import { execFile } from 'node:child_process';
import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, gitRepo, tempDir, type GitRepo } from '#testing';
import { PACKAGE } from './own-machine.ts';
import { Stack, freshDataDir, skein, type LedgerLine } from './stack.ts';

const run = promisify(execFile);

/**
 * A router by others, MIT, exactly as published: `npm ci` unpacks its tarball, locked by its digest. It needs the three
 * packages below, and its tests need `rfdc`.
 */
const NAME = 'find-my-way';
const NEEDS = [
  'fast-deep-equal',
  'fast-querystring',
  'fast-decode-uri-component',
  'safe-regex2',
  'ret',
  'rfdc',
];
/** All of the package's own tests but one file, which needs a mocking library that is not here. */
const OWN_TESTS =
  "find test -name '*.test.js' ! -name issue-330.test.js -exec node --test --test-concurrency=4 --test-reporter=tap {} +";

const SLOTS = 16;
const HEADER = '// SPDX-License-Identifier: MIT';
const BRANCH = 'team/license-headers';
/** The words of git, and ours, for a lock that was not to be had. */
const LOCK_FAILURE =
  /cannot lock ref|could not lock|failed to lock|unable to create '[^']*\.lock'|another git process|GIT_LOCKED/i;

/** The test that a person adds meanwhile: it must pass on the branch, too. */
const LANDED_TEST = `'use strict'

const { test } = require('node:test')
const FindMyWay = require('..')

test('a route that was added meanwhile is found', t => {
  const router = FindMyWay()
  router.on('GET', '/meanwhile', () => {})
  t.assert.ok(router.find('GET', '/meanwhile'))
})
`;

describe('a real package, changed by 50 steps in 16 slots', () => {
  let stack: Stack;
  let meeting: string;
  let modules: string;

  beforeAll(async () => {
    meeting = await tempDir('meeting');
    modules = join(await tempDir('modules'), 'node_modules');
    for (const name of NEEDS) {
      await cp(join(PACKAGE, 'node_modules', name), join(modules, name), { recursive: true });
    }
    stack = await Stack.up({
      dataDir: await freshDataDir(),
      // Two workers share the mirror, so that its lock is tried between processes, too.
      workers: 2,
      slots: SLOTS / 2,
      env: {
        PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
        SKEIN_STEP_READABLE: modules,
        SKEIN_STEP_WRITABLE: meeting,
      },
    });
  }, 300_000);

  afterAll(async () => {
    await stack.stop();
  }, 60_000);

  /** As a person runs them, in a fresh clone. */
  async function ownTestsAt(repo: GitRepo, branch: string): Promise<{ passed: number; failed: number }> {
    const clone = join(await tempDir('fresh'), 'clone');
    await repo.git('clone', '--quiet', '--branch', branch, repo.bare, clone);
    await cp(modules, join(clone, 'node_modules'), { recursive: true });
    const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
    // No NODE_OPTIONS, and nothing that tells a node below that it is a test's child.
    const { stdout } = await run('sh', ['-c', OWN_TESTS], {
      cwd: clone,
      env: { PATH },
      maxBuffer: 64 * 1024 * 1024,
    });
    const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(stdout)?.[1]);
    return { passed: count('pass'), failed: count('fail') };
  }

  it('becomes one branch that contains what landed meanwhile, and on it the own tests of the package pass', async () => {
    const repo = await packageRepo();
    const planId = await stack.submit(planText(repo, { modules, meeting }));

    const passed = async () => (await stack.plan(planId)).counts['passed'] ?? 0;
    const landed: string[] = [];
    await reached('5 steps passed', async () => (await passed()) >= 5);
    landed.push(await repo.commit({ 'test/meanwhile.test.js': LANDED_TEST }, 'Test a route'));
    await reached('30 steps passed', async () => (await passed()) >= 30);
    landed.push(await repo.commit({ 'SECURITY.md': '# Security\n' }, 'Say how to report'));
    // The check of the integration stands still between merge and push until this one has landed.
    await reached('the results are merged', async () => (await readdir(meeting)).includes('merged'));
    expect(await repo.head(BRANCH)).toBeNull();
    landed.push(await repo.commit({ 'CONTRIBUTING.md': '# Contributing\n' }, 'Say how to help'));
    await writeFile(join(meeting, 'landed'), '');

    const plan = await stack.closed(planId);
    const events = await stack.ledger(planId);
    expect(plan).toMatchObject({
      status: 'completed',
      reason: { code: 'integrated' },
      integration: { branch: BRANCH, state: 'published' },
    });
    await expectAllPassedAtOnce(planId);
    expect(overlap(events)).toBeGreaterThanOrEqual(SLOTS);
    await expectNoLockFailure(events);

    expect(await repo.head(BRANCH)).toBe(plan.integration!.sha);
    expect(Object.keys(await repo.refs('refs/heads/')).sort()).toEqual([
      'refs/heads/main',
      `refs/heads/${BRANCH}`,
    ]);
    for (const sha of landed) await repo.bareGit('merge-base', '--is-ancestor', sha, BRANCH);
    const accepted = events.filter(({ type }) => type === 'integration.accepted');
    expect(accepted.map(({ data }) => data['baseSha'])).toEqual([await repo.head('main')]);
    await expectHeaders(repo, plan.baseSha!);

    const { passed: ownPassed, failed } = await ownTestsAt(repo, BRANCH);
    expect(failed).toBe(0);
    expect(ownPassed).toBeGreaterThan(500);
    expect(await skein(['ledger', 'verify', planId], { url: stack.url })).toMatchObject({ code: 0 });

    async function reached(what: string, probe: () => Promise<boolean>): Promise<void> {
      const ended = async () => (await stack.plan(planId)).closed;
      await eventually(async () => (await probe()) || (await ended()), { timeoutMs: 120_000, what });
      expect(await stack.plan(planId)).toMatchObject({ closed: false, reason: null });
    }
  }, 300_000);

  async function expectAllPassedAtOnce(planId: string): Promise<void> {
    const steps = (await stack.steps(planId)).filter(({ kind }) => kind === 'run');
    expect(steps.length).toBeGreaterThanOrEqual(50);
    expect(
      steps.filter((step) => step.state !== 'passed' || step.attempts !== 1 || step.epoch !== 1),
    ).toEqual([]);
  }

  /** Neither in the record nor in anything that a program of the stack said, tries that went well in the end included. */
  async function expectNoLockFailure(events: LedgerLine[]): Promise<void> {
    expect(events.filter(({ type }) => ['lease.released', 'lease.lost'].includes(type))).toEqual([]);
    expect(JSON.stringify(events)).not.toMatch(LOCK_FAILURE);
    const folder = join(stack.dataDir, 'logs');
    const files = (await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8'));
    const logs = (await Promise.all(files)).join('');
    expect(logs).toContain('attempt finished');
    expect(logs).not.toMatch(LOCK_FAILURE);
  }

  async function expectHeaders(repo: GitRepo, base: string): Promise<void> {
    const sources = (await repo.files(base)).filter((path) => path.endsWith('.js'));
    const listed = (await repo.show(BRANCH, 'licensed-files.txt'))!.trim().split('\n');
    expect(listed).toEqual(sources.map((path) => `./${path}`).sort());
    const grep = ['grep', '--files-with-matches', '--fixed-strings', HEADER, BRANCH, '--', '*.js'];
    const found = (await repo.bareGit(...grep)).split('\n');
    expect(found.sort()).toEqual(sources.map((path) => `${BRANCH}:${path}`).sort());
  }

  it('is halted by two steps that rewrite the same line, naming the file and both, and no branch appears', async () => {
    const repo = await gitRepo({ 'lib/router.js': 'module.exports = 1\n' });
    const planId = await stack.submit(
      JSON.stringify({
        version: 1,
        name: 'quarrel',
        repo: { url: repo.bare, base: 'main' },
        integrate: { branch: 'quarrel' },
        steps: ['left', 'right'].map((name) => ({ name, run: [`echo ${name} > lib/router.js`] })),
      }),
    );
    const plan = await stack.closed(planId);
    expect(plan.status).toBe('halted');
    for (const said of ['lib/router.js', 'left', 'right']) expect(plan.reason!.message).toContain(said);
    expect(Object.keys(await repo.refs('refs/heads/'))).toEqual(['refs/heads/main']);
  }, 120_000);

  it('is halted by a branch of its name that somebody else made, and leaves that branch alone', async () => {
    const repo = await gitRepo({ 'lib/router.js': 'module.exports = 1\n' });
    const theirs = await repo.head('main');
    await repo.bareGit('update-ref', 'refs/heads/taken', theirs!);
    const planId = await stack.submit(
      JSON.stringify({
        version: 1,
        name: 'taken',
        repo: { url: repo.bare, base: 'main' },
        integrate: { branch: 'taken' },
        steps: [{ name: 'change', run: ['echo changed > lib/router.js'] }],
      }),
    );
    const plan = await stack.closed(planId);
    expect(plan.status).toBe('halted');
    expect(plan.reason!.message).toContain('taken');
    expect(plan.reason!.message).toContain(theirs!.slice(0, 7));
    expect(await repo.refs('refs/heads/')).toEqual({ 'refs/heads/main': theirs, 'refs/heads/taken': theirs });
  }, 120_000);
});

/** The published package as the repository that a team works in: with what npm leaves out of a tarball. */
async function packageRepo(): Promise<GitRepo> {
  const published = join(PACKAGE, 'node_modules', NAME);
  const json = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const manifest = await json(join(published, 'package.json'));
  expect(manifest['license']).toBe('MIT');
  const { packages } = (await json(join(PACKAGE, 'package-lock.json'))) as {
    packages: Record<string, unknown>;
  };
  expect(packages[`node_modules/${NAME}`]).toMatchObject({
    version: manifest['version'],
    integrity: expect.stringMatching(/^sha512-/),
  });
  expect(await readFile(join(published, 'LICENSE'), 'utf8')).toContain('Permission is hereby granted');
  const repo = await gitRepo({ '.gitignore': 'node_modules\n' });
  await cp(published, repo.work, { recursive: true });
  await repo.commit({}, `Begin with ${NAME} as published`);
  return repo;
}

function planText(repo: GitRepo, o: { modules: string; meeting: string }): string {
  const env = { MODULES: o.modules };
  const setup = ['ln -s "$MODULES" node_modules'];
  return JSON.stringify({
    version: 1,
    name: 'license-headers',
    repo: { url: repo.bare, base: 'main' },
    steps: [
      {
        name: 'header',
        matrix: { glob: '**/*.js', chunk: 2 },
        env,
        setup,
        run: [`xargs -0 sed -i '1i ${HEADER}' < "$SKEIN_FILES"`],
        paths: { write: ['**/*.js'] },
        verify: [
          `test -z "$(xargs -0 grep -LxF '${HEADER}' < "$SKEIN_FILES")"`,
          'node --test --test-isolation=none --test-reporter=dot test/find*.test.js test/lookup*.test.js',
        ],
      },
      {
        name: 'list',
        needs: ['header'],
        run: [
          `grep -rlF '${HEADER}' --include='*.js' --exclude-dir=node_modules . | LC_ALL=C sort > licensed-files.txt`,
        ],
        paths: { write: ['licensed-files.txt'] },
        verify: [`test -z "$(grep -rLF '${HEADER}' --include='*.js' --exclude-dir=node_modules .)"`],
      },
    ],
    integrate: {
      branch: BRANCH,
      env: { ...env, MEETING: o.meeting },
      setup,
      verify: ['touch "$MEETING/merged"; until test -f "$MEETING/landed"; do sleep 0.1; done', OWN_TESTS],
    },
  });
}

/** The most attempts that were open at the same time, by what the ledger says. */
function overlap(events: LedgerLine[]): number {
  const edges = events
    .filter(({ type }) => type === 'attempt.finished')
    .flatMap(({ data }) => {
      const start = Date.parse(data['startedAt'] as string);
      return [
        { at: start, step: 1 },
        { at: start + (data['durationMs'] as number), step: -1 },
      ];
    })
    // One that ends in the millisecond in which another starts does not overlap it.
    .sort((a, b) => a.at - b.at || a.step - b.step);
  let open = 0;
  return Math.max(0, ...edges.map(({ step }) => (open += step)));
}
