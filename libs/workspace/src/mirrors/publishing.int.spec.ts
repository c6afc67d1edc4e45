import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '#telemetry';
import { gitRepo, tempDir, type GitRepo } from '#testing';
import { Mirrors, privateRef, type Mirror } from '../index.ts';

const opened: Mirrors[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((mirrors) => mirrors.close()));
});

interface Scene {
  repo: GitRepo;
  mirror: Mirror;
  base: string;
  commit(parent: string, text: string): Promise<string>;
}

async function scene(pick: (repo: GitRepo) => string = (repo) => repo.bare): Promise<Scene> {
  const repo = await gitRepo();
  const root = await tempDir('workspace');
  const mirrors = new Mirrors({ rootDir: join(root, 'own'), credentials: null, log: silentLogger });
  opened.push(mirrors);
  const mirror = await mirrors.open(pick(repo));
  const base = await mirror.resolve('main');
  const tree = await mirror.checkout(join(root, 'lease'), base);
  const commit = async (parent: string, text: string) => {
    await tree.resetTo(parent);
    await writeFile(join(tree.path, 'made.txt'), text);
    return tree.commit(await tree.snapshot(), [parent], { message: text, date: '2026-01-01T00:00:00Z' });
  };
  return { repo, mirror, base, commit };
}

const ref = (ordinal: number, attempt: number | 'merge' = 1) =>
  privateRef({ planId: 'plan0001', ordinal, epoch: 2, token: '0123456789abcdef0123456789abcdef', attempt });

describe('a candidate', () => {
  it('is kept on its own private ref, however often it is pushed', async () => {
    const { repo, mirror, base, commit } = await scene();
    const sha = await commit(base, 'one');
    await mirror.push({ ref: ref(1), sha });
    await mirror.push({ ref: ref(1), sha });
    expect(await repo.refs('refs/skein/')).toEqual({ 'refs/skein/plan0001/s1/2-0123456789ab/1': sha });
  });

  it('never replaces another one', async () => {
    const { repo, mirror, base, commit } = await scene();
    const sha = await commit(base, 'one');
    await mirror.push({ ref: ref(1), sha });
    const other = await commit(sha, 'a descendant, which git would take for a fast-forward');
    const refused = { code: 'REF_TAKEN', actual: sha, wanted: other };
    await expect(mirror.push({ ref: ref(1), sha: other })).rejects.toMatchObject(refused);
    expect(await mirror.remoteHead(ref(1))).toBe(sha);
    expect(Object.keys(await repo.refs('refs/skein/'))).toHaveLength(1);
  });

  it('goes nowhere but below refs/skein/', async () => {
    const { mirror, base } = await scene();
    for (const bad of [
      'refs/heads/main',
      'refs/skein/x',
      'refs/skein/plan0001/../../heads/main',
      '--force',
      'refs/skein/plan0001/a b',
    ]) {
      await expect(mirror.push({ ref: bad, sha: base })).rejects.toThrow('not a private ref');
    }
  });

  it('is one of 16 that are pushed at once', async () => {
    const { repo, mirror, base } = await scene();
    await Promise.all(Array.from({ length: 16 }, (_, i) => mirror.push({ ref: ref(i), sha: base })));
    expect(Object.keys(await repo.refs('refs/skein/'))).toHaveLength(16);
  }, 30_000);
});

describe('cleaning', () => {
  it("removes a plan's refs but the kept ones, and no other plan's", async () => {
    const { repo, mirror, base } = await scene();
    for (let i = 0; i < 5; i++) await mirror.push({ ref: ref(i), sha: base });
    await mirror.push({ ref: 'refs/skein/plan00012/s1/1-0123456789ab/1', sha: base });
    expect(await mirror.deleteRefs('refs/skein/plan0001/', [ref(3)])).toBe(4);
    expect(await mirror.deleteRefs('refs/skein/plan0001', [ref(3)])).toBe(0);
    expect(Object.keys(await repo.refs('refs/skein/'))).toEqual([
      ref(3),
      'refs/skein/plan00012/s1/1-0123456789ab/1',
    ]);
    for (const bad of ['refs/heads/', 'refs/skein/', 'refs/']) {
      await expect(mirror.deleteRefs(bad, [])).rejects.toThrow('not a private ref');
    }
  });
});

