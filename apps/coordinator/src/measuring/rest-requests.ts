import type { FastifyInstance } from 'fastify';
import { measure, observe, secondsSince, type LabelsOf } from '#telemetry';
import type { Route } from '../api/describing/route.ts';

type Labels = LabelsOf<'restRequests'>;

/**
 * Measures every request by its route, whatever became of it, and tells how many streams are open. Must be installed
 * before the first hook that answers.
 */
export function measureRequests(
  app: FastifyInstance,
  routes: readonly Route[],
  streams: { readonly count: number },
): void {
  const streaming = new Set(routes.filter(isStreaming).map(({ path }) => path));
  app.addHook('onRequest', async (request, reply) => {
    const startedAt = performance.now();
    // Not `onResponse`: it does not come for a client that went, nor for what a stream took over.
    reply.raw.once('close', () => {
      const route = request.routeOptions.url ?? 'unmatched';
      const { statusCode, writableFinished } = reply.raw;
      if (streaming.has(route) && statusCode === 200) return;
      const status = writableFinished ? statusClass(statusCode) : 'aborted';
      measure('restRequests', secondsSince(startedAt), { method: request.method, route, status });
    });
  });
  const offStreams = observe('restStreams', (tell) => tell(streams.count, {}));
  app.addHook('onClose', async () => offStreams());
}

function isStreaming({ answers }: Route): boolean {
  return Object.values(answers).some((answer) => 'events' in answer);
}

function statusClass(status: number): Labels['status'] {
  if (status >= 500) return '5xx';
  if (status >= 400) return '4xx';
  return status >= 300 ? '3xx' : '2xx';
}
