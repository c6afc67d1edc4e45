import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { eventually, gitRepo, tempDir, type GitRepo } from '#testing';
import { Stack, freshDataDir, kill, processesOf, skein, type StepSummary } from './stack.ts';

const ESC = '\u001b';
/** Names that git takes for files of a repository. */
const HOSTILE_FILES = [
  '$(touch pwned)',
  '`touch pwned`',
  `${ESC}[2J${ESC}]0;owned\u0007red`,
  'line\nbreak',
  '-rf',
  'back\\..\\pwned',
  '"; touch pwned; "',
  "'; touch pwned; '",
  '\u202etxt.exe',
  ' s p a c e ',
];
/** Names that nothing but a plan can give. */
const HOSTILE_VALUES = [
  '../../../pwned',
  '/etc/passwd',
  '$(touch pwned)',
  '`touch pwned`',
  '--help',
  '"; touch pwned; "',
  '\u202egnp.exe',
  ' ',
];

interface Step {
  name: string;
  [key: string]: unknown;
}

type Shown = StepSummary & { commit: { ref: string; sha: string } | null };

function planText(repo: GitRepo, marker: string): string {
  const inSrc = { attempts: 1, paths: { write: ['src/**'], protect: ['src/keep.js'] } };
  const sleeper = `(setsid sh -c 'trap "" TERM HUP; exec sleep ${marker}' &)`;
  const steps: Step[] = [
    { name: 'outside', ...inSrc, run: 'echo x > src/fine.js; echo x >> README.md' },
    { name: 'protected', ...inSrc, run: 'echo x > src/keep.js' },
    { name: 'symlink', ...inSrc, run: 'ln -s ../../../../etc/passwd src/link' },
    {
      name: 'gitlink',
      ...inSrc,
      run: 'git init -q src/inner && cd src/inner && git -c user.name=x -c user.email=x@y.z commit -q --allow-empty -m x',
    },
    {
      name: 'hangs',
      attempts: 1,
      timeout: { attempt: '4s' },
      run: `${sleeper}; while :; do echo .; sleep 0.2; done`,
    },
    { name: 'silent', attempts: 1, timeout: { idle: '2s' }, run: `${sleeper}; sleep ${marker}` },
    { name: 'daemon', attempts: 1, run: `${sleeper}; (setsid setsid sh -c 'sleep ${marker}' &); exit 9` },
    { name: 'leaver', run: `${sleeper}; echo left > left.txt` },
    { name: 'floods', attempts: 1, run: 'head -c 1000000000 /dev/zero' },
    {
      name: 'fills',
      attempts: 1,
      run: 'i=0; while [ $i -lt 200 ]; do i=$((i+1)); head -c 4000000 /dev/zero > junk$i; echo .; sleep 0.05; done; sleep 60',
    },
    {
      name: 'stubborn',
      attempts: 2,
      run: 'echo "$SKEIN_ATTEMPT" > src/wrong.js',
      verify: [`printf '\\033[2Jno, %s\\n' "$SKEIN_ATTEMPT"; exit 3`],
    },
    { name: 'after-outside', needs: ['outside'], run: 'echo never > never.txt' },
    {
      name: 'values',
      matrix: HOSTILE_VALUES,
      run: 'mkdir -p values; printf %s "$SKEIN_MATRIX" > "values/$(printf %s "$SKEIN_MATRIX" | cksum | tr " " -)"',
    },
    {
      name: 'files',
      matrix: { glob: 'files/**' },
      paths: { write: ['files/**'] },
      run: 'xargs -0 -n 1 sh -c \'echo seen >> "$0"\' < "$SKEIN_FILES"',
    },
    { name: 'calm', run: 'echo calm > src/calm.js', verify: ['grep -q calm src/calm.js'] },
    { name: 'calmer', needs: ['calm', 'values', 'files'], run: 'cat src/calm.js > src/calmer.js' },
  ];
  // Whatever a step starts is known by it, wherever it goes.
  return plainPlan(
    repo,
    steps.map((step) => ({ ...step, env: { MARKER: marker } })),
    { branch: 'hostile' },
  );
}

function plainPlan(repo: GitRepo, steps: Step[], integrate: unknown): string {
  return JSON.stringify({ version: 1, name: 'hostile', repo: { url: repo.bare }, integrate, steps });
}

/** Why the last attempt of each hostile step was rejected, in words for a person. */
const ENDS: Record<string, { code: string; says: RegExp }> = {
  outside: { code: 'scope-violation', says: /README\.md.*paths\.write/s },
  protected: { code: 'protected-path', says: /src\/keep\.js.*paths\.protect/s },
  symlink: { code: 'symlink-leaves-tree', says: /src\/link/ },
  gitlink: { code: 'gitlink', says: /src\/inner/ },
  hangs: { code: 'attempt-timeout', says: /timeout\.attempt/ },
  silent: { code: 'idle-timeout', says: /timeout\.idle/ },
  daemon: { code: 'command-failed', says: /exited with 9/ },
  floods: { code: 'output-limit', says: /printed/ },
  fills: { code: 'disk-limit', says: /disk quota/ },
  stubborn: { code: 'verify-failed', says: /exited with 3/ },
};

