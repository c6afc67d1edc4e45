import type { FastifyReply } from 'fastify';
import { problemBody } from './problem.ts';

/** For what is refused before a controller is reached, where no exception filter helps. */
export function sendProblem(reply: FastifyReply, status: number, code: string, detail: string): FastifyReply {
  return reply
    .status(status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(problemBody(status, code, detail));
}
