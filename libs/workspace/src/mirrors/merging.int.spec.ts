import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLogger } from '#telemetry';
import { gitRepo, tempDir, type GitRepo } from '#testing';
import { Mirrors, type MergeConflict, type Mirror } from '../index.ts';

const DATE = '2026-03-04T05:06:07Z';
const opened: Mirrors[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((mirrors) => mirrors.close()));
});

interface Scene {
  repo: GitRepo;
  mirror: Mirror;
  base: string;
  /** A step's result: the base with these files (null: removed). */
  step(files: Record<string, string | null>): Promise<string>;
}

async function scene(files: Record<string, string>): Promise<Scene> {
  const repo = await gitRepo(files);
  const root = await tempDir('workspace');
  const mirrors = new Mirrors({ rootDir: join(root, 'own'), credentials: null, log: silentLogger });
  opened.push(mirrors);
  const mirror = await mirrors.open(repo.bare);
  const base = await mirror.resolve('main');
  const tree = await mirror.checkout(join(root, 'lease'), base);
  const step = async (changes: Record<string, string | null>) => {
    await tree.resetTo(base);
    for (const [path, text] of Object.entries(changes)) {
      await mkdir(join(tree.path, dirname(path)), { recursive: true });
      await (text === null ? rm(join(tree.path, path)) : writeFile(join(tree.path, path), text));
    }
    return tree.commit(await tree.snapshot(), [base], { message: 'Step', date: DATE });
  };
  return { repo, mirror, base, step };
}

