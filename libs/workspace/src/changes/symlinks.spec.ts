import fc from 'fast-check';
import { posix } from 'node:path';
import type { Change } from './change.ts';
import { followSymlink } from './symlinks.ts';
import { judgeSymlinks } from './tree-diff.ts';

const leaves = (path: string, links: Record<string, string>) =>
  followSymlink(path, new Map(Object.entries(links))).leaves;

describe('a symlink', () => {
  it.each([
    ['a', 'b', false],
    ['a', '../x', true],
    ['d/a', '../x', false],
    ['d/a', '../../x', true],
    ['d/a', './.././x/../y', false],
    ['a', '/etc/passwd', true],
    ['a', '.git/config', true],
    ['d/a', '../.GIT/hooks', true],
    ['a', 'git~1', true],
    ['a', '', false],
    ['a', 'x//y', false],
    ['d/e/a', '../../..', true],
    ['d/e/a', '../..', false],
  ])('%s -> %s leaves: %s', (path, target, expected) => {
    expect(leaves(path, { [path]: target })).toBe(expected);
  });

  it('leaves by way of another one', () => {
    expect(leaves('a', { a: 'b/x', b: '/tmp' })).toBe(true);
    expect(leaves('a', { a: 'b/../x', b: '.' })).toBe(true);
    expect(leaves('a', { a: 'b/../x', b: 'c/d' })).toBe(false);
    expect(leaves('d/a', { 'd/a': 'b/x', 'd/b': '..' })).toBe(false);
  });

  it('that never ends counts as one that leaves', () => {
    expect(leaves('a', { a: 'b', b: 'a' })).toBe(true);
    expect(leaves('a', { a: 'a' })).toBe(true);
  });

  it('without others on its way leaves exactly when the path says so (property)', () => {
    const part = fc.constantFrom('..', '.', 'x', 'y');
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('x', 'y'), { maxLength: 4 }),
        fc.array(part, { minLength: 1 }),
        (folder, target) => {
          const path = [...folder, 'link'].join('/');
          // x/.. is inside as long as no step on the way is outside.
          const steps = target.map((_, i) => posix.join(...folder, '.', ...target.slice(0, i + 1)));
          const outside = steps.some((step) => step === '..' || step.startsWith('../'));
          expect(leaves(path, { [path]: target.join('/') })).toBe(outside);
        },
      ),
    );
  });
});

describe('judging the symlinks of a change', () => {
  const entry = (path: string, more: Partial<Change>): Change => ({
    path,
    status: 'added',
    oldMode: '000000',
    newMode: '120000',
    oldSha: '',
    newSha: '',
    symlinkLeaves: false,
    ...more,
  });

  it('blames a new link that makes an old one leave', () => {
    const before = new Map([['s', 'd/../f']]);
    const after = new Map([
      ['s', 'd/../f'],
      ['d', '.'],
    ]);
    expect(judgeSymlinks([entry('d', {})], before, after)).toMatchObject([
      { path: 'd', symlinkLeaves: true },
    ]);
  });

  it('blames the removal of a link that kept an old one inside', () => {
    const before = new Map([
      ['s', 'd/../../f'],
      ['d', 'a/b'],
    ]);
    const after = new Map([['s', 'd/../../f']]);
    const gone = entry('d', { status: 'deleted', oldMode: '120000', newMode: '000000' });
    expect(judgeSymlinks([gone], before, after)).toMatchObject([{ symlinkLeaves: true }]);
  });

  it('blames nobody for links that left before and are as they were', () => {
    const links = new Map([
      ['old', '/etc'],
      ['fine', 'x'],
    ]);
    const fine = entry('fine', { status: 'modified', oldMode: '120000' });
    expect(judgeSymlinks([fine], links, links)).toMatchObject([{ symlinkLeaves: false, symlinkTarget: 'x' }]);
  });

  it('does not spend an hour on links made to take long: they count as ones that leave, all of them', () => {
    const after = new Map(Array.from({ length: 40 }, (_, i) => [`l${i}`, `l${i + 1}/`.repeat(50)]));
    for (let i = 0; i < 5_000; i++) after.set(`x${i}`, `${'d/'.repeat(1_500)}l0`);
    const changes = [...after.keys()].map((path) => entry(path, { status: 'added', oldMode: '000000' }));
    const startedAt = performance.now();
    const judged = judgeSymlinks(changes, new Map(), after);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(judged.every((change) => change.symlinkLeaves)).toBe(true);
  });
});
