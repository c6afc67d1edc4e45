import { BranchNameError } from '../git/git-error.ts';

/** The full ref of a branch; throws `BranchNameError` by the rules of `git check-ref-format --branch`. */
export function branchRef(branch: string): string {
  const problem = refProblem(branch);
  if (problem !== null) throw new BranchNameError(branch, problem);
  if (branch.startsWith('-')) throw new BranchNameError(branch, 'it begins with a dash');
  if (branch === 'HEAD' || branch.startsWith('refs/'))
    throw new BranchNameError(branch, 'git uses it otherwise');
  return `refs/heads/${branch}`;
}

/** Why git would refuse the name as (part of) a ref; null when it is fine. */
export function refProblem(name: string): string | null {
  if (name === '') return 'it is empty';
  if (Buffer.byteLength(name) > 240) return 'it is longer than 240 bytes';
  // eslint-disable-next-line no-control-regex -- git refuses them
  if (/[\u0000-\u0020\u007f]/.test(name)) return 'it has a blank or a control character';
  if (!name.isWellFormed()) return 'it is not valid Unicode';
  const odd = /[~^:?*[\\]/.exec(name);
  if (odd) return `it has a ${JSON.stringify(odd[0])}`;
  if (name.includes('..')) return 'it has ".."';
  if (name.includes('@{') || name === '@') return 'it has "@{" or is "@"';
  if (name.endsWith('.')) return 'it ends in a dot';
  for (const part of name.split('/')) {
    if (part === '') return 'it begins or ends with a slash, or has two in a row';
    if (part.startsWith('.')) return 'a part of it begins with a dot';
    if (part.endsWith('.lock')) return 'a part of it ends in ".lock"';
  }
  return null;
}

/** Throws unless `ref` is a full name below `refs/skein/<plan>/`: all that we create or delete at a remote, but the published branch. */
export function assertPrivateRef(ref: string): void {
  if (!/^refs\/skein\/[a-z0-9]{8,64}\/[^/]/.test(ref) || refProblem(ref) !== null) {
    throw new RangeError(`not a private ref: ${JSON.stringify(ref)}`);
  }
}
