import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { BranchNameError } from '../git/git-error.ts';
import { branchRef, refProblem } from './branch-name.ts';
import { privateRef } from './private-ref.ts';

describe('a private ref', () => {
  const parts = {
    planId: 'abcdef0123456789',
    ordinal: 17,
    epoch: 2,
    token: '0123456789abcdef0123456789abcdef',
  };

  it('names plan, step, lease and attempt', () => {
    expect(privateRef({ ...parts, attempt: 3 })).toBe('refs/skein/abcdef0123456789/s17/2-0123456789ab/3');
    expect(privateRef({ ...parts, attempt: 'merge' })).toBe(
      'refs/skein/abcdef0123456789/s17/2-0123456789ab/merge',
    );
  });

  it('takes nothing from outside but ids', () => {
    for (const planId of ['../x', 'A', '', 'a/b', 'x'.repeat(65)]) {
      expect(() => privateRef({ ...parts, planId, attempt: 1 })).toThrow('not a plan id');
    }
    expect(() => privateRef({ ...parts, token: '0123', attempt: 1 })).toThrow('token');
    expect(() => privateRef({ ...parts, token: '../../../../x', attempt: 1 })).toThrow('token');
    expect(() => privateRef({ ...parts, ordinal: -1, attempt: 1 })).toThrow('ordinal');
    expect(() => privateRef({ ...parts, epoch: 1.5, attempt: 1 })).toThrow('epoch');
    expect(() => privateRef({ ...parts, attempt: Number.NaN })).toThrow('attempt');
  });
});

describe('a branch name', () => {
  it('is taken when git takes it, and refused with a reason when not (property)', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '.',
      '..',
      '/',
      '-',
      '@',
      '@{',
      '{',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      '\\',
      ' ',
      '.lock',
      'ü',
      '\t',
      '\u007f',
      'x.lock/',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        const name = pieces.join('');
        expect(refProblem(name) === null).toBe(gitTakes(name));
      }),
      { numRuns: 150 },
    );
  });

  it('is no option, and nothing that git names otherwise', () => {
    for (const name of ['-x', 'HEAD', 'refs/heads/x', 'x'.repeat(241), 'a\udcff']) {
      expect(() => branchRef(name)).toThrow(BranchNameError);
    }
    expect(branchRef('skein/my-plan-0a1b2c3d')).toBe('refs/heads/skein/my-plan-0a1b2c3d');
  });
});

function gitTakes(name: string): boolean {
  try {
    execFileSync('git', ['check-ref-format', `refs/heads/${name}`], { stdio: 'ignore' });
    return name !== '@';
  } catch {
    return false;
  }
}
