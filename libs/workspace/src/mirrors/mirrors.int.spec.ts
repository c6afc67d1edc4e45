import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { silentLogger } from '#telemetry';
import { eventually, gitRepo, runs, tempDir, type GitRepo } from '#testing';
import { Mirrors, type Mirror, type MirrorsOptions } from '../index.ts';

const run = promisify(execFile);

const opened: Mirrors[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((mirrors) => mirrors.close()));
});

function mirrorsAt(rootDir: string, options: Partial<MirrorsOptions> = {}): Mirrors {
  const mirrors = new Mirrors({ rootDir, credentials: null, log: silentLogger, ...options });
  opened.push(mirrors);
  return mirrors;
}

async function mirrorOf(repo: GitRepo, options: Partial<MirrorsOptions> = {}): Promise<Mirror> {
  return mirrorsAt(join(await tempDir('workspace'), 'own'), options).open(repo.bare);
}

describe('a base', () => {
  it('is the newest commit of its branch, each time it is asked for', async () => {
    const repo = await gitRepo();
    const mirror = await mirrorOf(repo);
    expect(await mirror.resolve('main')).toBe(await repo.head());
    const next = await repo.commit({ 'a.txt': 'a\n' });
    expect(await mirror.resolve('main')).toBe(next);
    expect(await mirror.readText(next, 'a.txt', 10)).toBe('a\n');
  });

  it('can be a tag, an annotated one too, a full or short SHA, HEAD or a full ref', async () => {
    const repo = await gitRepo();
    const first = await repo.head();
    await repo.git('tag', '-a', 'v1', '-m', 'One');
    await repo.git('tag', 'light');
    await repo.git('push', '--quiet', 'origin', 'v1', 'light');
    const second = await repo.commit({ 'a.txt': 'a\n' });
    const mirror = await mirrorOf(repo);
    expect(await mirror.resolve('v1')).toBe(first);
    expect(await mirror.resolve('light')).toBe(first);
    expect(await mirror.resolve(first!)).toBe(first);
    expect(await mirror.resolve(first!.slice(0, 9))).toBe(first);
    expect(await mirror.resolve('HEAD')).toBe(second);
    expect(await mirror.resolve('refs/heads/main')).toBe(second);
  });

  it('that is not there is an error that names branches which are', async () => {
    const mirror = await mirrorOf(await gitRepo());
    const refused = mirror.resolve('mian');
    await expect(refused).rejects.toMatchObject({ code: 'REF_NOT_FOUND', retry: 'never' });
    await expect(refused).rejects.toThrow(/branch main/);
    await expect(mirror.resolve('f'.repeat(40))).rejects.toMatchObject({ code: 'REF_NOT_FOUND' });
    await expect(mirror.resolve('-x; rm')).rejects.toMatchObject({ code: 'REF_NOT_FOUND' });
    await expect(mirror.resolve('--upload-pack=touch')).rejects.toMatchObject({ code: 'REF_NOT_FOUND' });
  });
});

