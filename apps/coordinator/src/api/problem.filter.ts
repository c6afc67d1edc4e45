import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#telemetry';
import { Problem, problemBody, type ProblemBody } from './problem.ts';

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
    void reply
      .status(body.status)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .send(body);
  }

  private bodyOf(error: unknown, request: FastifyRequest): ProblemBody {
    if (error instanceof Problem) return error.body();
    if (error instanceof HttpException)
      return problemBody(error.getStatus(), codeOf(error.getStatus()), error.message);
    const status = clientStatus(error);
    if (status !== null) return problemBody(status, codeOf(status), (error as Error).message);
    this.log.error(
      { err: error, method: request.method, route: request.routeOptions?.url },
      'A request failed',
    );
    return problemBody(500, 'internal', 'an internal error; the log of the coordinator says more');
  }
}

/** Fastify's own refusals (a body too large, JSON that does not parse) carry their status. */
function clientStatus(error: unknown): number | null {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}

function codeOf(status: number): string {
  const codes: Record<number, string> = {
    400: 'bad-request',
    404: 'not-found',
    405: 'method-not-allowed',
    413: 'body-too-large',
    415: 'unsupported-media-type',
  };
  return codes[status] ?? 'request-refused';
}
