import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectionError, ProblemError, UnexpectedAnswerError } from './errors.ts';
import { answerOf, SkeinClient, type SkeinClientOptions } from './skein-client.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

const PLAN = {
  planId: 'p1',
  name: 'x',
  tenant: 'local',
  status: 'running',
  labels: {},
  params: {},
  priority: 0,
  submittedAt: '2026-11-20T00:00:00.000Z',
  endedAt: null,
  counts: {},
  baseSha: null,
  integration: null,
  reason: null,
  head: { seq: 1, hash: 'a'.repeat(64) },
  closed: false,
};

describe('the client of a coordinator', () => {
  it('asks with everything in its place, lists one by one and names in one piece', async () => {
    const seen: unknown[] = [];
    await using server = await serve((request, response) => {
      seen.push([request.method, request.url, request.headers['x-skein-actor'], request.headers['if-match']]);
      const isList = request.url?.startsWith('/v1/plans?');
      json(
        response,
        isList ? { plans: [PLAN], nextCursor: null } : request.url?.endsWith('/log') ? 'log' : PLAN,
      );
    });
    const { api } = server.client({ actor: 'ada' });
    const list = await answerOf(
      api.GET('/v1/plans', {
        params: { query: { limit: 5, label: ['team=a b', 'kind'], status: 'running' } },
      }),
    );
    expect(list.plans[0]?.planId).toBe('p1');
    const params = { path: { planId: 'p1', step: 'convert[src/../a b.js]', attempt: 2 } };
    await answerOf(
      api.GET('/v1/plans/{planId}/steps/{step}/attempts/{attempt}/log', { params, parseAs: 'text' }),
    );
    await answerOf(
      api.POST('/v1/plans/{planId}/cancel', {
        params: { path: { planId: 'p1' }, header: { 'If-Match': '"17"' } },
        body: { why: 'enough' },
      }),
    );
    expect(seen).toEqual([
      ['GET', '/v1/plans?limit=5&label=team%3Da%20b&label=kind&status=running', undefined, undefined],
      ['GET', '/v1/plans/p1/steps/convert%5Bsrc%2F..%2Fa%20b.js%5D/attempts/2/log', undefined, undefined],
      ['POST', '/v1/plans/p1/cancel', 'ada', '"17"'],
    ]);
  });

  it('repeats a read and what carries a key when the connection broke, and nothing else', async () => {
    const requests: (string | undefined)[] = [];
    await using server = await serve((request, response) => {
      requests.push(`${request.method} ${String(request.headers['idempotency-key'] ?? '-')}`);
      if (requests.filter((one) => one === requests.at(-1)).length < 2) request.socket.destroy();
      else
        json(response, request.method === 'GET' ? PLAN : { planId: 'p1', name: 'x', url: '', created: true });
    });
    const { api } = server.client();
    await answerOf(api.GET('/v1/plans/{planId}', { params: { path: { planId: 'p1' } } }));
    const header = { 'Idempotency-Key': 'k' };
    await answerOf(api.POST('/v1/plans', { params: { header }, body: { text: 'version: 1' } }));
    const cancel = api.POST('/v1/plans/{planId}/cancel', { params: { path: { planId: 'p1' } }, body: {} });
    await expect(answerOf(cancel)).rejects.toBeInstanceOf(ConnectionError);
    expect(requests).toEqual(['GET -', 'GET -', 'POST k', 'POST k', 'POST -']);
  });

  it('comes back when it is told to, and throws the problem when that does not help', async () => {
    const times: number[] = [];
    await using server = await serve((_request, response) => {
      times.push(performance.now());
      response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '1' });
      response.end('{"title":"Not available","status":503,"code":"view-behind","detail":"try again"}');
    });
    const { api } = server.client({ tries: 2 });
    const failure = await answerOf(
      api.GET('/v1/plans/{planId}', { params: { path: { planId: 'p1' } } }),
    ).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProblemError);
    expect(failure).toMatchObject({ status: 503, code: 'view-behind', detail: 'try again', retry: 'later' });
    expect(times).toHaveLength(2);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(999);
  });

  it('throws a problem with all that it says', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(412, { 'content-type': 'application/problem+json' });
      const problems = [{ code: 'x', message: 'm', path: 'steps[0]', line: 3, column: 9 }, { junk: true }];
      const said = { title: 'T', code: 'seq-stale', detail: 'look again', currentSeq: 9, problems };
      response.end(JSON.stringify(said));
    });
    const failure = await answerOf(
      server.client().api.POST('/v1/plans/{planId}/cancel', {
        params: { path: { planId: 'p1' }, header: { 'If-Match': '"17"' } },
        body: {},
      }),
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      status: 412,
      code: 'seq-stale',
      retry: 'never',
      problem: { currentSeq: 9 },
      problems: [{ code: 'x', message: 'm', path: 'steps[0]', file: null, line: 3, column: 9, hint: null }],
    });
  });

  it.each<[string, Listener]>([
    ['a page', (_request, response) => response.end('<html>')],
    ['null', (_request, response) => json(response, null)],
    ['another JSON', (_request, response) => json(response, { status: 'ok' })],
    ['a part of what was asked for', (_request, response) => json(response, { ...PLAN, head: undefined })],
  ])('says that something else answers when it gets %s', async (_what, listener) => {
    await using server = await serve(listener);
    const call = server.client().api.GET('/v1/plans/{planId}', { params: { path: { planId: 'p1' } } });
    await expect(answerOf(call)).rejects.toBeInstanceOf(UnexpectedAnswerError);
  });

  it('says that a proxy refused, though it knows no problems', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(502).end('<html>bad gateway');
    });
    const call = server.client().api.GET('/healthz');
    await expect(answerOf(call)).rejects.toMatchObject({ status: 502, code: 'http-502', retry: 'later' });
  });

  it('takes an empty text for what it is: a diff of nothing, the end of a log', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '0' }).end();
    });
    const { api } = server.client();
    const params = { path: { planId: 'p1', step: 's1', attempt: 1 } };
    const at = '/v1/plans/{planId}/steps/{step}/attempts/{attempt}/log';
    expect(await answerOf(api.GET(at, { params, parseAs: 'text' }))).toBe('');
    expect((await answerOf(api.GET(at, { params, parseAs: 'arrayBuffer' }))).byteLength).toBe(0);
  });

  it('follows no redirection to somewhere else', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end();
    });
    await expect(answerOf(server.client({ tries: 1 }).api.GET('/healthz'))).rejects.toBeInstanceOf(
      ConnectionError,
    );
  });

  it('gives up on a server that does not answer, and at once when its caller does', async () => {
    await using server = await serve(() => undefined);
    const call = server.client({ timeoutMs: 50, tries: 1 }).api.GET('/healthz');
    await expect(answerOf(call)).rejects.toThrow('no answer within 50 ms');
    const stop = new AbortController();
    const reason = new Error('enough');
    const aborted = answerOf(server.client().api.GET('/healthz', { signal: stop.signal }));
    stop.abort(reason);
    await expect(aborted).rejects.toBe(reason);
  });

  it('reads the events of all plans, as far as they are wanted', async () => {
    let asked: string | undefined;
    await using server = await serve((request, response) => {
      asked = request.url;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const body = { planId: 'p1', seq: 1, at: 'now', type: 'plan.closed', data: {}, traceparent: null };
      response.write(`id: 7-8\ndata: ${JSON.stringify(body)}\n\n`);
    });
    const client = server.client();
    for await (const event of client.events({ plan: ['p1', 'p2'], type: ['plan.closed'], tenant: 'a&b' })) {
      expect(event).toMatchObject({ planId: 'p1', cursor: '7-8' });
      break;
    }
    expect(asked).toBe('/v1/events?plan=p1&plan=p2&type=plan.closed&tenant=a%26b');
  });
});

function json(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

async function serve(listener: Listener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    client: (o: Partial<SkeinClientOptions> = {}) => new SkeinClient({ baseUrl, ...o }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
