import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EventTooNewError } from '#domain';
import { LedgerUnavailableError } from '#ledger';
import type { Logger } from '#telemetry';
import { Problem, problemBody, type ProblemBody } from './problem.ts';

const LEDGER_RETRY_S = 2;

/** Whatever goes wrong leaves as one RFC 9457 problem; what we did not expect says nothing of our insides. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const body = this.bodyOf(error, http.getRequest<FastifyRequest>());
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent) return;
    if (error instanceof Problem && error.o.retryAfterS)
      void reply.header('retry-after', error.o.retryAfterS);
    if (error instanceof LedgerUnavailableError) void reply.header('retry-after', LEDGER_RETRY_S);
    if (body.currentSeq !== undefined) void reply.header('etag', `"${body.currentSeq}"`);
    // Fastify would close the connection at once: the sender of a large body would see that, and not the answer.
    if (body.status === 413) void reply.removeHeader('connection');
    void reply
      .status(body.status)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .send(body);
  }

  private bodyOf(error: unknown, request: FastifyRequest): ProblemBody {
    if (error instanceof Problem) return error.body();
    const status = clientStatus(error);
    if (status !== null) return refusedBody(status, (error as Error).message, request);
    if (error instanceof LedgerUnavailableError) {
      this.log.warn({ err: error, route: request.routeOptions?.url }, 'A request met no ledger');
      return problemBody(503, 'ledger-unavailable', 'the ledger does not answer right now; try again');
    }
    if (error instanceof EventTooNewError) return problemBody(503, 'ledger-unavailable', error.message);
    this.log.error(
      { err: error, method: request.method, route: request.routeOptions?.url },
      'A request failed',
    );
    return problemBody(500, 'internal', 'an internal error; the log of the coordinator says more');
  }
}

/** Fastify's own refusals, and what Nest makes of them, carry their status. */
function clientStatus(error: unknown): number | null {
  const status =
    error instanceof HttpException
      ? error.getStatus()
      : (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}

/** They know what was wrong, but not what to send instead. */
function refusedBody(status: number, message: string, request: FastifyRequest): ProblemBody {
  if (status === 413) {
    const limit = request.routeOptions?.bodyLimit;
    const most = limit === undefined ? '' : ` than the ${limit} bytes that are taken`;
    return problemBody(413, 'body-too-large', `the body is larger${most}; make several plans of it`);
  }
  if (status === 400) {
    const detail = `${message}; send one JSON object, such as {"text": "<the plan>"} for a new plan or {} to cancel one`;
    return problemBody(400, 'body-malformed', detail);
  }
  return problemBody(status, codeOf(status), message);
}

function codeOf(status: number): string {
  const codes: Record<number, string> = {
    404: 'not-found',
    415: 'unsupported-media-type',
  };
  return codes[status] ?? 'request-refused';
}
