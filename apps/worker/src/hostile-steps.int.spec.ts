import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AFleet, agent, isRunning, runs, script } from '../../../test/worker/a-fleet.ts';
import { WorkerHome } from './homes/worker-home.ts';

/** Each of these ends with a reason that a person understands, and leaves nothing on the worker. */
describe('what hostile or broken steps come to', () => {
  let fleet: AFleet;

  beforeAll(async () => {
    fleet = await AFleet.start({
      files: {
        'README.md': '# Example\n',
        'src/a.js': 'old\n',
        'test/a.test.js': 'ok\n',
        '.gitignore': 'node_modules\n',
      },
      slots: 3,
      caps: { outputBytes: 2 * 1024 ** 2, diskBytes: 24 * 1024 ** 2 },
    });
    fleet.attemptsMax = () => 1;
  }, 60_000);

  afterAll(async () => {
    await fleet?.stop();
  }, 60_000);

  afterEach(async () => {
    expect(await fleet.leftovers()).toEqual([]);
  });

  const inSrc = { attempts: 1, paths: { write: ['src/**'], protect: ['src/keep.js'] } };

  async function rejected(work: Parameters<AFleet['run']>[0]): Promise<{ code: string; message: string }> {
    const job = await fleet.run(work);
    const [attempt] = fleet.attemptsOf(job);
    expect(attempt).toMatchObject({ verdict: 'rejected' });
    expect(attempt!.feedback).toContain(attempt!.reason.code);
    expect(attempt!.logKey).not.toBeNull();
    return { ...attempt!.reason, commit: attempt!.commit } as never;
  }

  async function privateRefs(ordinal: number): Promise<string[]> {
    return Object.keys(await fleet.repo.refs(`refs/skein/${fleet.planId}/s${ordinal}/`));
  }

  it.each([
    ['edits outside its paths', 'echo x >> README.md', 'scope-violation', 'README.md'],
    ['removes a file outside its paths', 'rm test/a.test.js', 'scope-violation', 'test/a.test.js'],
    ['edits a protected file', 'echo x > src/keep.js', 'protected-path', 'src/keep.js'],
    ['adds a symlink out of the tree', 'ln -s ../../etc/passwd src/link', 'symlink-leaves-tree', 'src/link'],
    ['adds a gitlink', 'git init -q src/inner && echo x > src/inner/f', 'gitlink', 'src/inner'],
  ])(
    'a step that %s: nothing is committed or pushed',
    async (_what, command, code, says) => {
      const ordinal = fleet.nextOrdinal;
      expect(await rejected(runs([command], inSrc))).toMatchObject({
        code,
        message: expect.stringContaining(says),
        commit: null,
      });
      expect(await privateRefs(ordinal)).toEqual([]);
    },
    60_000,
  );

  it('a step that hangs is stopped at its deadline', async () => {
    const timeout = { attemptMs: 2_500, idleMs: 60_000 };
    const reason = await rejected(runs(['while :; do echo .; sleep 0.2; done'], { attempts: 1, timeout }));
    expect(reason).toMatchObject({
      code: 'attempt-timeout',
      message: expect.stringContaining('timeout.attempt'),
    });
  }, 60_000);

  it('a silent step is stopped, and so is its child that left for a session of its own', async () => {
    const timeout = { attemptMs: 30_000, idleMs: 1_500 };
    const command = `(setsid sh -c 'trap "" TERM; exec sleep 54321' &) ; sleep 54322`;
    const reason = await rejected(runs([command], { attempts: 1, timeout }));
    expect(reason).toMatchObject({ code: 'idle-timeout', message: expect.stringContaining('timeout.idle') });
    expect(isRunning('sleep 5432')).toBe(false);
  }, 60_000);

  it('a step that prints 1 GB is stopped at its allowance', async () => {
    const reason = await rejected(runs(['head -c 1000000000 /dev/zero'], { attempts: 1 }));
    expect(reason.code).toBe('output-limit');
  }, 60_000);

  it('a step that fills its disk quota is stopped', async () => {
    const command = 'for i in $(seq 100); do head -c 4000000 /dev/zero > junk$i; sleep 0.1; done; sleep 30';
    expect((await rejected(runs([command], { attempts: 1 }))).code).toBe('disk-limit');
  }, 60_000);

  it('a step that never passes its checks uses up its attempts, each of them kept', async () => {
    fleet.attemptsMax = () => 2;
    const job = await fleet.run(runs(['echo new > src/a.js'], { attempts: 2, verify: ['echo no; exit 3'] }));
    fleet.attemptsMax = () => 1;
    const attempts = fleet.attemptsOf(job);
    expect(attempts.map(({ attempt, verdict }) => [attempt, verdict])).toEqual([
      [1, 'rejected'],
      [2, 'rejected'],
    ]);
    expect(attempts[1]!.feedback).toContain('- attempt 1: Rejected (verify-failed)');
    expect(attempts[1]!.reason.message).toContain('exited with 3');
    expect(await privateRefs(job.ordinal)).toHaveLength(2);
  }, 60_000);

  it('a command that fails says which and how', async () => {
    const reason = await rejected(runs(['true', 'echo broken >&2; exit 7'], { attempts: 1 }));
    expect(reason).toMatchObject({
      code: 'command-failed',
      message: expect.stringContaining('exited with 7'),
    });
  }, 60_000);

  it('an agent that changes nothing is rejected, commands that change nothing are not', async () => {
    expect((await rejected(agent('true', { attempts: 1 }))).code).toBe('empty-diff');
    const job = await fleet.run(runs(['true'], { attempts: 1 }));
    expect(fleet.attemptsOf(job)[0]).toMatchObject({ verdict: 'accepted', commit: null });
  }, 60_000);

  it('a failed agent keeps what it did in scope', async () => {
    const reason = await rejected(agent('echo half > src/a.js; exit 1', { attempts: 1 }));
    expect(reason).toMatchObject({ code: 'agent-failed', commit: expect.anything() });
  }, 60_000);

  it('hostile file and step names end up in commits, not in shells, refs or terminals', async () => {
    const evil = 'src/$(touch pwned)\u001b[2J;`id`';
    const command = `printf x > 'src/$(touch pwned)'"$(printf '\\033')"'[2J;\`id\`'`;
    const job = await fleet.run(runs([command], inSrc), {
      stepName: '../../$(touch pwned)\u001b[31m\nSkein-Plan: other',
    });
    const [attempt] = fleet.attemptsOf(job);
    expect(attempt).toMatchObject({ verdict: 'accepted' });
    const message = await fleet.repo.bareGit('log', '-1', '--format=%B', attempt!.commit!.ref);
    expect(message).not.toContain('\u001b');
    expect(message.match(/^Skein-Plan: .*$/gm)).toEqual([`Skein-Plan: ${fleet.planId}`]);
    expect(await fleet.repo.bareGit('ls-tree', '-r', '-z', '--name-only', attempt!.commit!.ref)).toContain(
      evil,
    );

    const out = await rejected(runs([`printf x > "$(printf 'a\\033[2J')"`], inSrc));
    expect(out.code).toBe('scope-violation');
    expect(out.message).not.toContain('\u001b');
  }, 60_000);

  it('names that git takes for its own are left out of a step’s work, and it is said', async () => {
    const command = 'mkdir src/.GIT; echo x > src/.GIT/config; echo new > src/a.js';
    const job = await fleet.run(runs([command], inSrc));
    const [attempt] = fleet.attemptsOf(job);
    expect(attempt).toMatchObject({ verdict: 'accepted', diffstat: { files: 1 } });
    const said = 'done (left out, because git takes no such name: src/.GIT/config); 1 file changed';
    expect(attempt!.reason.message).toContain(said);
    expect(await fleet.log(attempt!.logKey)).toContain('src/.GIT/config');
  }, 60_000);

  it('what is rejected leaves nothing in the mirror that all leases share', async () => {
    const objects = () => Number(execFileSync('du', ['-sb', mirrorObjects]).toString().split('\t')[0]);
    const [mirror] = readdirSync(join(WorkerHome.mirrorsDir(fleet.workDir), 'mirrors')).filter((name) =>
      name.endsWith('.git'),
    );
    const mirrorObjects = join(WorkerHome.mirrorsDir(fleet.workDir), 'mirrors', mirror!, 'objects');
    const before = objects();
    const junk = 'head -c 9000000 /dev/urandom > junk';
    expect((await rejected(runs([junk], inSrc))).code).toBe('scope-violation');
    expect(objects() - before).toBeLessThan(100_000);
  }, 60_000);

  it('outputs: declared names only, and nothing that a step puts in the place of the file is followed', async () => {
    const write = `printf '{"version":"1.2","other":1}' > "$SKEIN_OUTPUTS"`;
    const good = await fleet.run(runs([write], { attempts: 1, outputs: ['version'] }));
    expect(fleet.attemptsOf(good)[0]).toMatchObject({ verdict: 'accepted', outputs: { version: '1.2' } });
    const missing = await rejected(runs(['true'], { attempts: 1, outputs: ['version'] }));
    expect(missing).toMatchObject({
      code: 'outputs-missing',
      message: expect.stringContaining('no such file'),
    });
    const link = await rejected(
      runs(['ln -s /etc/passwd "$SKEIN_OUTPUTS"'], { attempts: 1, outputs: ['version'] }),
    );
    expect(link).toMatchObject({ code: 'outputs-missing', message: expect.stringContaining('regular file') });
  }, 60_000);

  it('a failed set-up rejects the attempt with its output', async () => {
    const job = await fleet.run(runs(['true'], { attempts: 1, setup: ['echo no network here; exit 4'] }));
    const [attempt] = fleet.attemptsOf(job);
    expect(attempt).toMatchObject({ verdict: 'rejected', reason: { code: 'setup-failed' } });
    expect(attempt!.feedback).toContain('no network here');
  }, 60_000);

  it('tells a step what it needs and not what it must not know', async () => {
    const command = `
      test "$SKEIN_PLAN" = ${fleet.planId} && test "$SKEIN_ATTEMPT" = 1 && test "$SKEIN_EPOCH" = 1 || exit 11
      test "$MINE" = yes || exit 12
      test "$(cat "$SKEIN_INPUTS")" = '{"build":{"version":3}}' || exit 13
      test "$(tr '\\0' '|' < "$SKEIN_FILES")" = 'src/a.js|src/b c.js|' || exit 14
      test "$PWD" = "$SKEIN_WORKTREE" || exit 15
      test -z "$SKEIN_FEEDBACK$SKEIN_PROMPT$SKEIN_MATRIX$NATS_URL$SKEIN_GIT_TOKEN" || exit 16
      git status >/dev/null || exit 17
      touch "$HOME/ok" || exit 18
      if test ${fleet.sandboxKind} = bubblewrap && touch "$SKEIN_INPUTS" 2>/dev/null; then exit 19; fi`;
    const job = await fleet.run(
      runs([command], {
        attempts: 1,
        env: { MINE: 'yes', SKEIN_PLAN: 'forged', skein_epoch: '9' },
        inputOutputs: { build: { version: 3 } },
        matrix: { files: ['src/a.js', 'src/b c.js'] },
      }),
    );
    expect(fleet.attemptsOf(job)[0]!.reason).toMatchObject({ code: 'accepted' });
    const value = await fleet.run(
      runs(['test "$SKEIN_MATRIX" = "a b"'], { attempts: 1, matrix: { value: 'a b' } }),
    );
    expect(fleet.attemptsOf(value)[0]).toMatchObject({ verdict: 'accepted' });
  }, 60_000);

  it('what set-up and checks change is not taken for the step’s work; what git ignores stays', async () => {
    fleet.attemptsMax = () => 2;
    const job = await fleet.run(
      agent('test -f node_modules/dep || exit 5; test ! -e dirt || exit 6; echo $SKEIN_ATTEMPT > src/a.js', {
        attempts: 2,
        setup: ['mkdir node_modules; touch node_modules/dep; echo changed > README.md'],
        verify: ['echo dirt > dirt; test "$SKEIN_ATTEMPT" = 2'],
      }),
    );
    fleet.attemptsMax = () => 1;
    const [first, second] = fleet.attemptsOf(job);
    expect(first!.reason.code).toBe('verify-failed');
    expect(second).toMatchObject({ verdict: 'accepted', diffstat: { files: 1 } });
    expect(await fleet.log(first!.logKey)).toContain('setup changed 1 files');
    expect(await fleet.repo.show(second!.commit!.ref, 'README.md')).toBe('# Example\n');
  }, 60_000);

  it('a step that wrecks its worktree gets a new one for its next attempt', async () => {
    fleet.attemptsMax = () => 2;
    const wreck = 'mkdir -p deep/er; chmod 000 deep; rm -f .git; mkdir .git; rm -rf src; ln -s / src';
    const job = await fleet.run(
      agent(`if [ "$SKEIN_ATTEMPT" = 1 ]; then ${wreck}; exit 1; fi; test -d src && echo new > src/a.js`, {
        attempts: 2,
      }),
    );
    fleet.attemptsMax = () => 1;
    expect(fleet.attemptsOf(job).map(({ verdict }) => verdict)).toEqual(['rejected', 'accepted']);
  }, 60_000);

  it.each([
    ['removes its own folders', 'rm -rf "$HOME"/* "$HOME" "${SKEIN_OUTPUTS%/*}"/* 2>/dev/null; true'],
    ['puts a link where its folders were', 'cd "${SKEIN_OUTPUTS%/*}"; rm -rf home; ln -s /etc home'],
  ])(
    'a step that %s is checked all the same',
    async (_what, command) => {
      const verify = ['touch "$HOME/ok"; test ! -e "$HOME/passwd"'];
      const job = await fleet.run(runs([command, 'echo new > src/a.js'], { attempts: 1, verify }));
      expect(fleet.releaseOf(job)).toBeUndefined();
      expect(fleet.attemptsOf(job)[0]).toMatchObject({ verdict: 'accepted' });
    },
    60_000,
  );

  const dig = `node -e 'for (let i = 0; i < 3000; i++) { fs.mkdirSync("d".repeat(40), { recursive: true }); process.chdir("d".repeat(40)) }'`;
  it.each([
    ['the worktree', 'unstorable-files', dig],
    ['an ignored folder', 'verify-failed', `mkdir -p node_modules; cd node_modules; ${dig}`],
    ['its scratch space', 'verify-failed', `cd "\${SKEIN_OUTPUTS%/*}"; ${dig}`],
    ['its home', 'verify-failed', `cd; ${dig}`],
  ])(
    'folders deeper than any path in %s are gone with the lease',
    async (_where, code, command) => {
      fleet.attemptsMax = () => 2;
      const job = await fleet.run(runs([command], { attempts: 2, verify: ['false'] }));
      fleet.attemptsMax = () => 1;
      expect(fleet.attemptsOf(job).map(({ reason }) => reason.code)).toEqual([code, code]);
    },
    60_000,
  );

  it('a pattern that would take years to match ends the step, and the worker goes on', async () => {
    const name = 'a'.repeat(100);
    const paths = { write: ['*a*a*a*a*a*a*a*a*a*a*b'], protect: [] };
    const job = await fleet.run(runs([`echo x > ${name}`], { attempts: 1, paths }));
    expect(fleet.resultOf(job)).toMatchObject({ status: 'blocked', reason: { code: 'glob-too-slow' } });
  }, 60_000);

  it('outputs that no message could carry are the step’s doing', async () => {
    const deep = `node -e 'fs.writeFileSync(process.env.SKEIN_OUTPUTS, JSON.stringify({ a: 0 }).replace("0", "[".repeat(30000) + "]".repeat(30000)))'`;
    expect(await rejected(runs([deep], { attempts: 1, outputs: ['a'] }))).toMatchObject({
      code: 'outputs-missing',
      message: expect.stringContaining('nested'),
    });
  }, 60_000);

  it('the value of an expression reaches every program of the step as a variable, and never a shell', async () => {
    const evil = `"; touch pwned; echo '$(touch pwned)\n\`touch pwned\``;
    const check = 'test "$SKEIN_VALUE_1" = "$(cat src/value)" && test ! -e pwned';
    const job = await fleet.run(
      runs(['printf %s "$SKEIN_VALUE_1" > src/value', `echo "\${SKEIN_VALUE_1}" x >/dev/null; ${check}`], {
        attempts: 1,
        setup: ['test -n "$SKEIN_VALUE_1"'],
        verify: [check],
        env: { SKEIN_VALUE_1: 'the plan’s env' },
        values: { SKEIN_VALUE_1: evil },
      }),
    );
    const [attempt] = fleet.attemptsOf(job);
    expect(attempt!.reason).toMatchObject({ code: 'accepted' });
    expect(await fleet.repo.show(attempt!.commit!.ref, 'src/value')).toBe(evil);
    for (const values of [{ PATH: '/tmp' }, { SKEIN_VALUE_1: 'a\0b' }]) {
      const refused = await fleet.run(runs(['true'], { attempts: 1, values }));
      expect(fleet.resultOf(refused)).toMatchObject({
        status: 'blocked',
        reason: { code: 'values-unusable' },
      });
    }
  }, 60_000);

  it.each([
    ['a text as it is', 'a "b"', 'a "b"'],
    ['an object as JSON', { name: 'a b', files: ['x'] }, '{"name":"a b","files":["x"]}'],
    ['a number as JSON', 7, '7'],
  ])(
    'tells a step its matrix item: %s',
    async (_what, item, told) => {
      const job = await fleet.run(
        runs(['test "$SKEIN_MATRIX" = "$TOLD" || { echo "$SKEIN_MATRIX"; exit 1; }'], {
          attempts: 1,
          env: { TOLD: told },
          matrix: { item },
        }),
      );
      expect(fleet.attemptsOf(job)[0]).toMatchObject({ verdict: 'accepted' });
    },
    60_000,
  );

  describe('a script', () => {
    const once = { attempts: 1 };

    it('is run by its #! line, or by sh; its arguments are read by no shell', async () => {
      const args = ['a b', '$(touch pwned)', '', '*'];
      const shell = 'printf "%s|" "$@" > src/args; test ! -w "$0"';
      const inShell = await fleet.run(script(shell, args, { ...once, verify: ['test ! -e pwned'] }));
      const node = `#!/usr/bin/env -S node --no-warnings
        require('fs').writeFileSync('src/args', process.argv.slice(2).join('|') + '|');`;
      const inNode = await fleet.run(script(node, args, { ...once, verify: ['test ! -e pwned'] }));
      for (const job of [inShell, inNode]) {
        const [attempt] = fleet.attemptsOf(job);
        expect(attempt!.reason).toMatchObject({ code: 'accepted' });
        expect(await fleet.repo.show(attempt!.commit!.ref, 'src/args')).toBe('a b|$(touch pwned)||*|');
      }
    }, 60_000);

    it.each([
      ['/opt/none/perl7', '/opt/none/perl7 is not'],
      ['/usr/bin/env deno-of-2031', 'deno-of-2031 is not'],
    ])(
      'whose interpreter %s is missing says so',
      async (interpreter, says) => {
        const reason = await rejected(script(`#!${interpreter}\nx\n`, [], once));
        expect(reason).toMatchObject({
          code: 'script-interpreter-missing',
          message: expect.stringContaining(says),
        });
      },
      60_000,
    );

    it('that fails says how, also with the code of a missing program', async () => {
      const reason = await rejected(script('#!/bin/sh\necho oh >&2\nexit 127\n', ['one'], once));
      expect(reason).toMatchObject({
        code: 'command-failed',
        message: expect.stringMatching(/`script one` exited with 127/),
      });
    }, 60_000);

    it.each([
      ['a carriage return', '#!/bin/sh\r\necho\r\n', [], 'script-wrong', 'Unix line ends'],
      ['an argument with a NUL', 'true', ['a\0'], 'script-arguments', 'NUL'],
    ])(
      'with %s is blocked with a reason',
      async (_what, text, args, code, says) => {
        const job = await fleet.run(script(text, args, once));
        expect(fleet.resultOf(job)).toMatchObject({
          status: 'blocked',
          reason: { code, message: expect.stringContaining(says) },
        });
      },
      60_000,
    );
  });
});
