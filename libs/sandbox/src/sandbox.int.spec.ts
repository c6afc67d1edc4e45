import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, readFile, readdir, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { jest } from '@jest/globals';
import { silentLogger } from '#telemetry';
import { detectSandbox } from './detecting.ts';
import { removeTree } from './launching/remove-tree.ts';
import type { RunLimits, RunSpec, SandboxKind } from './run-spec.ts';
import { Sandbox } from './sandbox.ts';

// Processes of a busy machine: each test ends by what it waits for, long before this.
jest.setTimeout(60_000);

const PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
const MB = 1024 * 1024;
const LIMITS: RunLimits = {
  wallMs: 60_000,
  idleMs: 60_000,
  outputBytes: 10 * MB,
  memoryBytes: 2_048 * MB,
  diskBytes: 200 * MB,
  processes: 100,
};

const detected = await detectSandbox({ path: PATH, log: silentLogger });
const kinds = detected.trials.filter((trial) => trial.works).map((trial) => trial.kind);

let dir: string;
let worktree: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'skein-sandbox-'));
  worktree = join(dir, 'lease', 'worktree');
  mkdirSync(worktree, { recursive: true });
});
afterEach(async () => {
  expect(await namesIn(join(dir, 'scratch'))).toEqual([]);
  await removeTree(dir);
});

type Given = Partial<Omit<RunSpec, 'limits'>> & { limits?: Partial<RunLimits> };

function sandboxOf(kind: SandboxKind, readable: string[] = []): Sandbox {
  const scratchRoot = join(dir, 'scratch');
  return new Sandbox({
    kind,
    log: silentLogger,
    readable,
    extraWritable: [],
    path: PATH,
    scratchRoot,
    graceMs: 300,
    pollMs: 100,
  });
}

function run(kind: SandboxKind, script: string, given: Given = {}, signal = new AbortController().signal) {
  const spec: RunSpec = {
    argv: ['/bin/sh', '-c', script],
    ...{ cwd: worktree, writable: [worktree], readable: [], env: {}, network: false },
    ...given,
    limits: { ...LIMITS, ...given.limits },
  };
  return sandboxOf(kind).run(spec, signal);
}

function runNode(kind: SandboxKind, script: string, given: Given = {}) {
  return run(kind, '', { argv: ['node', '-e', script], ...given });
}

/** Ids of living processes whose arguments hold the text. */
function processesWith(text: string): number[] {
  const own = new Set([process.pid]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !own.has(Number(name)))
    .filter((name) => {
      try {
        const state = /\) (.)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))?.[1];
        return state !== 'Z' && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}

async function until(probe: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!probe()) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** A number of seconds to sleep that no other test or program uses: how a test knows its processes. */
let nextSleep = 100_000 + (process.pid % 50_000) * 10;
const uniqueSleep = () => `${nextSleep++}.125`;

it('tells which kinds work here and why others do not', () => {
  expect(kinds).toContain('process');
  expect(detected.kind).toBe(kinds[0]);
  expect(detected.reason).toMatch(new RegExp(`^${detected.kind}: steps`));
  for (const trial of detected.trials) expect(trial.reason).not.toBe('');
});

it('says what to install when a kind is asked for that is not there', async () => {
  const { trials } = await detectSandbox({ path: '/nowhere', log: silentLogger });
  expect(trials.map((trial) => trial.kind)).toEqual(['bubblewrap', 'namespace', 'process']);
});

