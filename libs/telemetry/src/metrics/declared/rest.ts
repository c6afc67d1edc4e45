import { type MetricDeclaration, SHORT_SECONDS } from '../declaration.ts';

/** What clients ask of a coordinator. */
export const rest = {
  restRequests: {
    name: 'skein_rest_request_seconds',
    kind: 'histogram',
    unit: 'seconds',
    by: 'coordinator',
    labels: {
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'],
      route: { first: 64, of: 'patterns of routes; `unmatched` for paths that no route takes' },
      status: ['2xx', '3xx', '4xx', '5xx', 'aborted'],
    },
    bounds: SHORT_SECONDS,
    meaning:
      'REST requests by route and class of status. `aborted`: the client went before its answer. No streams.',
    alert: '`5xx` above 1 % for 5 m; the 99th percentile above 2 s for 10 m.',
  },
  restStreams: {
    name: 'skein_rest_streams',
    kind: 'gauge',
    unit: '1',
    by: 'coordinator',
    labels: {},
    meaning: 'Event streams (SSE) that are open.',
    alert: '',
  },
} as const satisfies Record<string, MetricDeclaration>;
