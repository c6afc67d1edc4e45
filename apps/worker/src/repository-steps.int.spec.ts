import type { IntegrateJob, JscodeshiftTask, LoopJob, ResolveJob, StepInput } from '#contracts';
import type { CommitRef } from '#domain';
import { AFleet, agent, runs } from '../../../test/worker/a-fleet.ts';

describe('steps that need the repository', () => {
  let fleet: AFleet;

  beforeEach(async () => {
    fleet = await AFleet.start({
      files: {
        'README.md': '# Example\n',
        'src/a.js': 'one\ntwo\nthree\n',
        'src/b.js': 'b\n',
        'src/.hidden.js': 'h\n',
        'rules/r.yml': 'rule: {}\n',
      },
    });
  }, 60_000);

  afterEach(async () => {
    expect(await fleet.leftovers()).toEqual([]);
    await fleet.stop();
  }, 60_000);

  /** A step that ran before: its input for the next. */
  async function input(stepName: string, command: string, inputs: StepInput[] = []): Promise<StepInput> {
    const job = await fleet.run(runs([command], { inputs }), { stepName });
    const commit = fleet.attemptsOf(job)[0]!.commit as CommitRef;
    return { ordinal: job.ordinal, stepName, commit };
  }

  function integrate(inputs: StepInput[], o: Partial<IntegrateJob> = {}): IntegrateJob {
    return {
      kind: 'integrate',
      branch: 'skein/test',
      inputs,
      ledgerHead: { seq: 41, hash: 'ab'.repeat(32) },
      setup: [],
      verify: [],
      env: {},
      values: {},
      network: false,
      timeout: { attemptMs: 60_000, idleMs: 30_000 },
      date: '2026-11-20T12:00:00Z',
      ...o,
    };
  }

  async function candidateOf(work: IntegrateJob) {
    const job = await fleet.run(work, { stepName: 'integrate' });
    const result = fleet.resultOf(job);
    if (result.status !== 'passed') throw new Error(`blocked: ${result.reason.message}`);
    return result.candidate;
  }

  async function blockedReason(work: Parameters<AFleet['job']>[0], o: Parameters<AFleet['job']>[1] = {}) {
    const result = fleet.resultOf(await fleet.run(work, o));
    if (result.status !== 'blocked') throw new Error('passed');
    return result.reason;
  }

  describe('start', () => {
    it('is the one need’s result itself, and it is passed on by a step that changes nothing', async () => {
      const first = await input('first', 'echo 1 > src/1.js');
      const job = await fleet.run(runs(['test -f src/1.js'], { inputs: [first] }));
      expect(fleet.attemptsOf(job)[0]).toMatchObject({ verdict: 'accepted', commit: first.commit });
    }, 60_000);

    it('is the merge of several needs, pushed, and the same in every lease', async () => {
      const inputs = [await input('first', 'echo 1 > src/1.js'), await input('second', 'echo 2 > src/2.js')];
      const work = runs(['test -f src/1.js && test -f src/2.js'], { inputs });
      const job = await fleet.run(work);
      const again = await fleet.run(work, { ordinal: job.ordinal, epoch: 2 });
      const [commit, repeated] = fleet.attemptsOf(again).map((attempt) => attempt.commit!);
      expect(commit!.ref).toMatch(/\/merge$/);
      expect(repeated!.sha).toBe(commit!.sha);
      expect(await fleet.repo.bareGit('rev-parse', commit!.ref)).toBe(commit!.sha);
    }, 60_000);

    it('a conflict among the needs is blocked naming file and both steps, and uses no attempt', async () => {
      const inputs = [
        await input('left', 'echo left > src/b.js'),
        await input('right', 'echo right > src/b.js'),
      ];
      const job = await fleet.run(runs(['true'], { inputs }));
      const result = fleet.resultOf(job);
      expect(result).toMatchObject({ status: 'blocked', reason: { code: 'merge-conflict' } });
      for (const said of ['src/b.js', 'left (s1)', 'right (s2)']) {
        expect(result.status === 'blocked' && result.reason.message).toContain(said);
      }
      expect(fleet.attemptsOf(job)).toEqual([]);
    }, 60_000);
  });

  describe('integrate', () => {
    it('makes a verified candidate with the ledger’s head as its anchor, and publishes nothing', async () => {
      const first = await input('first', 'echo 1 > src/1.js');
      const second = await input('second', 'echo 2 > src/2.js', [first]);
      const candidate = await candidateOf(
        integrate([first, second], { verify: ['test -f src/1.js', 'test -f src/2.js'] }),
      );
      expect(candidate).toMatchObject({
        branch: 'skein/test',
        expectedOld: null,
        baseSha: fleet.baseSha,
        diffstat: { files: 2 },
      });
      const message = await fleet.repo.bareGit('log', '-1', '--format=%B', candidate!.commit.ref);
      expect(message).toContain(`Skein-Ledger-Head: 41:${'ab'.repeat(32)}`);
      expect(await fleet.repo.head('skein/test')).toBeNull();
    }, 60_000);

    it('merges a chain of steps once, and still names the step that conflicts', async () => {
      const first = await input('first', 'echo 1 > src/b.js');
      const second = await input('second', 'echo 2 > src/2.js', [first]);
      const third = await input('third', 'echo 3 > src/3.js', [second]);
      const chain = [first, second, third];
      const candidate = (await candidateOf(integrate(chain)))!;
      const merges = await fleet.repo.bareGit('log', '--merges', '--format=%s', candidate.commit.ref);
      expect(merges).toBe('Merge step third (s3)');
      await fleet.repo.commit({ 'src/b.js': 'theirs\n' });
      const reason = await blockedReason(integrate(chain, { branch: 'skein/other' }));
      expect(reason.message).toContain('base and first (s1) conflict in src/b.js');
    }, 60_000);

    it('nothing to integrate: passes without a candidate', async () => {
      expect(await candidateOf(integrate([]))).toBeNull();
    }, 60_000);

    it('takes in what lands on the base while it verifies', async () => {
      const first = await input('first', 'echo 1 > src/1.js');
      // The check of the first round waits until somebody pushed; the others see it in the tree.
      const work = integrate([first], {
        verify: ['if [ ! -f landed.md ]; then sleep 3; fi; test -f src/1.js'],
      });
      const job = await fleet.publish(fleet.job(work));
      const landed = await fleet.repo.commit({ 'landed.md': 'meanwhile\n' });
      await fleet.ended(job);
      const result = fleet.resultOf(job);
      const candidate = result.status === 'passed' ? result.candidate : null;
      expect(candidate?.baseSha).toBe(landed);
      expect(await fleet.repo.show(candidate!.commit.ref, 'landed.md')).toBe('meanwhile\n');
    }, 60_000);

    it('a base that never rests: integrates what was verified in the third round and records that base', async () => {
      const first = await input('first', 'echo 1 > src/1.js');
      const job = fleet.job(integrate([first], { verify: ['sleep 1.5'] }));
      let moving = true;
      let commits = 0;
      const mover = (async () => {
        while (moving) {
          await fleet.repo.commit({ 'landed.md': `${++commits}\n` });
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
      })();
      await fleet.publish(job);
      await fleet.ended(job);
      moving = false;
      await mover;
      const result = fleet.resultOf(job);
      const candidate = result.status === 'passed' ? result.candidate : null;
      const base = candidate!.baseSha;
      expect(base).not.toBe(await fleet.repo.head());
      expect(await fleet.repo.bareGit('rev-parse', `${candidate!.commit.sha}^1`)).toBe(base);
      const { planId } = job;
      const log = await fleet.log(`${planId}/s${job.ordinal}/1-1.log`);
      expect(log).toContain('round 3');
      expect(log).toContain('integrating what was verified');
    }, 60_000);

    it('gives its checks the values of expressions, where no shell reads them', async () => {
      const first = await input('first', 'echo 1 > src/1.js');
      const values = { SKEIN_VALUE_1: '$(touch pwned) "' };
      const verify = ['test "$SKEIN_VALUE_1" = "$TOLD" && test ! -e pwned'];
      const env = { TOLD: values.SKEIN_VALUE_1 };
      expect(await candidateOf(integrate([first], { setup: verify, verify, values, env }))).not.toBeNull();
      const reason = await blockedReason(integrate([first], { verify, values: { PATH: '/evil' } }));
      expect(reason.code).toBe('values-unusable');
    }, 60_000);

    it('a failed check is blocked with its output', async () => {
      const first = await input('first', 'echo 1 > src/1.js');
      const reason = await blockedReason(integrate([first], { verify: ['echo 3 tests failed; exit 1'] }));
      expect(reason).toMatchObject({
        code: 'integration-verify-failed',
        message: expect.stringContaining('3 tests failed'),
      });
    }, 60_000);

    it('a conflict with the base is blocked naming the file', async () => {
      const first = await input('first', 'echo mine > src/b.js');
      await fleet.repo.commit({ 'src/b.js': 'theirs\n' });
      const reason = await blockedReason(integrate([first]));
      expect(reason).toMatchObject({ code: 'merge-conflict', message: expect.stringContaining('src/b.js') });
      expect(reason.message).toContain('first (s1)');
    }, 60_000);

    it('a foreign head on its branch is blocked, and left alone', async () => {
      const first = await input('first', 'echo 1 > src/1.js');
      await fleet.repo.bareGit('update-ref', 'refs/heads/skein/test', fleet.baseSha);
      const reason = await blockedReason(integrate([first]));
      expect(reason).toMatchObject({ code: 'foreign-head', message: expect.stringContaining('skein/test') });
      expect(await fleet.repo.head('skein/test')).toBe(fleet.baseSha);
    }, 60_000);
  });

  describe('publish and clean', () => {
    it('publishes exactly the accepted commit, repeatably, and cleans all but what is kept', async () => {
      const first = await input('first', 'echo 1 > src/1.js');
      const candidate = (await candidateOf(integrate([first])))!;
      const work = {
        kind: 'publish',
        branch: 'skein/test',
        commit: candidate.commit,
        expectedOld: null,
      } as const;
      for (let turn = 0; turn < 2; turn++) {
        const job = await fleet.run(work);
        expect(fleet.resultOf(job)).toMatchObject({ status: 'passed', commit: candidate.commit });
      }
      expect(await fleet.repo.head('skein/test')).toBe(candidate.commit.sha);
      await fleet.run({ kind: 'clean', keep: [first.commit.ref] });
      expect(Object.keys(await fleet.repo.refs('refs/skein/'))).toEqual([first.commit.ref]);
    }, 60_000);

    it('a head that somebody else put there meanwhile is blocked', async () => {
      const first = await input('first', 'echo 1 > src/1.js');
      await fleet.repo.bareGit('update-ref', 'refs/heads/skein/test', fleet.baseSha);
      const reason = await blockedReason({
        kind: 'publish',
        branch: 'skein/test',
        commit: first.commit,
        expectedOld: null,
      });
      expect(reason.code).toBe('foreign-head');
      expect(await fleet.repo.head('skein/test')).toBe(fleet.baseSha);
    }, 60_000);
  });

  describe('resolve', () => {
    const resolve = (o: object = {}): ResolveJob => ({
      kind: 'resolve',
      globs: [],
      texts: [],
      maxFiles: 100,
      ...o,
    });

    it('says the base, the files of each glob, sorted, and the texts', async () => {
      const globs = [{ definition: 2, include: ['src/**/*.js'], exclude: ['**/b.js'] }];
      const job = await fleet.run(resolve({ globs, texts: ['rules/r.yml'] }), { baseSha: null });
      expect(fleet.resultOf(job)).toMatchObject({
        status: 'passed',
        resolved: {
          baseSha: fleet.baseSha,
          files: { '2': ['src/a.js'] },
          texts: { 'rules/r.yml': 'rule: {}\n' },
        },
      });
      expect(await fleet.repo.refs('refs/skein/')).toEqual({});
    }, 60_000);

    it.each([
      ['a missing file', { texts: ['rules/none.yml'] }, {}, 'file-missing', 'rules/none.yml'],
      [
        'too many files',
        { maxFiles: 0, globs: [{ definition: 0, include: ['**'], exclude: [] }] },
        {},
        'too-many-files',
        '4 files',
      ],
      [
        'a glob that matches nothing',
        { globs: [{ definition: 0, include: ['src/**/*.jsx'], exclude: [] }] },
        {},
        'glob-matches-nothing',
        'src/**/*.jsx',
      ],
      ['an unknown base', {}, { base: 'nowhere' }, 'ref-not-found', 'nowhere'],
      ['a missing repository', {}, { url: '/nowhere/at/all' }, 'repo-url', 'no such folder'],
      ['a forbidden transport', {}, { url: 'ext::sh -c id' }, 'repo-url', 'ext'],
    ])(
      '%s is blocked with a reason',
      async (_what, work, repo, code, says) => {
        const named = { url: fleet.repo.bare, base: 'main', ...repo };
        const reason = await blockedReason(resolve(work), { repo: named, baseSha: null });
        expect(reason).toMatchObject({ code, message: expect.stringContaining(says) });
      },
      60_000,
    );
  });

  it('a codemod rewrites what its rules say, and an agent may go on from there', async () => {
    const rules = 'id: two\nlanguage: JavaScript\nrule: { pattern: two }\nfix: deux\n';
    const task: LoopJob['task'] = {
      kind: 'codemod',
      engine: 'ast-grep',
      language: 'JavaScript',
      rules,
      files: ['src/*.js'],
      unparsable: 'report',
    };
    const job = await fleet.run({ ...runs([]), kind: 'codemod', task });
    const [attempt] = fleet.attemptsOf(job);
    expect(attempt).toMatchObject({ verdict: 'accepted', diffstat: { files: 1 } });
    expect(await fleet.repo.show(attempt!.commit!.ref, 'src/a.js')).toBe('one\ndeux\nthree\n');
    const inputs = [{ ordinal: job.ordinal, stepName: 'codemod', commit: attempt!.commit! }];
    const next = await fleet.run(agent('grep -q deux src/a.js && echo more >> src/a.js', { inputs }));
    expect(fleet.attemptsOf(next)).toMatchObject([{ verdict: 'accepted', diffstat: { insertions: 1 } }]);
    const wrong = await blockedReason({ ...runs([]), kind: 'codemod', task: { ...task, rules: 'rule: [' } });
    expect(wrong.code).toBe('codemod-rule-error');
  }, 60_000);

  it('a file that a codemod cannot parse is named in the log, and fails the step if the plan says so', async () => {
    await fleet.repo.commit({ 'src/broken.js': 'two(a { b }\n' });
    const baseSha = (await fleet.repo.head())!;
    const codemod = (unparsable: 'report' | 'fail') => {
      const rules = 'id: two\nlanguage: JavaScript\nrule: { pattern: two }\nfix: deux\n';
      const task: LoopJob['task'] = {
        kind: 'codemod',
        engine: 'ast-grep',
        language: 'JavaScript',
        rules,
        files: ['src/*.js'],
        unparsable,
      };
      return fleet.run({ ...runs([]), kind: 'codemod', task }, { baseSha });
    };
    const reported = await codemod('report');
    const [accepted] = fleet.attemptsOf(reported);
    expect(accepted).toMatchObject({ verdict: 'accepted', diffstat: { files: 1 } });
    expect(await fleet.repo.show(accepted!.commit!.ref, 'src/a.js')).toBe('one\ndeux\nthree\n');
    expect(await fleet.repo.show(accepted!.commit!.ref, 'src/broken.js')).toBe('two(a { b }\n');
    expect(await fleet.log(accepted!.logKey)).toContain('could not be parsed: src/broken.js: ');

    const [rejected] = fleet.attemptsOf(await codemod('fail'));
    expect(rejected).toMatchObject({
      verdict: 'rejected',
      commit: null,
      reason: { code: 'codemod-unparsable', message: expect.stringContaining('src/broken.js') },
    });
    expect(await fleet.log(rejected!.logKey)).toContain('could not be parsed: src/broken.js: ');
  }, 60_000);

  describe('a transform', () => {
    const codemod = (
      transform: string,
      o: Partial<JscodeshiftTask> = {},
      loop: Partial<LoopJob> = {},
    ): LoopJob => ({
      ...runs([], loop),
      kind: 'codemod',
      task: {
        kind: 'codemod',
        engine: 'jscodeshift',
        parser: 'babel',
        transform,
        options: {},
        files: [],
        unparsable: 'report',
        ...o,
      },
    });
    const RENAME = `export default ({ source }, { j }, { from, to }) =>
      j(source).find(j.Identifier, { name: from }).replaceWith(j.identifier(to)).toSource();`;

    it('rewrites the files of its parser, and what it counts and reports is in the log', async () => {
      const text = `import { writeFileSync } from 'node:fs';
        ${RENAME.replace('export default', 'const rename =')}
        export default (file, api, options) => {
          api.stats('seen');
          api.report('hello');
          writeFileSync(process.env.SKEIN_OUTPUTS, '{"n":2}');
          return rename(file, api, options);
        };`;
      const loop = { outputs: ['n'], verify: ['grep -q deux src/a.js'] };
      const job = await fleet.run(codemod(text, { options: { from: 'two', to: 'deux' } }, loop));
      const [attempt] = fleet.attemptsOf(job);
      expect(attempt).toMatchObject({ verdict: 'accepted', diffstat: { files: 1 }, outputs: { n: 2 } });
      expect(await fleet.repo.show(attempt!.commit!.ref, 'src/a.js')).toBe('one\ndeux\nthree\n');
      const log = await fleet.log(attempt!.logKey);
      // A dot file must be named to be meant.
      expect(log).toContain('a transform on 2 files');
      expect(log).toContain('1 files transformed, 1 unmodified, 0 skipped');
      expect(log).toContain('seen: 2');
      expect(log).toContain('src/a.js: hello');
    }, 60_000);

    it('that fails on a file is a rejected attempt, whose feedback names file and place', async () => {
      const job = await fleet.run(
        codemod(
          "\nmodule.exports = ({ path }) => path === 'src/b.js' ? null.x : 'new\\n';",
          {},
          { attempts: 1 },
        ),
      );
      const [attempt] = fleet.attemptsOf(job);
      expect(attempt).toMatchObject({
        verdict: 'rejected',
        commit: null,
        reason: {
          code: 'codemod-transform-failed',
          message: expect.stringMatching(/failed on src\/b\.js: TypeError: Cannot read/),
        },
      });
      expect(attempt!.feedback).toMatch(/## Output\nsrc\/b\.js: TypeError: .*\n\s+at .*\/transform\.js:2:/);
    }, 60_000);

    it('stays in its scope and its time, and a module that is no transform blocks the step', async () => {
      const strays =
        "require('fs').writeFileSync('README.md', 'x'); module.exports = (f) => f.source + '//';";
      const hangs = 'module.exports = () => { for (;;); }';
      const exits = 'module.exports = () => process.exit(0)';
      const cases = [
        [strays, 'scope-violation'],
        [hangs, 'idle-timeout'],
        [exits, 'codemod-failed'],
      ] as const;
      for (const [text, code] of cases) {
        const job = await fleet.run(
          codemod(
            text,
            {},
            {
              attempts: 1,
              paths: { write: ['src/**'], protect: [] },
              timeout: { attemptMs: 20_000, idleMs: 1_500 },
            },
          ),
        );
        expect(fleet.attemptsOf(job)[0]).toMatchObject({ verdict: 'rejected', reason: { code } });
      }
      const reason = await blockedReason(codemod('module.exports = 7'));
      expect(reason).toMatchObject({
        code: 'codemod-transform-error',
        message: expect.stringContaining('exports no function'),
      });
    }, 60_000);

    it('reports or fails on what its parser cannot read, as the plan says', async () => {
      await fleet.repo.commit({ 'src/typed.js': 'let two: string = 1 as x;\n' });
      const baseSha = (await fleet.repo.head())!;
      const o = { options: { from: 'two', to: 'deux' } };
      const reported = await fleet.run(codemod(RENAME, o), { baseSha });
      expect(fleet.attemptsOf(reported)[0]).toMatchObject({ verdict: 'accepted', diffstat: { files: 1 } });
      expect(await fleet.log(fleet.attemptsOf(reported)[0]!.logKey)).toContain(
        'could not be parsed: src/typed.js: SyntaxError',
      );
      const failed = await fleet.run(codemod(RENAME, { ...o, unparsable: 'fail' }, { attempts: 1 }), {
        baseSha,
      });
      expect(fleet.attemptsOf(failed)[0]).toMatchObject({
        verdict: 'rejected',
        reason: { code: 'codemod-unparsable', message: expect.stringContaining('src/typed.js') },
      });
      const read = await fleet.run(codemod(RENAME, { ...o, parser: 'ts', files: ['src/*.js'] }), { baseSha });
      expect(fleet.attemptsOf(read)[0]).toMatchObject({ diffstat: { files: 2 } });
    }, 60_000);
  });
});