describe.each(kinds)('a program in the sandbox "%s"', (kind) => {
  it('is run in its folder with what it was given and nothing of the worker', async () => {
    const result = await run(kind, 'pwd; env; cat; id -u; echo err >&2; exit 3', {
      env: { GREETING: `it's "quoted" $HOME\nand more` },
      stdin: 'from stdin\n',
    });
    expect(result).toMatchObject({
      end: 'exited',
      exitCode: 3,
      signal: null,
      message: 'ended with exit code 3',
    });
    const lines = result.output.split('\n');
    expect(lines[0]).toBe(worktree);
    expect(result.output).toContain(`GREETING=it's "quoted" $HOME\nand more\n`);
    expect(result.output).toContain('from stdin\n');
    expect(result.output.endsWith('err\n')).toBe(true);
    const names = lines.map((line) => /^([A-Z_]+)=/.exec(line)?.[1]).filter((name) => name !== undefined);
    const shells = ['PWD', 'SHLVL', '_', 'OLDPWD'];
    const expected = [
      'GREETING',
      'HOME',
      'LANG',
      'PATH',
      'TMPDIR',
      ...(kind === 'bubblewrap' ? [] : ['SKEIN_RUN']),
    ];
    expect(names.filter((name) => !shells.includes(name)).sort()).toEqual(expected.sort());
  });

  it('can run node, write where it may, and open its own standard error', async () => {
    const script =
      'node -p "os.userInfo().username.length > 0" && echo to-stderr > /dev/stderr && echo x > made && echo y > "$HOME/y" && echo z > "$TMPDIR/z" && cat "$HOME/y" "$TMPDIR/z"';
    const result = await run(kind, script);
    expect(result).toMatchObject({ end: 'exited', exitCode: 0, output: 'true\nto-stderr\ny\nz\n' });
    expect(await readFile(join(worktree, 'made'), 'utf8')).toBe('x\n');
  });

  it('finds what an earlier run left in a home that was given', async () => {
    const home = join(dir, 'lease', 'home');
    mkdirSync(home);
    await run(kind, 'echo kept > "$HOME/.cache"', { home });
    expect((await run(kind, 'cat "$HOME/.cache"', { home })).output).toBe('kept\n');
  });

  it('ends by its own signal', async () => {
    const result = await run(kind, 'kill -9 $$');
    expect(result).toMatchObject({ end: 'exited', exitCode: 137, signal: 'SIGKILL' });
    expect(result.message).toBe('ended by SIGKILL (exit code 137)');
  });

  it('hands over bytes as they are, and text that is safe to show', async () => {
    const chunks: Buffer[] = [];
    const result = await run(kind, String.raw`printf '\033[31mred\033[0m \377 \000x'`, {
      onOutput: (chunk) => void chunks.push(chunk),
    });
    expect(Buffer.concat(chunks)).toEqual(Buffer.from('\x1b[31mred\x1b[0m \xff \0x', 'latin1'));
    expect(result.output).toBe('red \ufffd x');
  });

  it.each([
    ['no program', { argv: [] }, /no program/],
    ['a NUL in an argument', { argv: ['a\0b'] }, /NUL/],
    ['a folder that is not there', { cwd: '/not/there', writable: [] }, /not\/there is not a folder/],
    ['a relative path', { writable: ['x'] }, /"x" is no absolute path/],
    ['a variable with a strange name', { env: { 'A;rm': '1' } }, /"A;rm" is no name/],
  ])('is not begun with %s', async (_, given, message) => {
    const result = await run(kind, 'true', given);
    expect(result).toMatchObject({ end: 'not-started', exitCode: null });
    expect(result.message).toMatch(message);
  });

  it('is not begun when a folder it may write was swapped for a symlink', async () => {
    await symlink('/etc', join(dir, 'lease', 'outputs'));
    const result = await run(kind, 'true', { writable: [join(dir, 'lease', 'outputs')] });
    expect(result).toMatchObject({ end: 'not-started' });
    expect(result.message).toMatch(/is a symlink/);
  });

  it('fails like in a shell when the program does not exist', async () => {
    const result = await run(kind, '', { argv: ['no-such-program'] });
    expect(result).toMatchObject({ end: 'exited', exitCode: 127 });
    expect(result.output).toContain('no-such-program');
  });
});

it.each(kinds)('finds node through the links of node_modules/.bin in the sandbox "%s"', async (kind) => {
  const bin = resolve(import.meta.dirname, '../../../node_modules/.bin');
  const sandbox = new Sandbox({
    ...{ kind, log: silentLogger, readable: [], extraWritable: [], scratchRoot: join(dir, 'scratch') },
    path: `${bin}:/usr/bin:/bin`,
  });
  const spec = {
    argv: ['node', '-p', 'process.version'],
    cwd: worktree,
    writable: [worktree],
    readable: [],
    env: {},
  };
  const result = await sandbox.run({ ...spec, network: false, limits: LIMITS }, new AbortController().signal);
  expect(result.output).toBe(`${process.version}\n`);
});

