import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { tempDir } from '#testing';
import { plainPaint } from '../rendering/terminal.ts';
import { filesOfPatch } from './patch-files.ts';
import { renderNames, renderPatch, renderStat } from './render-changes.ts';

const run = promisify(execFile);

/** The diff that git writes between two states of a folder. */
async function patchOf(before: Record<string, string>, after: Record<string, string>): Promise<string> {
  const folder = await tempDir('patch');
  const git = (...args: string[]) => run('git', ['-c', 'core.quotePath=false', ...args], { cwd: folder });
  await git('init', '--quiet');
  let tree = '';
  for (const files of [before, after]) {
    for (const name of Object.keys(before)) await rm(join(folder, name), { force: true });
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, dirname(name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    await git('add', '--all');
    if (files === before) tree = (await git('write-tree')).stdout.trim();
  }
  return (await git('diff-index', '-p', '-M', '--no-color', '--cached', tree)).stdout;
}

describe('the files of a diff', () => {
  it('are read from what git writes: changed, new, gone, renamed, binary, with odd names', async () => {
    const long = Array.from({ length: 20 }, (_, i) => `line ${i}\n`).join('');
    const patch = await patchOf(
      { 'a b.txt': 'one\n-- x\n', gone: 'x\n', old: long, bin: 'a\0b', 'q"\t\\é\n': '1\n', same: 's\n' },
      {
        'a b.txt': 'one\n++ y\n',
        new: 'x',
        'moved/new': `${long}more\n`,
        bin: 'c\0d',
        'q"\t\\é\n': '2\n',
        same: 's\n',
      },
    );
    expect(filesOfPatch(patch).sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: 'a b.txt', from: null, insertions: 1, deletions: 1 },
      { path: 'bin', from: null, insertions: null, deletions: null },
      { path: 'gone', from: null, insertions: 0, deletions: 1 },
      { path: 'moved/new', from: 'old', insertions: 1, deletions: 0 },
      { path: 'new', from: null, insertions: 1, deletions: 0 },
      { path: 'q"\t\\é\n', from: null, insertions: 1, deletions: 1 },
    ]);
  });

  it('are not made up from lines that look like headers, and add up over several diffs', () => {
    const one = [
      'diff --git a/x b/x',
      '--- a/x',
      '+++ b/x',
      '@@ -1,2 +1,3 @@',
      ' diff --git a/evil b/evil',
      '--- a/evil',
      '+++ b/evil',
      '++++ b/worse',
      '',
    ].join('\n');
    expect(filesOfPatch(`# a note\n${one}${one}`)).toEqual([
      { path: 'x', from: null, insertions: 4, deletions: 2 },
    ]);
    expect(filesOfPatch('')).toEqual([]);
    expect(filesOfPatch('diff --git a/mode b/mode\nold mode 100644\nnew mode 100755\n')).toEqual([
      { path: 'mode', from: null, insertions: 0, deletions: 0 },
    ]);
  });
});

describe('changes for a terminal', () => {
  it('have nothing in them that steers it', () => {
    const evil = '\u001b[2J\u202e';
    const files = [{ path: `a${evil}\nb`, from: evil, insertions: 1, deletions: 0 }];
    const shown = [
      ...renderStat(files, plainPaint),
      ...renderNames(files),
      renderPatch(`+${evil}\r\n`, plainPaint),
    ];
    // eslint-disable-next-line no-control-regex
    expect(shown.join('\n').replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('are counted as git counts them, with bars that fit', () => {
    const files = [
      { path: 'big', from: null, insertions: 4_000, deletions: 1 },
      { path: 'é', from: null, insertions: null, deletions: null },
      { path: 'moved', from: 'old', insertions: 0, deletions: 0 },
    ];
    const lines = renderStat(files, plainPaint);
    expect(lines).toEqual([
      ` big          | 4001 ${'+'.repeat(40)}-`,
      ' é            | Bin',
      ' old => moved |    0',
      ' 3 files changed, 4000 insertions(+), 1 deletions(-)',
    ]);
  });

  it('are coloured by what their lines are', () => {
    const paint = (style: string, text: string) => `<${style}>${text}`;
    expect(
      renderPatch('diff --git a b\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n c', paint).split('\n'),
    ).toEqual([
      ...[
        '<bold>diff --git a b',
        '<bold>--- a/x',
        '<bold>+++ b/x',
        '<cyan>@@ -1 +1 @@',
        '<red>-a',
        '<green>+b',
        ' c',
      ],
    ]);
  });
});
