import { execFile } from 'node:child_process';
import { chmod, lstat, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '#telemetry';
import { eventually, gitRepo, tempDir, type GitRepo } from '#testing';
import {
  judgeScope,
  Mirrors,
  pathToBytes,
  privateRef,
  type Change,
  type Mirror,
  type MirrorsOptions,
  type Worktree,
} from '../index.ts';

const run = promisify(execFile);
const DATE = '2026-01-02T03:04:05Z';
const LEASE = { planId: 'plan0001', ordinal: 1, epoch: 1, token: '0123456789abcdef0123456789abcdef' };

interface Scene {
  repo: GitRepo;
  mirrors: Mirrors;
  mirror: Mirror;
  root: string;
  base: string;
  tree: Worktree;
}

const open: Mirrors[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((mirrors) => mirrors.close()));
});

async function scene(files?: Record<string, string>, options: Partial<MirrorsOptions> = {}): Promise<Scene> {
  const repo = await gitRepo(files);
  const root = await tempDir('workspace');
  const mirrors = new Mirrors({
    rootDir: join(root, 'own'),
    credentials: null,
    log: silentLogger,
    ...options,
  });
  open.push(mirrors);
  const mirror = await mirrors.open(repo.bare);
  const base = await mirror.resolve('main');
  const tree = await mirror.checkout(join(root, 'lease'), base);
  return { repo, mirrors, mirror, root, base, tree };
}

async function changed(s: Scene): Promise<Change[]> {
  return s.tree.changes(s.base, await s.tree.snapshot());
}

function seconds(file: { ctimeMs: number }): number {
  return Math.floor(file.ctimeMs / 1_000);
}

/** Tries at the beginning of a second, until it worked. */
async function withinOneSecond<T>(attempt: () => Promise<T | null>): Promise<T> {
  return eventually(
    async () => {
      await eventually(() => Date.now() % 1_000 < 200, { everyMs: 10 });
      return attempt();
    },
    { timeoutMs: 30_000 },
  );
}

function summary(changes: Change[]): string[] {
  return changes.map((c) => `${c.status} ${c.path} ${c.newMode}`);
}

