import { dirname, join } from 'node:path';
import { ConnectionError, ProblemError } from '#client';
import { escapeLines, escapeText } from './escape.ts';

export interface TextProblem {
  message: string;
  path?: string | null | undefined;
  /** A file of templates, relative to the plan's own. */
  file?: string | null | undefined;
  line?: number | null | undefined;
  column?: number | null | undefined;
  hint?: string | null | undefined;
}

/** `plan.yaml:3:5: steps[0].needs: unknown step "lint" (did you mean "lints"?)` */
export function renderTextProblem(file: string, problem: TextProblem): string {
  const place = [
    escapeText(problem.file ? join(dirname(file), problem.file) : file),
    problem.line,
    problem.column,
  ]
    .filter((part) => part !== null && part !== undefined)
    .join(':');
  const path = problem.path ? `${escapeText(problem.path)}: ` : '';
  const hint = problem.hint ? ` (${escapeText(problem.hint)})` : '';
  return `${place}: ${path}${escapeText(problem.message)}${hint}`;
}

/** What a person needs to know of a failure: no stack trace, and the way out where there is one. */
export function renderFailure(error: unknown, file = 'plan'): string[] {
  if (error instanceof ProblemError) {
    const { title, detail, problems, code } = error.problem;
    const lines = [`${escapeText(title)}${detail ? `: ${escapeText(detail)}` : ''} (${escapeText(code)})`];
    for (const problem of problems ?? []) lines.push(`  ${renderTextProblem(file, problem)}`);
    return lines;
  }
  if (error instanceof ConnectionError) {
    return [
      escapeText(error.message),
      'Is the server running? Start one with `skein up`, or name another one with --url or SKEIN_URL.',
    ];
  }
  // Our own errors may have several lines (the end of a log, what was tried).
  return escapeLines(error instanceof Error ? error.message : String(error)).split('\n');
}