describe('publishing', () => {
  it('creates the branch, moves it on, and is harmless when repeated', async () => {
    const { repo, mirror, base, commit } = await scene();
    const one = await commit(base, 'one');
    expect(await mirror.publish('skein/out', one, null)).toEqual({ status: 'published' });
    expect(await mirror.publish('skein/out', one, null)).toEqual({ status: 'published' });
    const two = await commit(one, 'two');
    expect(await mirror.publish('skein/out', two, one)).toEqual({ status: 'published' });
    expect(await mirror.publish('skein/out', two, one)).toEqual({ status: 'published' });
    expect(await repo.head('skein/out')).toBe(two);
  });

  it("finds a foreign head and leaves it alone: another's commit, a branch that appeared, one that went", async () => {
    const { repo, mirror, base, commit } = await scene();
    const one = await commit(base, 'one');
    await mirror.publish('out', one, null);
    await repo.git('push', '--quiet', '--force', 'origin', 'main:out');
    const foreign = { status: 'foreign-head', actual: base };
    expect(await mirror.publish('out', await commit(one, 'two'), one)).toEqual(foreign);
    expect(await mirror.publish('out', one, null)).toEqual(foreign);
    expect(await repo.head('out')).toBe(base);
    await repo.git('push', '--quiet', 'origin', ':out');
    expect(await mirror.publish('out', one, base)).toEqual({ status: 'foreign-head', actual: null });
  });

  it('is decided by the remote when somebody pushes between our question and our push', async () => {
    const { repo, mirror, base, commit } = await scene();
    const one = await commit(base, 'one');
    const two = await commit(base, 'two');
    const all = await Promise.all([one, two].map((sha) => mirror.publish('race', sha, null)));
    expect(all.map((r) => r.status).sort()).toEqual(['foreign-head', 'published']);
    expect([one, two]).toContain(await repo.head('race'));
  });

  it('never drops commits, even when told to', async () => {
    const { repo, mirror, base, commit } = await scene();
    const one = await commit(base, 'one');
    const side = await commit(base, 'side');
    await mirror.publish('out', one, null);
    await expect(mirror.publish('out', side, one)).rejects.toMatchObject({ code: 'NOT_FAST_FORWARD' });
    await expect(mirror.publish('out', base, one)).rejects.toMatchObject({ code: 'NOT_FAST_FORWARD' });
    expect(await repo.head('out')).toBe(one);
  });

  it('refuses names that are no branch', async () => {
    const { mirror, base } = await scene();
    for (const name of [
      '-x',
      'a..b',
      'a b',
      'a.lock',
      'refs/heads/x',
      'HEAD',
      '',
      'a/',
      '@',
      'x[1]',
      'a\u001b',
    ]) {
      await expect(mirror.publish(name, base, null)).rejects.toMatchObject({ code: 'BRANCH_NAME' });
    }
  });

  it('says so when a branch is in the way of its name', async () => {
    const { mirror, base } = await scene();
    const refused = mirror.publish('main/sub', base, null);
    await expect(refused).rejects.toMatchObject({ code: 'GIT_REJECTED', retry: 'never' });
    await expect(refused).rejects.toThrow(/refs\/heads\/main/);
  });

  it("does not touch the branch that is checked out in somebody's folder; a new branch is fine", async () => {
    const { repo, mirror, base, commit } = await scene((r) => r.work);
    const one = await commit(base, 'one');
    const refused = mirror.publish('main', one, base);
    await expect(refused).rejects.toMatchObject({ code: 'CHECKED_OUT_BRANCH', worktree: repo.work });
    await expect(refused).rejects.toThrow(/Check out another branch/);
    expect(await repo.git('rev-parse', 'HEAD')).toBe(base);
    expect(await mirror.publish('skein/out', one, null)).toEqual({ status: 'published' });
    expect(await repo.git('status', '--porcelain')).toBe('');
    const linked = join(await tempDir('linked'), 'tree');
    await repo.git('worktree', 'add', '--quiet', linked, 'skein/out');
    const two = await commit(one, 'two');
    await expect(mirror.publish('skein/out', two, one)).rejects.toMatchObject({ worktree: linked });
  });
});

describe('the probe', () => {
  it('passes where we may push, and leaves no ref, also when two plans ask at once', async () => {
    const { repo, mirror } = await scene();
    await Promise.all([
      mirror.checkPushable('plan0001'),
      mirror.checkPushable('plan0001'),
      mirror.checkPushable('plan0002'),
    ]);
    expect(await repo.refs('refs/skein/')).toEqual({});
  });

  it('says why when the remote refuses our refs', async () => {
    const { repo, mirror } = await scene();
    await repo.bareGit('config', 'receive.hideRefs', 'refs/skein');
    const refused = mirror.checkPushable('plan0001');
    await expect(refused).rejects.toMatchObject({ code: 'NOT_PUSHABLE', retry: 'never' });
    await expect(refused).rejects.toThrow(/refuses refs below refs\/skein/);
  });

  it('says so when the repository is read-only', async () => {
    const repo = await gitRepo();
    const root = await tempDir('workspace');
    const words = 'error: insufficient permission for adding an object to repository database ./objects';
    const git = join(root, 'git');
    // Root, as whom tests may run, can write everywhere: these are git's words on a folder of another user.
    const receive = `*" receive-pack "*) echo "${words}" >&2; exit 128`;
    await writeFile(git, `#!/bin/sh\ncase " $* " in ${receive} ;; esac\nexec git "$@"\n`);
    await chmod(git, 0o755);
    const mirrors = new Mirrors({
      rootDir: join(root, 'own'),
      credentials: null,
      log: silentLogger,
      gitPath: git,
    });
    opened.push(mirrors);
    const mirror = await mirrors.open(repo.bare);
    const refused = mirror.checkPushable('plan0001');
    await expect(refused).rejects.toMatchObject({ code: 'NOT_PUSHABLE' });
    await expect(refused).rejects.toThrow(/cannot be written by this user/);
  });
});
