/** What the codemod's child is told, as JSON on its standard input. */
export interface CodemodJob {
  worktree: string;
  /** ast-grep rules: YAML documents with `rule` and `fix`. */
  rules: string;
  /** Language of documents that name none: JavaScript, TypeScript, Tsx, Html or Css. */
  language: string;
  /** Paths relative to the worktree. */
  files: string[];
  /** Larger files are reported, not rewritten. */
  maxFileBytes: number;
}

/** What happened to one file that was not rewritten. */
export interface CodemodFileProblem {
  file: string;
  message: string;
}

export interface CodemodReport {
  /** Files whose text is different now, sorted. */
  changed: string[];
  /** Files of the language that could not be parsed, sorted; left as they are. */
  unparsable: CodemodFileProblem[];
  /** Files that were left alone for another reason: missing, a symlink, binary, too large. */
  skipped: CodemodFileProblem[];
  /** Matches rewritten, all rules and files together. */
  matches: number;
}

/** What the child says: a report, or which rule document is wrong. */
export type CodemodAnswer =
  { status: 'done'; report: CodemodReport } | { status: 'rule-error'; document: number; message: string };

/** Begins the line of the answer: a warning of the runtime may come before it. */
export const ANSWER_PREFIX = 'skein-codemod ';