describe('a worktree', () => {
  it('loses no file in a folder whose permission a step took away', async () => {
    // For root no permission counts, unless it gives that up.
    const root = await tempDir('plain-git');
    const gitPath = join(root, 'git');
    const drop = 'exec setpriv --bounding-set=-dac_override,-dac_read_search git "$@"';
    await writeFile(gitPath, `#!/bin/sh\n[ "$(id -u)" = 0 ] && ${drop}\nexec git "$@"\n`, { mode: 0o755 });
    const s = await scene({ 'a.txt': 'a\n' }, { gitPath });
    await mkdir(join(s.tree.path, 'shut/in'), { recursive: true });
    await writeFile(join(s.tree.path, 'shut/in/new.txt'), 'new\n');
    await chmod(join(s.tree.path, 'shut/in'), 0o000);
    await chmod(join(s.tree.path, 'shut'), 0o000);
    expect(summary(await changed(s))).toEqual(['added shut/in/new.txt 100644']);
  });

  it('has the files of its commit and knows of no change', async () => {
    const s = await scene({ 'a.txt': 'a\n', 'bin/run': '#!/bin/sh\n', 'src/b.txt': 'b\n' });
    expect(await readFile(join(s.tree.path, 'src/b.txt'), 'utf8')).toBe('b\n');
    expect((await lstat(join(s.tree.path, 'bin/run'))).mode & 0o111).not.toBe(0);
    expect(await changed(s)).toEqual([]);
    expect(s.tree.head()).toBe(s.base);
    // A step's own git sees a clean checkout.
    const { stdout } = await run('git', ['status', '--porcelain'], { cwd: s.tree.path });
    expect(stdout).toBe('');
  });

  it('shows additions, changes, modes and deletions, but nothing that is ignored', async () => {
    const s = await scene({
      'a.txt': 'a\n',
      'b.txt': 'b\n',
      'c.txt': 'c\n',
      '.gitignore': 'node_modules\n*.log\n',
    });
    await writeFile(join(s.tree.path, 'a.txt'), 'changed\n');
    await rm(join(s.tree.path, 'b.txt'));
    await chmod(join(s.tree.path, 'c.txt'), 0o755);
    await mkdir(join(s.tree.path, 'node_modules/x'), { recursive: true });
    await writeFile(join(s.tree.path, 'node_modules/x/i.js'), '');
    await writeFile(join(s.tree.path, 'debug.log'), '');
    await writeFile(join(s.tree.path, 'new.txt'), '');
    expect(summary(await changed(s))).toEqual([
      'modified a.txt 100644',
      'deleted b.txt 000000',
      'modified c.txt 100755',
      'added new.txt 100644',
    ]);
  });

  it('keeps line endings and other bytes as they are, whatever .gitattributes asks for', async () => {
    const s = await scene({ '.gitattributes': '* text=auto eol=crlf ident\n', 'a.txt': 'x $Id$\ny\n' });
    expect(await readFile(join(s.tree.path, 'a.txt'), 'utf8')).toBe('x $Id$\ny\n');
    await writeFile(join(s.tree.path, 'crlf.txt'), 'one\r\ntwo\r\n');
    const sha = await s.tree.commit(await s.tree.snapshot(), [s.base], { message: 'Add', date: DATE });
    expect(await s.mirror.readText(sha, 'crlf.txt', 100)).toBe('one\r\ntwo\r\n');
  });

  it('commits the same SHA for the same content, date and message', async () => {
    const s = await scene();
    await writeFile(join(s.tree.path, 'x'), 'x');
    const tree = await s.tree.snapshot();
    const options = { message: 'One \u001b[31mred\u001b[0m thing\n\nWhy.', date: DATE };
    const first = await s.tree.commit(tree, [s.base], options);
    expect(await s.tree.commit(tree, [s.base], options)).toBe(first);
    const { stdout } = await run('git', ['--git-dir', s.mirror.path, 'cat-file', 'commit', first]);
    expect(stdout).toContain('author Skein <skein@localhost> 1767323045 +0000');
    expect(stdout).not.toContain('\u001b');
  });

  it('goes back to a commit: other files go, ignored ones stay', async () => {
    const s = await scene({ 'a.txt': 'a\n', '.gitignore': 'node_modules\n' });
    await writeFile(join(s.tree.path, 'a.txt'), 'b\n');
    const next = await s.tree.commit(await s.tree.snapshot(), [s.base], { message: 'B', date: DATE });
    await mkdir(join(s.tree.path, 'node_modules'));
    await writeFile(join(s.tree.path, 'node_modules/kept'), '');
    await mkdir(join(s.tree.path, 'stray/deep'), { recursive: true });
    await writeFile(join(s.tree.path, 'stray/deep/x'), '');
    await chmod(join(s.tree.path, 'stray/deep'), 0o500);
    await run('git', ['init', '--quiet', join(s.tree.path, 'embedded')]);
    await s.tree.snapshot();
    await run('git', ['init', '--quiet', join(s.tree.path, 'later')]);
    await mkdir(join(s.tree.path, 'other/deep'), { recursive: true });
    await writeFile(join(s.tree.path, 'other/deep/x'), '');
    await s.tree.resetTo(s.base);
    expect(await readFile(join(s.tree.path, 'a.txt'), 'utf8')).toBe('a\n');
    expect((await readdir(s.tree.path)).sort()).toEqual(['.git', '.gitignore', 'a.txt', 'node_modules']);
    expect(await changed(s)).toEqual([]);
    await s.tree.resetTo(next);
    expect(s.tree.head()).toBe(next);
    expect(await readFile(join(s.tree.path, 'a.txt'), 'utf8')).toBe('b\n');
  });

  it('leaves nothing when it is removed, also twice', async () => {
    const s = await scene();
    await mkdir(join(s.tree.path, 'locked'));
    await writeFile(join(s.tree.path, 'locked/x'), '');
    await chmod(join(s.tree.path, 'locked'), 0o000);
    await s.tree.remove();
    await s.tree.remove();
    expect(await readdir(join(s.root, 'lease'))).toEqual([]);
    expect(await readdir(join(s.mirror.path, 'worktrees'))).toEqual([]);
    expect(await readdir(join(s.root, 'own/indexes'))).toEqual([]);
    await expect(s.tree.snapshot()).rejects.toMatchObject({ code: 'WORKTREE_GONE' });
  });

  it('misses no change of the same length in the second of its checkout, seen by us and by the step’s own git', async () => {
    const files = { 'a.txt': 'one\n', 'gone.txt': 'x\n' };
    // Git's clock of files has seconds: all of it must happen within one.
    const s = await withinOneSecond(async () => {
      const made = await scene(files);
      const before = await lstat(join(made.tree.path, 'a.txt'));
      await writeFile(join(made.tree.path, 'a.txt'), 'ONE\n');
      const after = await lstat(join(made.tree.path, 'a.txt'));
      return seconds(before) === seconds(after) ? made : null;
    });
    await rm(join(s.tree.path, 'gone.txt'));
    await eventually(
      async () => seconds(await lstat(join(s.tree.path, 'a.txt'))) < Math.floor(Date.now() / 1_000),
    );
    const seen = await run('git', ['status', '--short'], {
      cwd: s.tree.path,
      env: { PATH: process.env['PATH'] },
    });
    expect(seen.stdout).toBe(' M a.txt\n D gone.txt\n');
    expect(summary(await changed(s))).toEqual(['modified a.txt 100644', 'deleted gone.txt 000000']);
  });

  it('survives an index.lock that a killed git left behind', async () => {
    const s = await scene();
    const [index] = await readdir(join(s.root, 'own/indexes'));
    await writeFile(join(s.root, 'own/indexes', `${index}.lock`), '');
    await writeFile(join(s.tree.path, 'x'), '');
    expect(summary(await changed(s))).toEqual(['added x 100644']);
  });
});