describe.each(kinds)('leaving nothing alive in the sandbox "%s"', (kind) => {
  it('ends a background child, and one that forked twice into its own session, with the program', async () => {
    const seconds = uniqueSleep();
    const result = await run(
      kind,
      `sleep ${seconds} & (setsid sh -c 'sleep ${seconds} & sleep ${seconds}' &) ; sleep 0.3; echo done`,
    );
    expect(result).toMatchObject({ end: 'exited', exitCode: 0, output: 'done\n' });
    expect(processesWith(seconds)).toEqual([]);
  });

  it('ends a daemon that closed everything and moved away', async () => {
    const seconds = uniqueSleep();
    const daemon = `const {spawn}=require('child_process');const c=spawn('setsid',['-f','sh','-c','cd /;sleep ${seconds};true'],{detached:true,stdio:'ignore'});c.unref();setTimeout(()=>{},200)`;
    const result = await runNode(kind, daemon);
    expect(result).toMatchObject({ end: 'exited', exitCode: 0 });
    expect(processesWith(seconds)).toEqual([]);
  });

  it('ends a tree that ignores SIGTERM', async () => {
    const seconds = uniqueSleep();
    const script = `trap '' TERM; (trap '' TERM; setsid sh -c "trap '' TERM; sleep ${seconds}; sleep ${seconds}") & sleep ${seconds}; sleep ${seconds}`;
    const result = await run(kind, script, { limits: { wallMs: 700 } });
    expect(result).toMatchObject({ end: 'wall-timeout', exitCode: null });
    expect(result.message).toBe('not done after 700 ms: stopped');
    expect(result.durationMs).toBeGreaterThan(900); // the grace was given
    expect(processesWith(seconds)).toEqual([]);
  });

  it('lets a program clean up on SIGTERM', async () => {
    const result = await run(kind, `trap 'echo cleaned > cleaned; exit 0' TERM; sleep 60 & wait`, {
      limits: { wallMs: 500 },
    });
    expect(result.end).toBe('wall-timeout');
    expect(await readFile(join(worktree, 'cleaned'), 'utf8')).toBe('cleaned\n');
  });

  it('stops at once when the worker says so, with its reason', async () => {
    const seconds = uniqueSleep();
    const abort = new AbortController();
    const running = run(kind, `sleep ${seconds}`, {}, abort.signal);
    await until(() => processesWith(seconds).length > 0, 'the program runs');
    abort.abort('the lease was lost');
    const result = await running;
    expect(result).toMatchObject({ end: 'aborted', message: 'stopped on request: the lease was lost' });
    expect(processesWith(seconds)).toEqual([]);
  });

  it('does not begin when it is stopped before', async () => {
    const result = await run(kind, 'echo x > begun', {}, AbortSignal.abort());
    expect(result).toMatchObject({ end: 'aborted', message: 'stopped on request' });
    expect(existsSync(join(worktree, 'begun'))).toBe(false);
  });

  it('gets no descriptor that the worker was started with, however high', async () => {
    const secret = join(dir, 'secret-of-the-shell');
    writeFileSync(secret, 'x');
    const fd = openSync(secret, 'r');
    const inherited = Array.from({ length: 201 }, (_, at) =>
      at === 9 || at === 200 ? fd : ('ignore' as const),
    );
    const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', ...inherited.slice(3)];
    try {
      const worker = startWorker(
        kind,
        'ls -l /proc/self/fd > descriptors; ls -l /proc/$$/fd >> descriptors',
        stdio,
      );
      await new Promise((ended) => worker.once('exit', ended));
    } finally {
      closeSync(fd);
    }
    const seen = readFileSync(join(worktree, 'descriptors'), 'utf8');
    expect(seen).toContain(' 0 -> ');
    expect(seen).not.toContain('secret-of-the-shell');
    expect(seen).not.toMatch(/ 200 -> /);
  });

  it('dies with a worker that is killed', async () => {
    const seconds = uniqueSleep();
    const worker = startWorker(kind, `(setsid sh -c 'sleep ${seconds}; true' &); sleep ${seconds}`);
    try {
      await until(
        () => processesWith(`sleep ${seconds}`).length > 2 || processesWith(seconds).length > 3,
        'the program runs',
      );
      process.kill(worker.pid!, 'SIGKILL');
      await until(() => processesWith(seconds).length === 0, 'all processes of the dead worker are gone');
      // The next run of a worker with the same folder clears what the dead one left.
      expect((await namesIn(join(dir, 'scratch'))).length).toBe(1);
      await run(kind, 'true');
    } finally {
      worker.kill('SIGKILL');
    }
  });
});

