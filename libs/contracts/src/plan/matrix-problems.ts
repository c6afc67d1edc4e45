import type { TextPath, UnplacedProblem } from './problem.ts';

const KINDS = ['values', 'glob', 'from'] as const;

/** A matrix is of one kind, and takes the keys of that kind. */
export function matrixProblems(
  matrix: Readonly<Record<string, unknown>> | null,
  path: TextPath,
): UnplacedProblem[] {
  if (!matrix) return [];
  const kinds = KINDS.filter((kind) => kind in matrix);
  if (kinds.length === 0) {
    return [{ code: 'missing-key', message: 'one of `values`, `glob` and `from` is needed', path }];
  }
  if (kinds.length > 1) {
    const message = `${kinds.map((kind) => `\`${kind}\``).join(' and ')} exclude each other`;
    return [{ code: 'wrong-value', message, path: [...path, kinds[1]!], atKey: true }];
  }
  return ['exclude', 'chunk']
    .filter((key) => key in matrix && kinds[0] !== 'glob')
    .map((key) => ({
      code: 'wrong-value' as const,
      message: `\`${key}\` goes with \`glob\` only`,
      path: [...path, key],
      atKey: true,
      ...(key === 'chunk' && kinds[0] === 'from'
        ? { hint: 'chunk(list, n) makes chunks in the expression' }
        : {}),
    }));
}