describe('a mirror', () => {
  it('is made once, also when eight ask for it at once', async () => {
    const repo = await gitRepo();
    const root = join(await tempDir('workspace'), 'own');
    const mirrors = Array.from({ length: 8 }, () => mirrorsAt(root));
    const all = await Promise.all(mirrors.map((m) => m.open(repo.bare)));
    const heads = await Promise.all(all.map((m) => m.resolve('main')));
    expect(new Set(heads).size).toBe(1);
    expect((await readdir(join(root, 'mirrors'))).filter((n) => n.endsWith('.git'))).toHaveLength(1);
    expect(new Set(all.map((m) => m.path)).size).toBe(1);
  });

  it('is remembered with so many others only, those that were used last, and works on when it is not', async () => {
    const mirrors = mirrorsAt(join(await tempDir('workspace'), 'own'), { maxOpen: 2 });
    const [first, second, third] = [await gitRepo(), await gitRepo(), await gitRepo()];
    const kept = await mirrors.open(first.bare);
    const forgotten = await mirrors.open(second.bare);
    expect(await mirrors.open(first.bare)).toBe(kept);
    await mirrors.open(third.bare);
    expect(await mirrors.open(first.bare)).toBe(kept);
    const again = await mirrors.open(second.bare);
    expect(again).not.toBe(forgotten);
    expect(await Promise.all([forgotten, again].map((mirror) => mirror.resolve('main')))).toEqual(
      Array(2).fill(await second.head()),
    );
  });

  it('takes 16 fetches of different commits at once', async () => {
    const repo = await gitRepo();
    const mirror = await mirrorOf(repo);
    await mirror.resolve('main');
    const commits = [];
    for (let i = 0; i < 16; i++) {
      const sha = await repo.git('commit-tree', '-p', 'HEAD', '-m', `${i}`, 'HEAD^{tree}');
      const ref = `refs/skein/plan0001/s${i}/1-0123456789ab/1`;
      await repo.git('push', '--quiet', 'origin', `${sha}:${ref}`);
      commits.push({ sha, ref });
    }
    expect(await Promise.all(commits.map((c) => mirror.ensureCommit(c)))).toEqual(Array(16).fill(true));
    const gone = { sha: 'e'.repeat(40), ref: 'refs/skein/plan0001/s99/1-0123456789ab/1' };
    expect(await mirror.ensureCommit(gone)).toBe(false);
  });

  it('stays small: packs are put together, and what leases use stays', async () => {
    const repo = await gitRepo();
    const root = await tempDir('workspace');
    const mirror = await mirrorsAt(join(root, 'own'), { fetchesPerRepack: 4 }).open(repo.bare);
    const base = await mirror.resolve('main');
    const tree = await mirror.checkout(join(root, 'lease'), base);
    await writeFile(join(tree.path, 'x'), 'x');
    const kept = await tree.commit(await tree.snapshot(), [base], {
      message: 'X',
      date: '2026-01-01T00:00:00Z',
    });
    await writeFile(join(mirror.path, 'skein-repacks'), '18');
    for (let i = 0; i < 9; i++) {
      await repo.commit({ 'a.txt': `${i}\n` });
      await mirror.resolve('main');
    }
    const packs = (await readdir(join(mirror.path, 'objects/pack'))).filter((n) => n.endsWith('.pack'));
    expect(packs.length).toBeLessThan(6);
    expect(Number(await readFile(join(mirror.path, 'skein-repacks'), 'utf8'))).toBeGreaterThanOrEqual(20);
    expect(await mirror.isAncestor(base, kept)).toBe(true);
    await tree.resetTo(kept);
    expect(await readFile(join(tree.path, 'x'), 'utf8')).toBe('x');
  });

  it('reads files: modes, missing ones, too large ones', async () => {
    const repo = await gitRepo({ 'bin/x': '#!/bin/sh\n', 'a b/ü.txt': 'ü\n' });
    await repo.git(
      'update-index',
      '--add',
      '--cacheinfo',
      `120000,${await repo.git('hash-object', '-w', 'bin/x')},link`,
    );
    await repo.git('commit', '--quiet', '-m', 'Link');
    await repo.git('push', '--quiet', 'origin', 'main');
    const mirror = await mirrorOf(repo);
    const sha = await mirror.resolve('main');
    expect(await mirror.listFiles(sha)).toEqual([
      { path: 'a b/ü.txt', mode: '100644' },
      { path: 'bin/x', mode: '100755' },
      { path: 'link', mode: '120000' },
    ]);
    expect(await mirror.readText(sha, 'a b/ü.txt', 3)).toBe('ü\n');
    for (const path of ['nothing', 'bin', 'bin/', 'link', '../x', '', '/etc/passwd', 'a\0b']) {
      expect(await mirror.readText(sha, path, 100)).toBeNull();
    }
    const tooLarge = { code: 'FILE_TOO_LARGE', bytes: 10 };
    await expect(mirror.readText(sha, 'bin/x', 9)).rejects.toMatchObject(tooLarge);
  });

  it('gives a diff that is bounded, and counts all of it', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\nb\n' });
    const mirror = await mirrorOf(repo);
    const from = await mirror.resolve('main');
    await repo.commit({ 'a.txt': 'a\nc\n', 'new.txt': 'n\n' });
    const small = await mirror.diff(from, await mirror.resolve('main'));
    expect(small).toMatchObject({ truncated: false, stat: { files: 2, insertions: 2, deletions: 1 } });
    expect(small.text).toContain('-b\n+c\n');
    await repo.commit({ 'big.txt': `${'0123456789'.repeat(10)}\n`.repeat(20_000) });
    const big = await mirror.diff(from, await mirror.resolve('main'));
    expect(big).toMatchObject({ truncated: true, stat: { files: 3, insertions: 20_002 } });
    expect(big.text.length).toBeLessThanOrEqual(1024 * 1024);
    expect((await mirror.diff(from, from)).stat).toEqual({ files: 0, insertions: 0, deletions: 0 });
  });

  it('works with SHA-256 repositories', async () => {
    const folder = await tempDir('sha256');
    await run('git', ['init', '--quiet', '--object-format=sha256', '-b', 'main', folder]);
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
    await writeFile(join(folder, 'a.txt'), 'a\n');
    await run('git', ['-C', folder, 'add', '-A']);
    await run('git', ['-C', folder, ...who, 'commit', '--quiet', '-m', 'x']);
    const root = await tempDir('workspace');
    const mirror = await mirrorsAt(join(root, 'own')).open(folder);
    const sha = await mirror.resolve('main');
    expect(sha).toHaveLength(64);
    const tree = await mirror.checkout(join(root, 'lease'), sha);
    await writeFile(join(tree.path, 'a.txt'), 'b\n');
    await run('git', ['init', '--quiet', join(tree.path, 'sub')]);
    const changes = await tree.changes(sha, await tree.snapshot());
    expect(changes.map((c) => c.path)).toEqual(['a.txt', 'sub']);
  });

  it('that is damaged is made anew as soon as no worktree uses it', async () => {
    const repo = await gitRepo({ 'a.txt': 'a\n' });
    const root = await tempDir('workspace');
    const mirrors = mirrorsAt(join(root, 'own'));
    const mirror = await mirrors.open(repo.bare);
    const sha = await mirror.resolve('main');
    const tree = await mirror.checkout(join(root, 'lease'), sha);
    for (const name of await readdir(join(mirror.path, 'objects/pack'))) {
      if (name.endsWith('.pack')) await truncate(join(mirror.path, 'objects/pack', name), 40);
    }
    const broken = mirror.checkout(join(root, 'other'), sha);
    await expect(broken).rejects.toMatchObject({ code: 'GIT_CORRUPT', retry: 'later' });
    await expect((await mirrors.open(repo.bare)).listFiles(sha)).rejects.toMatchObject({
      code: 'GIT_CORRUPT',
    });
    await tree.remove();
    const anew = await mirrors.open(repo.bare);
    expect(await anew.resolve('main')).toBe(sha);
    await (await anew.checkout(join(root, 'third'), sha)).remove();
  });

  it('takes shallow clones and repositories without a commit for what they are', async () => {
    const repo = await gitRepo();
    await repo.commit({ 'a.txt': 'a\n' });
    const folder = await tempDir('clones');
    const shallow = join(folder, 'shallow');
    await run('git', ['clone', '--quiet', '--depth=1', repo.url, shallow]);
    const mirrors = mirrorsAt(join(await tempDir('workspace'), 'own'));
    const mirror = await mirrors.open(shallow);
    const sha = await mirror.resolve('main');
    expect(sha).toBe(await repo.head());
    expect(await mirror.publish('out', sha, null)).toEqual({ status: 'published' });
    await run('git', ['init', '--quiet', '--bare', join(folder, 'empty')]);
    const empty = await mirrors.open(join(folder, 'empty'));
    await expect(empty.resolve('main')).rejects.toThrow(/no branches yet/);
  });

  it('says that git is missing or too old, and what to do', async () => {
    const root = await tempDir('workspace');
    const repo = await gitRepo();
    const none = mirrorsAt(join(root, 'a'), { gitPath: 'no-such-git' });
    await expect(none.open(repo.bare)).rejects.toMatchObject({ code: 'GIT_MISSING' });
    await writeFile(join(root, 'git'), '#!/bin/sh\necho git version 2.30.2\n');
    await chmod(join(root, 'git'), 0o755);
    const old = mirrorsAt(join(root, 'b'), { gitPath: join(root, 'git') });
    await expect(old.open(repo.bare)).rejects.toThrow(/2\.30\.2 is too old.*2\.38/);
  });

  it('says where there is no repository', async () => {
    const empty = await tempDir('empty');
    const mirrors = mirrorsAt(join(await tempDir('workspace'), 'own'));
    await expect(mirrors.open(empty)).rejects.toMatchObject({ code: 'GIT_NOT_FOUND', retry: 'never' });
    await expect(mirrors.open(join(empty, 'nothing'))).rejects.toMatchObject({ code: 'REPO_URL' });
    const refused = mirrors.open('https://127.0.0.1:1/x.git');
    await expect(refused).rejects.toMatchObject({ code: 'GIT_UNREACHABLE', retry: 'later' });
  });
});

