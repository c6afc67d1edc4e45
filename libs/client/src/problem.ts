/** RFC 9457, as far as a client may rely on it: whatever stands between us may have written it. */
export interface Problem {
  title: string;
  code: string;
  status?: number;
  detail?: string;
  /** Where the plan stands, when `If-Match` named another seq. */
  currentSeq?: number;
  problems?: TextProblem[];
}

/** What is wrong with a plan's text, and where. */
export interface TextProblem {
  message: string;
  code?: string;
  path?: string | null;
  /** The file of templates that it is in; the plan text when there is none. */
  file?: string | null;
  /** 1-based. */
  line?: number | null;
  column?: number | null;
  hint?: string | null;
}