describe.each(kinds)('limits in the sandbox "%s"', (kind) => {
  it('stops a silent program, and not one that talks', async () => {
    const talking = 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done';
    const result = await run(kind, `${talking}; sleep 30`, { limits: { idleMs: 700 } });
    expect(result).toMatchObject({ end: 'idle-timeout', output: '1\n2\n3\n4\n5\n6\n' });
    expect(result.message).toBe('no output for 700 ms: stopped');
  });

  it('stops a program that prints without end', async () => {
    const result = await run(kind, 'yes', { limits: { outputBytes: 3 * MB } });
    expect(result).toMatchObject({ end: 'output-limit', message: 'printed more than 3 MB: stopped' });
    expect(result.outputBytes).toBeLessThan(4 * MB);
    expect(Buffer.byteLength(result.output)).toBeLessThanOrEqual(65_536);
  });

  it('is not fooled by a program that printed too much and ended at once', async () => {
    const result = await run(kind, 'echo 12345678', { limits: { outputBytes: 8 } });
    expect(result).toMatchObject({ end: 'output-limit', outputBytes: 9, exitCode: null });
    expect((await run(kind, 'echo 1234567', { limits: { outputBytes: 8 } })).end).toBe('exited');
  });

  it('reads 1 GB without growing', async () => {
    let handed = 0;
    let most = 0;
    const before = process.memoryUsage().rss;
    const result = await run(kind, 'head -c 1073741824 /dev/zero; echo the end', {
      limits: { outputBytes: 2_048 * MB },
      onOutput: (chunk) => {
        handed += chunk.length;
        most = Math.max(most, process.memoryUsage().rss);
      },
    });
    expect(result).toMatchObject({ end: 'exited', exitCode: 0, outputBytes: 1_073_741_824 + 8 });
    expect(handed).toBe(result.outputBytes);
    expect(result.output.endsWith('the end\n')).toBe(true);
    expect(most - before).toBeLessThan(150 * MB);
  });

  it('makes the program wait for a slow log instead of buffering for it', async () => {
    let open = 0;
    let most = 0;
    const result = await run(kind, 'head -c 2000000 /dev/zero', {
      limits: { idleMs: 300 },
      onOutput: async () => {
        most = Math.max(most, ++open);
        await new Promise((done) => setTimeout(done, 20));
        open--;
      },
    });
    expect(result).toMatchObject({ end: 'exited', outputBytes: 2_000_000 });
    expect(most).toBe(1);
  });

  it('stops a program that takes too much memory, counting its children', async () => {
    const hog =
      'const a=[];setInterval(()=>{if(a.length<15)a.push(Buffer.alloc(10e6,1));console.log(a.length)},20)';
    const result = await run(kind, `node -e '${hog}' & node -e '${hog}' & wait`, {
      limits: { memoryBytes: 300 * MB },
    });
    expect(result.end).toBe('memory-limit');
    expect(result.message).toMatch(/^used 3\d\d(\.\d)? MB of memory, more than its 300 MB: stopped$/);
  });

  it('stops one big file', async () => {
    const result = await run(kind, 'exec head -c 300000000 /dev/zero > big', {
      limits: { diskBytes: 20 * MB },
    });
    expect(result.end).toBe('disk-limit');
    expect(result.message).toMatch(/20 MB/);
  });

  it('stops many small files, in its temporary folder too', async () => {
    const filler = `const fs=require('fs');const d=process.env.TMPDIR;for(let i=0;;i++){fs.mkdirSync(d+'/'+i);for(let j=0;j<500;j++)fs.writeFileSync(d+'/'+i+'/'+j,'x'.repeat(5000))}`;
    const result = await runNode(kind, filler, { limits: { diskBytes: 20 * MB } });
    expect(result).toMatchObject({
      end: 'disk-limit',
      message: 'its files take more than 20 MB of disk: stopped',
    });
  });

  it('stops empty files and folders without end', async () => {
    const filler = `const fs=require('fs');for(let i=0;;i++)fs.writeFileSync('f'+i,'')`;
    const result = await runNode(kind, filler, { limits: { diskBytes: 5 * MB } });
    expect(result.end).toBe('disk-limit');
  });

  it('stops a fork bomb', async () => {
    const seconds = uniqueSleep();
    // Bounded, in case the sandbox fails: 400 processes at most.
    const bomb = `i=0; while [ $i -lt 400 ]; do sleep ${seconds} & i=$((i+1)); done; wait`;
    const result = await run(kind, bomb, { limits: { processes: 40 } });
    expect(result).toMatchObject({
      end: 'process-limit',
      message: 'more than 40 processes at once: stopped',
    });
    expect(processesWith(seconds)).toEqual([]);
  });

  it('cleans up after folders that nobody may enter and that are nested too deep', async () => {
    const nest = `for(let i=0;i<600;i++){fs.mkdirSync('deeper-and-deeper');process.chdir('deeper-and-deeper')}`;
    const script = `const fs=require('fs');process.chdir(process.env.TMPDIR);fs.mkdirSync('closed');fs.writeFileSync('closed/f','');fs.chmodSync('closed',0);${nest};console.log('nested')`;
    const result = await runNode(kind, script);
    // What is nested too deep to be counted may be stopped for it.
    expect(result.output + result.message).toMatch(/nested|200 MB of disk/);
  });
});