describe('a local folder', () => {
  it('has one mirror by whatever name, bare or not, as path or URL', async () => {
    const repo = await gitRepo();
    const mirrors = mirrorsAt(join(await tempDir('workspace'), 'own'));
    const mirror = await mirrors.open(repo.bare);
    expect(await mirrors.open(`${repo.bare}/`)).toBe(mirror);
    expect(await mirrors.open(pathToFileURL(repo.bare).href)).toBe(mirror);
    const work = await mirrors.open(repo.work);
    expect(work).not.toBe(mirror);
    expect(await work.resolve('main')).toBe(await repo.head());
  });

  it('runs none of its hooks and programs when we fetch from it and push to it', async () => {
    const repo = await gitRepo();
    const folder = await tempDir('evil');
    const witness = join(folder, 'witness');
    const program = join(folder, 'program');
    await writeFile(program, `#!/bin/sh\necho "$0 $*" >> ${witness}\n`);
    await chmod(program, 0o755);
    for (const hook of [
      'pre-receive',
      'update',
      'post-receive',
      'post-update',
      'reference-transaction',
      'post-checkout',
    ]) {
      for (const hooks of [join(repo.bare, 'hooks'), folder]) {
        await mkdir(hooks, { recursive: true });
        await cp(program, join(hooks, hook));
      }
    }
    const settings = [
      ['core.hooksPath', folder],
      ['core.fsmonitor', program],
      ['core.alternateRefsCommand', program],
      ['uploadpack.packObjectsHook', program],
      ['core.sshCommand', program],
      ['credential.helper', `!${program}`],
      ['gc.auto', '1'],
    ];
    for (const [key, value] of settings) await repo.bareGit('config', key!, value!);
    const mirror = await mirrorOf(repo);
    const sha = await mirror.resolve('main');
    await mirror.push({ ref: 'refs/skein/plan0001/s1/1-0123456789ab/1', sha });
    await mirror.publish('feature', sha, null);
    await mirror.checkPushable('plan0001');
    await mirror.deleteRefs('refs/skein/plan0001/', []);
    expect(await readFile(witness, 'utf8').catch(() => 'nothing ran')).toBe('nothing ran');
  });

  it('may name anything in .gitmodules: submodules are off', async () => {
    const repo = await gitRepo();
    const witness = join(await tempDir('witness'), 'file');
    const modules = `[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% ${witness}\n\tupdate = !touch ${witness}\n`;
    await repo.commit({ '.gitmodules': modules });
    await repo.git('update-index', '--add', '--cacheinfo', `160000,${await repo.head()},x`);
    await repo.git('commit', '--quiet', '-m', 'Submodule');
    await repo.git('push', '--quiet', 'origin', 'main');
    const root = await tempDir('workspace');
    const mirror = await mirrorsAt(join(root, 'own')).open(repo.bare);
    const sha = await mirror.resolve('main');
    const tree = await mirror.checkout(join(root, 'lease'), sha);
    expect(await tree.changes(sha, await tree.snapshot())).toEqual([]);
    expect(await stat(witness).catch(() => null)).toBeNull();
  });

  it('may belong to another user', async () => {
    const repo = await gitRepo();
    const root = await tempDir('workspace');
    const git = join(root, 'git');
    // Git's own switch for tests of this; where we may, a real other owner.
    await writeFile(git, `#!/bin/sh\nexport GIT_TEST_ASSUME_DIFFERENT_OWNER=1\nexec git "$@"\n`);
    await chmod(git, 0o755);
    if (process.getuid?.() === 0) await chown(repo.bare, 12_345, 12_345);
    const mirror = await mirrorsAt(join(root, 'own'), { gitPath: git }).open(repo.bare);
    expect(await mirror.resolve('main')).toHaveLength(40);
    await mirror.checkPushable('plan0001');
  });
});

