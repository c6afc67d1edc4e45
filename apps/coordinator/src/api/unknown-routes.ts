import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { show } from '#contracts';
import { sendProblem } from './problem-reply.ts';

/**
 * Says of a request that no route takes whether its path or only its method is wrong. Must be installed before the
 * routes are, and after the guard: a foreign page learns nothing of them.
 */
export function refuseUnknownRoutes(app: FastifyInstance): void {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    methodsOf.set(url, methods);
  });
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return undefined;
    const path = pathOf(request);
    const allowed = [...methodsOf]
      .filter(([pattern]) => matches(pattern, path))
      .flatMap(([, methods]) => [...methods]);
    if (allowed.length === 0) {
      const what = show(path);
      return sendProblem(reply, 404, 'not-found', `there is nothing at ${what}; plans are at /v1/plans`);
    }
    const allow = [...new Set(allowed)].sort().join(', ');
    void reply.header('allow', allow);
    return sendProblem(reply, 405, 'method-not-allowed', `${request.method} does nothing here; use ${allow}`);
  });
}

/** The router refuses some addresses before any hook runs. */
export function refuseAddress(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  if ((error as { statusCode?: number }).statusCode === 414) {
    sendProblem(reply, 414, 'path-too-long', 'a part of the path is longer than any id or name can be');
    return;
  }
  const what = show(pathOf(request));
  sendProblem(
    reply,
    400,
    'path-malformed',
    `${what} is not a path: percent-encode the bytes of UTF-8 text, and % itself as %25`,
  );
}

function pathOf(request: FastifyRequest): string {
  return (request.raw.url ?? '').split('?', 1)[0]!;
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.replace(/(?<=.)\/$/, '').split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]))
  );
}