for (const kind of kinds.filter((working) => working !== 'process')) {
  it(`shows no other processes in the sandbox "${kind}"`, async () => {
    const result = await run(kind, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    expect(result.output).toContain('/proc/');
    expect(result.output).not.toMatch(/jest|skein-lifeline/);
  });
}

// Where bubblewrap does not work there is nothing outside of it: the other kinds promise no view.
for (const kind of kinds.filter((working) => working === 'bubblewrap'))
  describe('outside of bubblewrap', () => {
    it('is neither seen nor read', async () => {
      const other = join(dir, 'other-lease');
      mkdirSync(other);
      writeFileSync(join(other, 'secret'), 'theirs');
      const looks = [
        `cat ${other}/secret`,
        'cat /etc/shadow',
        'ls /root',
        `ls ${process.cwd()}/libs`,
        `cat /proc/${process.pid}/environ`,
        'ls /sys',
      ];
      for (const look of looks) {
        const result = await run(kind, `${look} && echo SEEN`);
        expect(result.output).not.toContain('SEEN');
      }
      const seen = await run(kind, `ls -a ${dir} ${dir}/lease; ps -ef 2>/dev/null | wc -l; id -u; hostname`);
      expect(seen.output).toMatch(/lease\n\n.*lease:\n\.\n\.\.\nworktree\n/s);
      expect(seen.output).toMatch(/\n1000\nskein\n$/);
    });

    it('cannot be written: neither a mirror, nor the system, nor the kernel settings', async () => {
      const mirror = join(dir, 'mirror');
      mkdirSync(mirror);
      writeFileSync(join(mirror, 'config'), 'safe');
      const writes = [
        `${mirror}/config`,
        '/usr/evil',
        '/etc/passwd',
        '/evil',
        '/dev/evil',
        '/proc/sys/kernel/core_pattern',
        '/proc/sysrq-trigger',
      ];
      for (const path of writes) {
        const result = await run(
          kind,
          `test -e ${path} && cp ${path} /tmp/was; (cat /tmp/was 2>/dev/null || echo evil) > ${path} && echo WROTE`,
          { readable: [mirror] },
        );
        expect(result.output).not.toContain('WROTE');
      }
      expect(readFileSync(join(mirror, 'config'), 'utf8')).toBe('safe');
    });

    it('holds the folders of the worker, even inside a folder that is seen', async () => {
      mkdirSync(join(dir, 'lease', 'mirrors'));
      writeFileSync(join(dir, 'program'), 'seen');
      const sandbox = new Sandbox({
        ...{ kind, log: silentLogger, extraWritable: [], path: PATH, scratchRoot: join(dir, 'scratch') },
        readable: [dir],
        hidden: [join(dir, 'lease')],
      });
      const script = `cat ${dir}/program; ls ${dir}/lease ${dir}/scratch; touch ${dir}/lease/evil; echo x > made; cat made`;
      const spec = {
        argv: ['/bin/sh', '-c', `(${script}) 2>&1`],
        cwd: worktree,
        writable: [worktree],
        readable: [],
      };
      const result = await sandbox.run(
        { ...spec, env: {}, network: false, limits: LIMITS },
        new AbortController().signal,
      );
      expect(result.output).toMatch(/^seen/);
      expect(result.output).toMatch(/lease:\nworktree\n\n.*scratch:\ntouch: .*Read-only file system\nx\n$/);
    });

    it('keeps the .git of a worktree as it is, and hides what is to be hidden', async () => {
      writeFileSync(join(worktree, '.git'), 'gitdir: /elsewhere\n');
      mkdirSync(join(worktree, 'private'));
      writeFileSync(join(worktree, 'private', 'f'), 'x');
      writeFileSync(join(worktree, 'token'), 'x');
      const hidden = [join(worktree, 'private'), join(worktree, 'token'), join(worktree, 'absent')];
      const script =
        'echo evil > .git; rm -f .git; mv .git g; cat .git; cat token; ls private; touch private/x; echo end';
      const result = await run(kind, `(${script}) 2>/dev/null`, { hidden });
      expect(result.output).toBe('gitdir: /elsewhere\nend\n');
      expect(readFileSync(join(worktree, '.git'), 'utf8')).toBe('gitdir: /elsewhere\n');
    });

    it('is not shown through a .git that an earlier run made a symlink', async () => {
      await run(kind, 'ln -s /etc/shadow .git');
      const result = await run(kind, 'cat .git && echo SEEN');
      expect(result.output).not.toContain('SEEN');
    });

    it('is not reachable by network unless the step asked', async () => {
      const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
      await new Promise((done) => server.once('listening', done));
      const { port } = server.address() as { port: number };
      const connect = `require('net').connect(${port},'127.0.0.1').on('data',d=>console.log(String(d))).on('error',e=>console.log(e.code))`;
      try {
        expect((await runNode(kind, connect)).output).toBe('ECONNREFUSED\n');
        expect((await runNode(kind, connect, { network: true })).output).toBe('hello\n');
        const own = `const s=require('net').createServer(c=>c.end('own')).listen(0,()=>require('net').connect(s.address().port).on('data',d=>console.log(String(d))).on('close',()=>process.exit()))`;
        expect((await runNode(kind, own)).output).toBe('own\n');
      } finally {
        server.close();
      }
    });

    it('is not entered through a preloaded library that a plan names', async () => {
      const result = await run(kind, 'echo fine', {
        env: { LD_PRELOAD: join(worktree, 'evil.so'), BASH_ENV: '/x' },
      });
      expect(result.output).toMatch(/fine\n$/);
      expect(result.output).not.toMatch(/bwrap/);
    });

    it('does not show secrets of a run in the process list', async () => {
      const seconds = uniqueSleep();
      const abort = new AbortController();
      const running = run(kind, `sleep ${seconds}`, { env: { API_KEY: 'k-123456-secret' } }, abort.signal);
      await until(() => processesWith(seconds).length > 1, 'the program runs');
      expect(processesWith('k-123456-secret')).toEqual([]);
      abort.abort();
      await running;
    });
  });

/** A worker of its own that runs one program, to be killed. */
function startWorker(kind: SandboxKind, script: string, stdio: StdioOptions = 'inherit'): ChildProcess {
  const main = `
    import { Sandbox } from ${JSON.stringify(resolve(import.meta.dirname, 'sandbox.ts'))};
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    const sandbox = new Sandbox({ log, ...${JSON.stringify({ kind, readable: [], extraWritable: [], path: PATH, scratchRoot: join(dir, 'scratch') })} });
    await sandbox.run(${JSON.stringify({
      argv: ['/bin/sh', '-c', script],
      ...{ cwd: worktree, writable: [worktree], readable: [], env: {}, network: false, limits: LIMITS },
    })}, new AbortController().signal);`;
  const file = join(dir, 'worker.mts');
  writeFileSync(file, main);
  return spawn(
    process.execPath,
    ['--conditions=skein-source', '--experimental-transform-types', '--no-warnings', file],
    {
      stdio,
      cwd: resolve(import.meta.dirname, '../../..'),
    },
  );
}