describe('the environment', () => {
  it('of git has nothing of ours: neither HOME nor settings', async () => {
    const repo = await gitRepo();
    const root = await tempDir('workspace');
    const seen = join(root, 'seen');
    const wrapper = join(root, 'git');
    await writeFile(wrapper, `#!/bin/sh\nenv >> ${seen}\nexec git "$@"\n`);
    await chmod(wrapper, 0o755);
    process.env.SKEIN_WORKSPACE_CANARY = 'canary';
    try {
      const mirror = await mirrorsAt(join(root, 'own'), { gitPath: wrapper }).open(repo.bare);
      const sha = await mirror.resolve('main');
      const tree = await mirror.checkout(join(root, 'lease'), sha);
      await writeFile(join(tree.path, 'x'), 'x');
      const made = await tree.commit(await tree.snapshot(), [sha], {
        message: 'X',
        date: '2026-01-01T00:00:00Z',
      });
      expect(made).toHaveLength(40);
    } finally {
      delete process.env.SKEIN_WORKSPACE_CANARY;
    }
    const text = await readFile(seen, 'utf8');
    expect(text).not.toContain('canary');
    expect(text).toContain(`HOME=${join(root, 'own/git/home')}`);
    expect(text).toContain('GIT_CONFIG_NOSYSTEM=1');
  });
});