describe('what git writes of a worktree', () => {
  const bytesIn = async (folder: string): Promise<number> =>
    Number((await run('du', ['-sb', folder])).stdout.split('\t')[0]);
  const junk = (s: Scene, name: string) => writeFile(join(s.tree.path, name), randomBytes(3_000_000));

  it('is its own until it is a commit, and gone with the next reset', async () => {
    const s = await scene();
    const objects = join(s.mirror.path, 'objects');
    const before = await bytesIn(objects);
    await junk(s, 'rejected');
    expect(summary(await changed(s))).toEqual(['added rejected 100644']);
    expect(await bytesIn(objects)).toBe(before);
    const own = (await readdir(join(s.root, 'own/indexes'))).find((name) => name.endsWith('.objects'))!;
    expect(await bytesIn(join(s.root, 'own/indexes', own))).toBeGreaterThan(3_000_000);
    await s.tree.resetTo(s.base);
    expect(await bytesIn(join(s.root, 'own/indexes', own))).toBeLessThan(100_000);

    await junk(s, 'kept');
    const sha = await s.tree.commit(await s.tree.snapshot(), [s.base], { message: 'Keep', date: DATE });
    // The mirror has it, whatever becomes of the worktree.
    await s.tree.remove();
    expect(await readdir(join(s.root, 'own/indexes'))).toEqual([]);
    await run('git', ['--git-dir', s.mirror.path, 'fsck', '--strict', '--no-dangling', sha]);
    const again = await s.mirror.checkout(join(s.root, 'again'), sha);
    expect((await lstat(join(again.path, 'kept'))).size).toBe(3_000_000);
    expect(await bytesIn(objects)).toBeGreaterThan(before + 3_000_000);
  });

  it('is put together on a host that only commits, and stays readable', async () => {
    const s = await scene(undefined, { fetchesPerRepack: 4 });
    const shas: string[] = [];
    for (let turn = 1; turn <= 10; turn += 1) {
      await writeFile(join(s.tree.path, 'x'), `${turn}`);
      shas.push(await s.tree.commit(await s.tree.snapshot(), [s.base], { message: `${turn}`, date: DATE }));
      const ref = privateRef({ ...LEASE, attempt: turn });
      await s.mirror.push({ ref, sha: shas.at(-1)! });
      await s.tree.resetTo(s.base);
    }
    const packs = (await readdir(join(s.mirror.path, 'objects/pack'))).filter((name) =>
      name.endsWith('.pack'),
    );
    expect(packs.length).toBeLessThan(8);
    for (const [at, sha] of shas.entries()) expect(await s.mirror.readText(sha, 'x', 10)).toBe(`${at + 1}`);
  });

  it('does not mind odd characters in the path of the worker’s folder', async () => {
    const repo = await gitRepo();
    const rootDir = join(await tempDir('workspace'), 'a:b "c" \\d');
    const mirrors = new Mirrors({ rootDir, credentials: null, log: silentLogger });
    open.push(mirrors);
    const mirror = await mirrors.open(repo.bare);
    const base = await mirror.resolve('main');
    const tree = await mirror.checkout(await tempDir('lease'), base);
    await writeFile(join(tree.path, 'x'), 'x');
    const sha = await tree.commit(await tree.snapshot(), [base], { message: 'X', date: DATE });
    expect(await mirror.readText(sha, 'x', 10)).toBe('x');
  });
});