describe('merging the results of steps', () => {
  it('makes one merge commit per result, in the given order, always with the same SHA', async () => {
    const { repo, mirror, base, step } = await scene({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const one = await step({ 'a.txt': 'A\n' });
    const two = await step({ 'b.txt': null, 'new/c.txt': 'c\n' });
    const inputs = [
      { label: 'one (s1)', sha: one },
      { label: 'two\u001b[31m\nSigned-off-by: x (s2)', sha: two },
    ];
    const options = { date: DATE, trailers: [['Skein-Ledger', '41:ab12']] as [string, string][] };
    const merged = await mirror.mergeInputs(base, inputs, options);
    expect(merged).toMatchObject({ status: 'merged' });
    expect(await mirror.mergeInputs(base, inputs, options)).toEqual(merged);
    const { sha } = merged as { sha: string };
    expect((await mirror.listFiles(sha)).map((f) => f.path)).toEqual(['a.txt', 'new/c.txt']);
    expect(await mirror.readText(sha, 'a.txt', 10)).toBe('A\n');
    for (const input of [base, one, two]) expect(await mirror.isAncestor(input, sha)).toBe(true);
    await mirror.publish('out', sha, null);
    // Nothing of the clock or the host: two merges within a second would be the same all the same.
    const format = '--format=%an <%ae> %cn <%ce> %aI %cI';
    const log = await repo.bareGit('log', '--first-parent', format, `${base}..out`);
    const at = '2026-03-04T05:06:07+00:00';
    const line = `Skein <skein@localhost> Skein <skein@localhost> ${at} ${at}`;
    expect(log.trim().split('\n')).toEqual([line, line]);
  });

  it('writes who merged what into the history, and trailers into the last commit alone', async () => {
    const { repo, mirror, base, step } = await scene({ 'a.txt': 'a\n' });
    const inputs = [
      { label: 'one (s1)', sha: await step({ '1': '1' }) },
      { label: 'two\u001b[31m\nSigned-off-by: x (s2)', sha: await step({ '2': '2' }) },
    ];
    const trailers: [string, string][] = [['Skein-Ledger', '41:ab12\nEvil: yes']];
    const merged = await mirror.mergeInputs(base, inputs, { date: DATE, trailers });
    await mirror.publish('out', (merged as { sha: string }).sha, null);
    const format = '--format=%an <%ae> %aI %P%n%B';
    const log = await repo.bareGit('log', '--first-parent', '--max-count=2', format, 'out');
    expect(log).toMatch(/Merge step one \(s1\)$/);
    expect(log).toContain('Merge step two [31m Signed-off-by: x (s2)\n\nSkein-Ledger: 41:ab12 Evil: yes');
    expect(log.match(/Skein-Ledger/g)).toHaveLength(1);
    expect(log.match(/^Skein <skein@localhost> 2026-03-04T05:06:07\+00:00 \S{40} \S{40}$/gm)).toHaveLength(2);
  });

  it('skips what is contained already, and answers with the base when that is everything', async () => {
    const { mirror, base, step } = await scene({ 'a.txt': 'a\n' });
    const one = await step({ 'a.txt': 'A\n' });
    expect(
      await mirror.mergeInputs(
        one,
        [
          { label: 'base', sha: base },
          { label: 'one', sha: one },
        ],
        { date: DATE },
      ),
    ).toEqual({
      status: 'merged',
      sha: one,
    });
  });

  it('goes on when the base has moved, and the moved base is in the result', async () => {
    const { repo, mirror, step } = await scene({ 'a.txt': 'a\n' });
    const one = await step({ 'b.txt': 'b\n' });
    const moved = await repo.commit({ 'c.txt': 'c\n' });
    const merged = await mirror.mergeInputs(await mirror.resolve('main'), [{ label: 'one', sha: one }], {
      date: DATE,
    });
    const { sha } = merged as { sha: string };
    expect(await mirror.isAncestor(moved, sha)).toBe(true);
    expect((await mirror.listFiles(sha)).map((f) => f.path)).toEqual(['a.txt', 'b.txt', 'c.txt']);
  });

  it('names the files of a conflict and the two steps', async () => {
    const { mirror, base, step } = await scene({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const inputs = [
      { label: 'one (s1)', sha: await step({ 'a.txt': '1\n' }) },
      { label: 'two (s2)', sha: await step({ 'b.txt': '2\n' }) },
      { label: 'three (s3)', sha: await step({ 'a.txt': '3\n', 'new.txt': 'n\n' }) },
    ];
    expect(await mirror.mergeInputs(base, inputs, { date: DATE })).toEqual({
      status: 'conflict',
      files: ['a.txt'],
      between: ['one (s1)', 'three (s3)'],
    });
  });

  it('goes as far as it can when it is told of conflicts, and leaves out what has one', async () => {
    const { mirror, base, step } = await scene({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const inputs = [
      { label: 'one', sha: await step({ 'a.txt': '1\n' }) },
      { label: 'two', sha: await step({ 'a.txt': '2\n', 'never.txt': 'n\n' }) },
      { label: 'three', sha: await step({ 'b.txt': '3\n' }) },
    ];
    const conflicts: MergeConflict[] = [];
    const onConflict = (conflict: MergeConflict) => void conflicts.push(conflict);
    const merged = await mirror.mergeInputs(base, inputs, { date: DATE, onConflict });
    const { sha } = merged as { sha: string };
    expect(conflicts).toEqual([{ files: ['a.txt'], between: ['one', 'two'] }]);
    expect(await mirror.changedFiles(base, sha)).toEqual([
      { path: 'a.txt', from: null, insertions: 1, deletions: 1 },
      { path: 'b.txt', from: null, insertions: 1, deletions: 1 },
    ]);
  });

  it('counts what changed in each file, renamed and binary ones and odd names too', async () => {
    const text = 'many\nlines\nthat\nstay\nas\nthey\nare\n';
    const { mirror, base, step } = await scene({ old: text, 'tab\t"q"\n': 'x\n', bin: 'b\0b' });
    const next = await step({ old: null, new: `${text}more\n`, 'tab\t"q"\n': 'y\nz\n', bin: 'c\0c' });
    expect(await mirror.changedFiles(base, next)).toEqual([
      { path: 'bin', from: null, insertions: null, deletions: null },
      { path: 'new', from: 'old', insertions: 1, deletions: 0 },
      { path: 'tab\t"q"\n', from: null, insertions: 2, deletions: 1 },
    ]);
    expect(await mirror.changedFiles(base, base)).toEqual([]);
    const { bytes, text: shown, truncated } = await mirror.diff(base, next, { maxBytes: 150 });
    expect(truncated).toBe(true);
    expect(bytes.length).toBeLessThanOrEqual(150);
    expect(bytes.toString('utf8')).toBe(shown);
  });

  it('names the base when it is the base that moved into the way', async () => {
    const { repo, mirror, step } = await scene({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const one = await step({ 'b.txt': '1\n' });
    const two = await step({ 'a.txt': '2\n' });
    await repo.commit({ 'a.txt': 'people\n' });
    const inputs = [
      { label: 'one', sha: one },
      { label: 'two', sha: two },
    ];
    expect(await mirror.mergeInputs(await mirror.resolve('main'), inputs, { date: DATE })).toEqual({
      status: 'conflict',
      files: ['a.txt'],
      between: ['base', 'two'],
    });
  });

  it('finds conflicts of deletions, of two new files, and of a file with a folder, with odd names too', async () => {
    const { mirror, base, step } = await scene({ 'a.txt': 'a\n', 'x\ny': '1\n' });
    const conflict = async (one: Record<string, string | null>, two: Record<string, string | null>) =>
      mirror.mergeInputs(
        base,
        [
          { label: 'one', sha: await step(one) },
          { label: 'two', sha: await step(two) },
        ],
        { date: DATE },
      );
    const between = ['one', 'two'];
    expect(await conflict({ 'a.txt': null }, { 'a.txt': 'A\n' })).toEqual({
      status: 'conflict',
      files: ['a.txt'],
      between,
    });
    expect(await conflict({ new: '1\n' }, { new: '2\n' })).toEqual({
      status: 'conflict',
      files: ['new'],
      between,
    });
    expect(await conflict({ 'x\ny': '2\n' }, { 'x\ny': '3\n' })).toEqual({
      status: 'conflict',
      files: ['x\ny'],
      between,
    });
    expect(await conflict({ d: '1\n' }, { 'd/e': '2\n' })).toEqual({
      status: 'conflict',
      files: ['d'],
      between,
    });
  });
});
