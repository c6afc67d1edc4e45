import type { Problem } from './problem.ts';

/** The server could not be reached, broke off, or did not answer in time. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code = 'connection';
  readonly retry = 'later';
  constructor(
    readonly url: string,
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(`cannot reach ${url}: ${why}`, options);
  }
}

/** The server answered with a problem (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: string;
  readonly detail: string | null;
  /** What is wrong with a plan's text, each with its place; empty when it is about something else. */
  readonly problems: NonNullable<Problem['problems']>;
  readonly retry: 'never' | 'later';
  constructor(
    readonly status: number,
    readonly problem: Problem,
    /** What the server asked for with Retry-After. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(problem.detail ?? problem.title);
    this.code = problem.code;
    this.detail = problem.detail ?? null;
    this.problems = problem.problems ?? [];
    this.retry = status === 429 || status >= 500 ? 'later' : 'never';
  }
}

/** Something answered, but it does not speak as a coordinator does. */
export class UnexpectedAnswerError extends Error {
  override readonly name = 'UnexpectedAnswerError';
  readonly code = 'unexpected-answer';
  readonly retry = 'never';
  constructor(url: string, why: string, options?: ErrorOptions) {
    super(`${url} gave an answer that is not Skein's: ${why}`, options);
  }
}