describe('32 worktrees at once', () => {
  it('all come up on one mirror, also from several processes, and all go again', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`d${i % 9}/f${i}.txt`, `${i}\n`]),
    );
    const s = await scene(files);
    const other = new Mirrors({ rootDir: join(s.root, 'own'), credentials: null, log: silentLogger });
    open.push(other);
    // A second instance has its own descriptors: to the lock it is another process.
    const mirrors = [s.mirror, await other.open(s.repo.bare)];
    const leases = Array.from({ length: 32 }, (_, i) => join(s.root, `lease-${i}`));
    const trees = await Promise.all(leases.map((lease, i) => mirrors[i % 2]!.checkout(lease, s.base)));
    const snapshots = await Promise.all(trees.map((tree) => tree.snapshot()));
    expect(new Set(snapshots).size).toBe(1);
    expect(await trees[31]!.changes(s.base, snapshots[31]!)).toEqual([]);
    await Promise.all(trees.map((tree) => tree.remove()));
    expect(await readdir(join(s.mirror.path, 'worktrees'))).toHaveLength(1);
  }, 60_000);
});

describe('a hostile step', () => {
  it('hides nothing by bits in the index that it sees, or by another .git', async () => {
    const s = await scene({ 'a.txt': 'a\n' });
    await run('git', ['update-index', '--assume-unchanged', 'a.txt'], { cwd: s.tree.path });
    await rm(join(s.tree.path, '.git'));
    await run('git', ['init', '--quiet', s.tree.path]);
    await run('git', ['config', 'core.worktree', '/tmp'], { cwd: s.tree.path });
    await writeFile(join(s.tree.path, 'a.txt'), 'changed\n');
    expect(summary(await changed(s))).toEqual(['modified a.txt 100644']);
    await s.tree.resetTo(s.base);
    expect(await readFile(join(s.tree.path, 'a.txt'), 'utf8')).toBe('a\n');
    await s.tree.remove();
  });

  it('runs no program of its own in our git: fsmonitor, hooks, filters, and those of an embedded repository', async () => {
    const s = await scene({ '.gitattributes': '* filter=evil diff=evil merge=evil\n', 'a.txt': 'a\n' });
    const witness = join(s.root, 'witness');
    const program = join(s.root, 'evil.sh');
    await writeFile(program, `#!/bin/sh\necho "$0 $*" >> ${witness}\ncat\n`);
    await chmod(program, 0o755);
    const evil = [
      ['core.fsmonitor', program],
      ['filter.evil.clean', program],
      ['filter.evil.smudge', program],
      ['diff.evil.textconv', program],
      ['diff.external', program],
      ['merge.evil.driver', program],
      ['core.hooksPath', s.root],
    ];
    for (const hook of ['post-checkout', 'post-index-change', 'reference-transaction', 'pre-push']) {
      await writeFile(join(s.root, hook), `#!/bin/sh\necho ${hook} >> ${witness}\n`);
      await chmod(join(s.root, hook), 0o755);
    }
    // As a step without a sandbox could: into the config that all worktrees share.
    for (const [key, value] of evil) await run('git', ['--git-dir', s.mirror.path, 'config', key!, value!]);
    await run('git', ['init', '--quiet', join(s.tree.path, 'sub')]);
    for (const [key, value] of evil)
      await run('git', ['-C', join(s.tree.path, 'sub'), 'config', key!, value!]);
    await rm(witness, { force: true });
    await writeFile(join(s.tree.path, 'a.txt'), 'b\n');
    const tree = await s.tree.snapshot();
    await s.tree.changes(s.base, tree);
    const sha = await s.tree.commit(tree, [s.base], { message: 'X', date: DATE });
    await s.mirror.diff(s.base, sha);
    await s.mirror.push({ ref: 'refs/skein/plan0001/s1/1-0123456789ab/1', sha });
    await s.tree.resetTo(sha);
    await s.tree.snapshot();
    expect(await readFile(witness, 'utf8').catch(() => 'nothing ran')).toBe('nothing ran');
  });

  it('cannot use a submodule of the repository to run programs: git does not look into it', async () => {
    const s = await scene();
    const sub = await gitRepo();
    await s.repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', sub.bare, 'vendor/x');
    await s.repo.commit({}, 'Add a submodule');
    const base = await s.mirror.resolve('main');
    const tree = await s.mirror.checkout(join(s.root, 'lease-2'), base);
    expect(await tree.changes(base, await tree.snapshot())).toEqual([]);
    const witness = join(s.root, 'witness');
    await writeFile(join(s.root, 'evil.sh'), `#!/bin/sh\necho ran >> ${witness}\n`);
    await chmod(join(s.root, 'evil.sh'), 0o755);
    const inside = join(tree.path, 'vendor/x');
    await run('git', ['clone', '--quiet', sub.bare, inside]);
    await run('git', ['-C', inside, 'config', 'core.fsmonitor', join(s.root, 'evil.sh')]);
    await writeFile(join(inside, 'README.md'), 'changed');
    // The same commit is checked out, so the gitlink is as it was.
    expect(await tree.changes(base, await tree.snapshot())).toEqual([]);
    await rm(witness, { force: true });
    await run('git', [
      '-C',
      inside,
      '-c',
      'user.name=a',
      '-c',
      'user.email=a@b',
      '-c',
      'core.fsmonitor=false',
      'commit',
      '-qam',
      'x',
    ]);
    const changes = await tree.changes(base, await tree.snapshot());
    expect(summary(changes)).toEqual(['modified vendor/x 160000']);
    expect(judgeScope(changes, { write: null, protect: [] })).toMatchObject([
      { kind: 'gitlink', path: 'vendor/x' },
    ]);
    expect(await readFile(witness, 'utf8').catch(() => 'nothing ran')).toBe('nothing ran');
    await tree.remove();
  });

  it('is seen when it embeds a repository, with and without a commit in it', async () => {
    const s = await scene();
    for (const name of ['empty', 'full']) await run('git', ['init', '--quiet', join(s.tree.path, name)]);
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
    await run('git', ['-C', join(s.tree.path, 'full'), ...who, 'commit', '-q', '--allow-empty', '-m', 'x']);
    await writeFile(join(s.tree.path, 'beside.txt'), '');
    const changes = await changed(s);
    expect(summary(changes)).toEqual(['added beside.txt 100644', 'added empty 160000', 'added full 160000']);
    expect(judgeScope(changes, { write: ['**'], protect: [] }).map((v) => v.kind)).toEqual([
      'gitlink',
      'gitlink',
    ]);
  });

  it('is not helped by odd file names', async () => {
    const s = await scene();
    const odd = [
      'new\nline',
      'quo"te',
      "apo'strophe",
      '-rf',
      '--help',
      ' blank ',
      'tab\there',
      ':(top)x',
      '*',
      '$(touch pwned)',
      '\u001b[31m',
      'a\\b',
      'ünï',
      '#x',
      '!x',
    ];
    for (const name of odd) await writeFile(join(s.tree.path, name), name);
    const bytes = Buffer.from([0x66, 0xff, 0xfe, 0x2e, 0x74]);
    await writeFile(Buffer.concat([Buffer.from(`${s.tree.path}/`), bytes]), 'bytes');
    const changes = await changed(s);
    const paths = changes.map((c) => c.path);
    expect(new Set(paths)).toEqual(new Set([...odd, 'f\udcff\udcfe.t']));
    expect(pathToBytes(paths.find((p) => p.startsWith('f'))!)).toEqual(bytes);
    const violations = judgeScope(changes, { write: null, protect: ['**'] });
    expect(violations).toHaveLength(paths.length);
    // eslint-disable-next-line no-control-regex -- none may reach a terminal
    for (const v of violations) expect(v.message).not.toMatch(/[\u0000-\u001f\u007f\ud800-\udfff]/);
    const sha = await s.tree.commit(await s.tree.snapshot(), [s.base], { message: 'Odd', date: DATE });
    expect(await s.mirror.readText(sha, 'new\nline', 100)).toBe('new\nline');
    expect(await s.mirror.readText(sha, '-rf', 100)).toBe('-rf');
    expect((await s.mirror.listFiles(sha)).map((f) => f.path)).toEqual(expect.arrayContaining(paths));
    await s.tree.resetTo(s.base);
    expect(await changed(s)).toEqual([]);
    await s.tree.resetTo(sha);
    expect(await readFile(join(s.tree.path, 'new\nline'), 'utf8')).toBe('new\nline');
  });

  it('gets no folder into a tree that another file system would take for .git', async () => {
    const s = await scene();
    for (const name of ['.GIT', '.git ', 'git~1', 'sub/.Git']) {
      await mkdir(join(s.tree.path, name), { recursive: true });
      await writeFile(join(s.tree.path, name, 'config'), '');
    }
    await writeFile(join(s.tree.path, 'fine'), '');
    await writeFile(join(s.tree.path, '.giT\n\u001b[2J'), '');
    expect(summary(await changed(s))).toEqual(['added .giT\n\u001b[2J 100644', 'added fine 100644']);
    expect(s.tree.leftOut()).toEqual(['.GIT/config', '.git /config', 'git~1/config', 'sub/.Git/config']);
    await s.tree.resetTo(s.base);
    await s.tree.snapshot();
    expect(s.tree.leftOut()).toEqual([]);
  });

  it('ends its git with its lease, also where git would wait for ever', async () => {
    const s = await scene();
    const lease = new AbortController();
    const tree = await s.mirror.checkout(join(s.root, 'other'), s.base, lease.signal);
    await run('mkfifo', [join(tree.path, '.gitignore')]);
    const waiting = tree.snapshot();
    const told = expect(waiting).rejects.toMatchObject({ code: 'GIT_ABORTED', retry: 'later' });
    setTimeout(() => lease.abort(), 200);
    const startedAt = performance.now();
    await told;
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    await expect(tree.resetTo(s.base)).rejects.toMatchObject({ code: 'GIT_ABORTED' });
    await tree.remove();
    expect(await readdir(join(s.root, 'other'))).toEqual([]);
    expect(await readdir(join(s.mirror.path, 'worktrees'))).toHaveLength(1);
  });

  it('is told of the pipe that it named .gitignore, which git would wait for', async () => {
    const s = await scene(undefined, { gitTimeoutMs: 1_500 });
    await mkdir(join(s.tree.path, 'deep'));
    await run('mkfifo', [join(s.tree.path, 'deep/.gitignore')]);
    await writeFile(join(s.tree.path, 'deep/x'), '');
    await expect(s.tree.snapshot()).rejects.toMatchObject({
      code: 'UNSTORABLE_PATHS',
      paths: ['deep/.gitignore'],
    });
  });

  it('is seen when it replaces files by pipes, folders by links and files by folders', async () => {
    const s = await scene({ 'a.txt': 'a\n', 'dir/b.txt': 'b\n', 'c.txt': 'c\n', 'e/f.txt': 'f\n' });
    const victim = await tempDir('victim');
    await writeFile(join(victim, 'b.txt'), 'untouched\n');
    await rm(join(s.tree.path, 'a.txt'));
    await run('mkfifo', [join(s.tree.path, 'a.txt')]);
    await run('mkfifo', [join(s.tree.path, 'pipe')]);
    await rm(join(s.tree.path, 'dir'), { recursive: true });
    await symlink(victim, join(s.tree.path, 'dir'));
    await rm(join(s.tree.path, 'c.txt'));
    await mkdir(join(s.tree.path, 'c.txt'));
    await writeFile(join(s.tree.path, 'c.txt/d'), '');
    await rm(join(s.tree.path, 'e'), { recursive: true });
    await writeFile(join(s.tree.path, 'e'), '');
    const changes = await changed(s);
    expect(summary(changes)).toEqual([
      'deleted a.txt 000000',
      'deleted c.txt 000000',
      'added c.txt/d 100644',
      'added dir 120000',
      'deleted dir/b.txt 000000',
      'added e 100644',
      'deleted e/f.txt 000000',
    ]);
    expect(changes.find((c) => c.path === 'dir')).toMatchObject({
      symlinkTarget: victim,
      symlinkLeaves: true,
    });
    await s.tree.resetTo(s.base);
    expect(await readFile(join(s.tree.path, 'dir/b.txt'), 'utf8')).toBe('b\n');
    expect(await readFile(join(victim, 'b.txt'), 'utf8')).toBe('untouched\n');
    expect(await changed(s)).toEqual([]);
  });

  it('cannot make us read another folder by putting a link in the place of its worktree', async () => {
    const s = await scene();
    const victim = await tempDir('victim');
    await writeFile(join(victim, 'secret'), 'x');
    await rm(s.tree.path, { recursive: true });
    await symlink(victim, s.tree.path);
    await expect(s.tree.snapshot()).rejects.toMatchObject({ code: 'WORKTREE_GONE' });
    await s.tree.remove();
    expect(await readdir(victim)).toEqual(['secret']);
  });
});