/** A PATH on which these programs are there and do not work, as on a machine that forbids them. */
async function pathWithout(programs: string[]): Promise<string> {
  const folder = await tempDir('broken');
  for (const program of programs) {
    await writeFile(join(folder, program), '#!/bin/sh\necho "Operation not permitted" >&2\nexit 1\n');
    await chmod(join(folder, program), 0o755);
  }
  return [folder, process.env['PATH']].join(delimiter);
}

/** Asked of bubblewrap itself, not of us: where it works, nothing weaker will do. */
function bestSandbox(): RegExp {
  const { status } = spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true'], {
    stdio: 'ignore',
  });
  return status === 0 ? /sandbox: bubblewrap: / : /sandbox: (namespace|process): /;
}

describe.each([
  ['the best sandbox of this machine', [], bestSandbox()],
  ['no sandbox that needs bwrap', ['bwrap'], /sandbox: (namespace|process): /],
  ['no sandbox but the hunt for processes', ['bwrap', 'unshare'], /sandbox: process: /],
])('a plan of hostile steps, in %s', (_where, broken, kind) => {
  // A time to sleep, so that it is seen in command lines as well.
  const marker = String(1_000_000_000 + process.pid * 10 + broken.length);
  let env: Record<string, string>;
  let repo: GitRepo;
  let stack: Stack;
  let dataDir: string;
  let planId: string;
  let plan: Awaited<ReturnType<Stack['plan']>>;
  let steps: Shown[];
  let main: string | null;
  let status: string;

  beforeAll(async () => {
    repo = await gitRepo({ 'README.md': '# Hostile\n', 'src/keep.js': 'keep\n' });
    await mkdir(join(repo.work, 'files'));
    for (const name of HOSTILE_FILES) await writeFile(join(repo.work, 'files', name), 'old\n');
    main = await repo.commit({});
    await repo.git('push', '--quiet', 'origin', 'HEAD:refs/heads/of-a-person');
    dataDir = await freshDataDir();
    env = {
      SKEIN_STEP_PATH: await pathWithout(broken),
      SKEIN_STEP_DISK_BYTES: '32MB',
      SKEIN_STEP_OUTPUT_BYTES: '8MB',
    };
    stack = await Stack.up({ dataDir, slots: 6, env });
    planId = await stack.submit(planText(repo, marker));
    plan = await stack.closed(planId, 180_000);
    steps = (await stack.steps(planId)) as Shown[];
    status = (await skein(['status', planId], { url: stack.url })).stdout;
  }, 240_000);

  afterAll(async () => {
    for (const pid of await processesOf(marker)) kill(pid, 'SIGKILL');
    await stack?.stop();
  }, 60_000);

  const step = (name: string): Shown => steps.find((one) => one.name === name)!;
  const refsOf = async (id: string): Promise<Record<string, string>> => repo.refs(`refs/skein/${id}/`);

  it('runs in the sandbox that was meant', async () => {
    const doctor = await skein(['doctor'], { env });
    expect(doctor.stdout).toMatch(kind);
  });

  it('halts, and says why', () => {
    expect(plan).toMatchObject({ status: 'halted', integration: null, reason: { code: 'steps-failed' } });
    expect(plan.reason!.message).toMatch(/is blocked: .*; and 5 more$/s);
  });

  it.each(Object.entries(ENDS))(
    'blocks the step "%s" for a reason that can be read',
    async (name, { code, says }) => {
      expect(step(name)).toMatchObject({
        state: 'blocked',
        commit: null,
        reason: { code: 'attempts-used-up', message: expect.stringMatching(says) },
      });
      const { attempts } = await stack.get<{ attempts: { reason: { code: string } }[] }>(
        `/v1/plans/${planId}/steps/${name}/attempts`,
      );
      expect(attempts.map(({ reason }) => reason.code)).toEqual(
        Array(name === 'stubborn' ? 2 : 1).fill(code),
      );
      // The whole reason, on one line of the status.
      const line = status.split('\n').find((one) => one.includes(`${name} is blocked: `));
      expect(line).toMatch(says);
    },
  );

  it('does not start what needs a hostile step', () => {
    expect(step('after-outside')).toMatchObject({ state: 'waiting', attempts: 0 });
  });

  it('carries everything else through, whatever its files and values are called', async () => {
    const names = [
      ...['calm', 'calmer', 'leaver'],
      ...HOSTILE_VALUES.map((value) => `values[${value}]`),
      ...HOSTILE_FILES.map((file) => `files[files/${file}]`),
    ];
    expect(names.filter((name) => step(name)?.state !== 'passed')).toEqual([]);
    const { ref } = step('calmer').commit!;
    expect(await repo.show(ref, 'src/calmer.js')).toBe('calm\n');
    for (const file of HOSTILE_FILES) expect(await repo.show(ref, `files/${file}`)).toBe('old\nseen\n');
    const values = await repo.bareGit('ls-tree', '--name-only', `${ref}:values`);
    expect(values.split('\n')).toHaveLength(HOSTILE_VALUES.length);
    expect(await skein(['ledger', 'verify', planId], { url: stack.url })).toMatchObject({ code: 0 });
  });

  it('shows hostile names and output as text', async () => {
    const shown = [status];
    // Not the patch of `skein diff`: in a pipe it is for git, byte by byte; for a terminal it is escaped, too.
    for (const args of [
      ['log', planId, 'stubborn'],
      ['plans'],
      ['diff', planId, '--stat'],
      ['diff', planId, '--name-only'],
    ]) {
      shown.push((await skein(args, { url: stack.url })).stdout);
    }
    const markdown = await fetch(`${stack.url}/v1/plans/${planId}/progress.md`);
    shown.push(await markdown.text());
    for (const text of shown) {
      expect(text.length).toBeGreaterThan(0);
      expect(text).not.toMatch(/(?![\n\t])\p{Cc}|\p{Bidi_Control}/u);
    }
    expect(status).toContain('files[files/line\\nbreak]');
    expect(status).toContain('\\x1b[2J');
  });

  it('leaves no process, whatever its steps started', async () => {
    expect(await processesOf(marker)).toEqual([]);
  });

  it('leaves no file: no worktree, no scratch folder, nothing that a name asked for', async () => {
    const work = join(dataDir, 'work');
    const [worker] = await readdir(join(work, 'workers')).then((all) =>
      all.filter((one) => !one.includes('.')),
    );
    for (const folder of ['leases', 'runs']) {
      expect(await readdir(join(work, 'workers', worker!, folder))).toEqual([]);
    }
    const mirrors = (await readdir(join(work, 'mirrors', 'mirrors'))).filter((one) => one.endsWith('.git'));
    expect(mirrors).toHaveLength(1);
    const mirror = join(work, 'mirrors', 'mirrors', mirrors[0]!);
    expect(await readdir(join(mirror, 'worktrees')).catch(() => [])).toEqual([]);
    const everything = await Promise.all(
      [dirname(dataDir), repo.bare].map((folder) => readdir(folder, { recursive: true })),
    );
    const made = [...everything.flat(), ...(await readdir(process.cwd()))].map((path) => basename(path));
    expect(made.filter((name) => name === 'pwned')).toEqual([]);
  });

  it('leaves no ref but those of people and of accepted results', async () => {
    const kept = steps.flatMap(({ state, commit }) => (state === 'passed' && commit ? [commit] : []));
    expect(kept).toHaveLength(3 + HOSTILE_FILES.length + HOSTILE_VALUES.length);
    expect(await repo.refs()).toEqual({
      'refs/heads/main': main,
      'refs/heads/of-a-person': main,
      ...Object.fromEntries(kept.map(({ ref, sha }) => [ref, sha])),
    });
    for (const { ref } of kept)
      expect(ref).toMatch(new RegExp(`^refs/skein/${planId}/s\\d+/1-[0-9a-f]{12}/1$`));
  });

  it('takes the next plans: one integrated, one not, one cancelled', async () => {
    const edit = (name: string): Step => ({ name, run: `echo ${name} > ${name}.txt` });
    const branch = `next-${broken.length}`;
    const integrated = await stack.submit(plainPlan(repo, [edit('a'), edit('b')], { branch }));
    const apart = await stack.submit(plainPlan(repo, [edit('c'), edit('d')], 'none'));
    const cancelled = await stack.submit(
      plainPlan(repo, [edit('e'), { name: 'long', needs: ['e'], run: `sleep ${marker}` }], 'none'),
    );
    await eventually(
      async () =>
        (await stack.steps(cancelled)).some(({ name, state }) => name === 'long' && state === 'running'),
      {
        timeoutMs: 30_000,
        what: 'the long step to run',
      },
    );
    await eventually(async () => (await processesOf(marker)).length > 0, { what: 'its process' });
    expect(await skein(['cancel', cancelled], { url: stack.url })).toMatchObject({ code: 0 });
    expect((await stack.closed(integrated)).integration).toMatchObject({ branch, state: 'published' });
    expect(await repo.files(branch)).toEqual(expect.arrayContaining(['a.txt', 'b.txt']));
    expect(await refsOf(integrated)).toEqual({});
    expect(await stack.closed(apart)).toMatchObject({ status: 'completed', integration: null });
    expect(Object.keys(await refsOf(apart))).toHaveLength(2);
    expect(await stack.closed(cancelled)).toMatchObject({ status: 'cancelled' });
    // What had passed is there to fork from.
    expect(Object.keys(await refsOf(cancelled))).toHaveLength(1);
    await eventually(async () => (await processesOf(marker)).length === 0, {
      what: 'the long step to be gone',
    });
  }, 120_000);
});
