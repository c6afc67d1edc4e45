import type { CodemodLanguageName, CommentStyle } from '../source-language.ts';

/** How a repository's own checks are run, as far as its files tell. */
export interface Toolchain {
  /** For people: `JavaScript (npm)`. */
  name: string;
  /** Globs of its sources. */
  sources: string[];
  /** How a comment of one line begins, for licence headers; null: there is no telling. */
  comment: CommentStyle | null;
  /** What a codemod calls it; null: ast-grep rules are not for it. */
  codemod: CodemodLanguageName | null;
  setup: string[];
  verify: string[];
  /** For set-up and checks. */
  env: Record<string, string>;
  /** Whether set-up or checks fetch something. */
  network: boolean;
  /** Where the commands come from, or why there are none; for the plan's comments. */
  because: string;
  /** What a person should know of it before the first run. */
  hints: string[];
  /** The programs that the commands begin with. */
  programs: string[];
}