describe('after a crash', () => {
  it('the next start removes what dead leases left, and nothing else', async () => {
    const s = await scene();
    await s.mirror.checkout(join(s.root, 'alive'), s.base);
    await s.mirror.checkout(join(s.root, 'dead'), s.base);
    await mkdir(join(s.mirror.path, 'worktrees', 'tree-half'));
    const next = new Mirrors({ rootDir: join(s.root, 'own'), credentials: null, log: silentLogger });
    open.push(next);
    expect(await next.sweep((lease) => lease !== join(s.root, 'dead'))).toBe(2);
    expect(await readdir(join(s.mirror.path, 'worktrees'))).toHaveLength(2);
    // An index and a folder of objects each.
    expect(await readdir(join(s.root, 'own/indexes'))).toHaveLength(4);
    expect((await readdir(s.root)).sort()).toEqual(['alive', 'lease', 'own']);
    expect(await changed(s)).toEqual([]);
  });

  it("half a worktree of a killed worker is in nobody's way", async () => {
    const s = await scene();
    const id = 'tree-0123456789abcdef';
    const half = join(s.mirror.path, 'worktrees', id);
    await mkdir(half);
    await mkdir(join(s.root, 'killed', id), { recursive: true });
    await writeFile(join(half, 'gitdir'), `${join(s.root, 'killed', id)}/.git\n`);
    await writeFile(join(half, 'HEAD.lock'), '');
    // The holder's name without its lock: it was killed.
    await writeFile(`${s.mirror.path}.lock`, '{"pid":1}');
    const tree = await s.mirror.checkout(join(s.root, 'next'), s.base);
    expect(await tree.changes(s.base, await tree.snapshot())).toEqual([]);
    expect(await readdir(join(s.mirror.path, 'worktrees'))).toHaveLength(2);
    expect(await readdir(join(s.root, 'killed'))).toEqual([]);
  });
});
