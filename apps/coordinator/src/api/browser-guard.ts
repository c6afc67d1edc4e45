import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendProblem } from './problem-reply.ts';

/**
 * There is no login yet, so the coordinator listens on loopback only, and a web page in the operator's browser must
 * not be able to use it: a foreign Host means DNS rebinding, a foreign Origin a page of somebody else, and a body
 * that is not declared as JSON could be a form that needs no preflight.
 */
export function guardAgainstBrowsers(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const refusal = refusalOf(request);
    if (refusal) return sendProblem(reply, refusal.status, refusal.code, refusal.detail);
    return undefined;
  });
}

interface Refusal {
  status: number;
  code: string;
  detail: string;
}

function refusalOf(request: FastifyRequest): Refusal | null {
  const host = request.headers.host ?? '';
  if (!isLoopback(host)) {
    return {
      status: 421,
      code: 'foreign-host',
      detail: 'this coordinator answers on loopback only: use http://127.0.0.1 or http://localhost',
    };
  }
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) {
    return {
      status: 403,
      code: 'foreign-origin',
      detail: 'web pages of another origin may not use this API',
    };
  }
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return {
      status: 403,
      code: 'foreign-origin',
      detail: 'requests from web pages of another site are refused',
    };
  }
  // What no route takes is refused as that, whatever its body.
  if (request.is404 || request.method === 'GET' || request.method === 'HEAD') return null;
  if (!isJson(request.headers['content-type'])) {
    return {
      status: 415,
      code: 'unsupported-media-type',
      detail: 'send the body as content-type: application/json',
    };
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    return {
      status: 415,
      code: 'unsupported-encoding',
      detail: 'send the body as it is, without content-encoding',
    };
  }
  return null;
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i.test(host);
}

function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType);
}
