/** What is known of the names that an expression may use at one place of a plan. null: not known, so not checked. */
export interface ExpressionSite {
  params: readonly string[] | null;
  with: readonly string[] | null;
  /** Direct needs. null: any. */
  needs: ReadonlyMap<string, NeedSite> | null;
  matrix: MatrixSite | 'none' | 'any';
  /** null: everything. Else the roots that have a value here, and why the others have none. */
  only: { roots: readonly ExpressionRoot[]; why: string } | null;
  /** Steps of the plan, to tell one that is no need from one that is not there. */
  isStep(name: string): boolean;
}

export const EXPRESSION_ROOTS = ['params', 'with', 'plan', 'step', 'matrix', 'needs'] as const;
export type ExpressionRoot = (typeof EXPRESSION_ROOTS)[number];

/** What a step of a matrix is given: one value, a chunk of files, or an item of a list that was decided at run time. */
export type MatrixSite = 'value' | 'files' | 'item';

export interface NeedSite {
  matrix: MatrixSite | null;
  /** null when the text is too wrong to say. */
  outputs: readonly string[] | null;
}
