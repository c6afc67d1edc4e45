export { ConnectionError, ProblemError, UnexpectedAnswerError } from '#client';
