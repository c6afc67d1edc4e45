import { gitRef } from './rules.ts';

/** What is wrong with a base that is given beside a plan text; null: nothing that can be told without the repository. */
export function repoBaseProblem(base: string): string | null {
  const checked = gitRef.safeParse(base);
  return checked.success ? null : (checked.error.issues[0]?.message ?? 'not a branch, tag or commit');
}