describe('the lock', () => {
  it('is free again when its holder was killed, and the lock files of its git are removed', async () => {
    const repo = await gitRepo();
    const root = await tempDir('workspace');
    const mirror = await mirrorsAt(join(root, 'own')).open(repo.bare);
    await mirror.resolve('main');
    const holder = spawn(process.execPath, ['-e', HOLDER, `${mirror.path}.lock`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    // What a git that is killed in the middle leaves.
    for (const name of ['packed-refs.lock', 'HEAD.lock', 'refs/fetched/bases/x.lock']) {
      await writeFile(join(mirror.path, name), '');
    }
    const next = await repo.commit({ 'a.txt': 'a\n' });
    let arrived = false;
    const waiting = mirror.resolve('main').finally(() => (arrived = true));
    await eventually(async () =>
      (await readFile(`${mirror.path}.lock`, 'utf8')).includes('held by the test'),
    );
    expect(arrived).toBe(false);
    holder.kill('SIGKILL');
    expect(await waiting).toBe(next);
    expect(await stat(join(mirror.path, 'packed-refs.lock')).catch(() => null)).toBeNull();
    expect(await stat(join(mirror.path, 'refs/fetched/bases/x.lock')).catch(() => null)).toBeNull();
    const tree = await mirror.checkout(join(root, 'lease'), next);
    await tree.remove();
  });

  it('is given up after a while, naming the holder', async () => {
    const repo = await gitRepo();
    const root = await tempDir('workspace');
    const mirror = await mirrorsAt(join(root, 'own'), { lockTimeoutMs: 300 }).open(repo.bare);
    const holder = spawn(process.execPath, ['-e', HOLDER, `${mirror.path}.lock`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      const refused = mirror.resolve('main');
      await expect(refused).rejects.toMatchObject({ code: 'GIT_LOCKED', retry: 'later' });
      await expect(refused).rejects.toThrow(/held by the test/);
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
  });

  it('is held by a git that outlives its worker, so that nobody else writes beside it', async () => {
    const repo = await gitRepo();
    const root = await tempDir('workspace');
    const slow = join(root, 'git');
    const started = join(root, 'started');
    // A fetch that takes long; everything else is real.
    await writeFile(
      slow,
      `#!/bin/sh\ncase " $* " in *" fetch "*) echo $$ > ${started}; sleep 60 ;; esac\nexec git "$@"\n`,
    );
    await chmod(slow, 0o755);
    const mirror = await mirrorsAt(join(root, 'own'), { lockTimeoutMs: 400 }).open(repo.bare);
    const flags = ['--experimental-transform-types', '--conditions=skein-source', '--no-warnings'];
    const args = [join(import.meta.dirname, '../index.ts'), join(root, 'own'), repo.bare, slow];
    const worker = spawn(
      process.execPath,
      [...flags, '--input-type=module', '-e', FETCHING_WORKER, ...args],
      {
        cwd: process.cwd(),
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    await eventually(async () => (await readFile(started, 'utf8').catch(() => '')).trim() !== '', {
      timeoutMs: 20_000,
    });
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    await expect(mirror.resolve('main')).rejects.toMatchObject({ code: 'GIT_LOCKED' });
    process.kill(-Number(await readFile(started, 'utf8')), 'SIGKILL');
    await eventually(() => mirror.resolve('main').catch(() => null), { timeoutMs: 10_000 });
  }, 60_000);

  it('does not keep close() waiting: those who wait for it are sent away', async () => {
    const repo = await gitRepo();
    const root = await tempDir('workspace');
    const mirrors = mirrorsAt(join(root, 'own'));
    const mirror = await mirrors.open(repo.bare);
    const holder = spawn(process.execPath, ['-e', HOLDER, `${mirror.path}.lock`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      const refused = expect(mirror.resolve('main')).rejects.toMatchObject({ code: 'GIT_CLOSED' });
      await mirrors.close();
      await refused;
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
  });

  it('does not keep close() waiting: running commands are ended', async () => {
    const repo = await gitRepo();
    const root = await tempDir('workspace');
    const slow = join(root, 'git');
    const started = join(root, 'started');
    await writeFile(
      slow,
      `#!/bin/sh\ncase " $* " in *" fetch "*) echo $$ > ${started}; sleep 60 ;; esac\nexec git "$@"\n`,
    );
    await chmod(slow, 0o755);
    const mirrors = mirrorsAt(join(root, 'own'), { gitPath: slow });
    const mirror = await mirrors.open(repo.bare);
    const refused = expect(mirror.resolve('main')).rejects.toMatchObject({
      code: 'GIT_CLOSED',
      retry: 'later',
    });
    await eventually(() => stat(started).catch(() => null));
    await mirrors.close();
    await refused;
    const pid = Number(await readFile(started, 'utf8'));
    await eventually(async () => !(await runs(pid)), { what: 'the end of git' });
  });
});

const HOLDER = `
const { openSync, writeSync } = require('node:fs');
const { tryLock } = require(${JSON.stringify(join(process.cwd(), 'node_modules/fs-native-extensions'))});
const fd = openSync(process.argv[1], 'a+');
if (!tryLock(fd)) process.exit(1);
writeSync(fd, 'held by the test');
process.stdout.write('held');
setInterval(() => {}, 1000);
`;

const FETCHING_WORKER = `
const [index, rootDir, url, gitPath] = process.argv.slice(1);
const { Mirrors } = await import(index);
const log = { debug() {}, info() {}, warn() {}, error() {}, child() { return log; } };
const mirrors = new Mirrors({ rootDir, credentials: null, log, gitPath });
await (await mirrors.open(url)).resolve('main');
`;
