import type { Problem } from './wire.ts';

/** The server could not be reached, or did not answer in time. */
export class ConnectionError extends Error {
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
  readonly code: string;
  readonly retry: 'never' | 'later';
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail ?? problem.title);
    this.code = problem.code;
    this.retry = status === 429 || status >= 500 ? 'later' : 'never';
  }
}

/** Something answered, but it does not speak as a coordinator does. */
export class UnexpectedAnswerError extends Error {
  readonly code = 'unexpected-answer';
  readonly retry = 'never';
  constructor(url: string, why: string, options?: ErrorOptions) {
    super(`${url} gave an answer that is not Skein's: ${why}`, options);
  }
}
