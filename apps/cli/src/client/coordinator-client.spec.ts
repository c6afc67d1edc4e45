import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { renderFailure } from '../rendering/problems.ts';
import { CoordinatorClient } from './coordinator-client.ts';
import { ConnectionError, ProblemError, UnexpectedAnswerError } from '#client';

describe('the client of the coordinator', () => {
  it('sends a submission with its key, and the same key again when the connection broke', async () => {
    const keys: unknown[] = [];
    await using server = await serve((request, response) => {
      keys.push(request.headers['idempotency-key']);
      if (keys.length === 1) request.socket.destroy();
      else response.end(JSON.stringify({ planId: 'p1', name: 'x', created: true }));
    });
    const plan = await server.client.submit({ text: 'version: 1' }, 'key-1');
    expect(plan).toMatchObject({ planId: 'p1' });
    expect(keys).toEqual(['key-1', 'key-1']);
  });

  it('takes a text without a body for an empty one', async () => {
    await using server = await serve((_request, response) => response.end());
    await expect(server.client.planDiff('p1')).resolves.toBe('');
    await expect(server.client.attemptText('p1', 's1', 1, 'log')).resolves.toBe('');
    await expect(server.client.attemptLog('p1', 's1', 1, 9)).resolves.toEqual(new Uint8Array());
    await expect(server.client.plan('p1')).rejects.toBeInstanceOf(UnexpectedAnswerError);
  });

  it('does not repeat a cancellation', async () => {
    let requests = 0;
    await using server = await serve((request) => {
      requests++;
      request.socket.destroy();
    });
    await expect(server.client.cancel('p1', null)).rejects.toBeInstanceOf(ConnectionError);
    expect(requests).toBe(1);
  });

  it('turns a problem into lines with place and hint, escaped', async () => {
    await using server = await serve((_request, response) => {
      const problems = [
        {
          message: 'unknown need "a\u001b[31m"',
          path: 'steps[0].needs[0]',
          line: 3,
          column: 9,
          hint: 'did you mean "b"?',
        },
      ];
      response.statusCode = 422;
      response.setHeader('content-type', 'application/problem+json');
      response.end(
        JSON.stringify({
          title: 'Cannot be processed',
          status: 422,
          detail: 'one problem',
          code: 'plan-invalid',
          problems,
        }),
      );
    });
    const error = await server.client.submit({ text: '' }, 'k').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ProblemError);
    expect(renderFailure(error, 'plan.yaml')).toEqual([
      'Cannot be processed: one problem (plan-invalid)',
      '  plan.yaml:3:9: steps[0].needs[0]: unknown need "a\\x1b[31m" (did you mean "b"?)',
    ]);
  });

  it('says that something else answers', async () => {
    await using server = await serve((_request, response) => response.end('<html>'));
    await expect(server.client.plan('p1')).rejects.toBeInstanceOf(UnexpectedAnswerError);
  });

  it('names the step of a path in one piece', async () => {
    let path = '';
    await using server = await serve((request, response) => {
      path = request.url ?? '';
      response.end('log');
    });
    await server.client.attemptText('p1', 'convert[src/../a b.js]', 2, 'log');
    expect(path).toBe('/v1/plans/p1/steps/convert%5Bsrc%2F..%2Fa%20b.js%5D/attempts/2/log');
  });

  it('tells that nobody listens, and what to do', async () => {
    const server = await serve(() => undefined);
    await server[Symbol.asyncDispose]();
    const error = await server.client.plan('p1').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(renderFailure(error)[1]).toContain('skein up');
    expect(await server.client.ready()).toBe(false);
  });

  it('gives up on a server that does not answer', async () => {
    await using server = await serve(() => undefined);
    const hasty = new CoordinatorClient(server.client.baseUrl, { timeoutMs: 50, tries: 1 });
    await expect(hasty.plan('p1')).rejects.toThrow('no answer within 50 ms');
  });
});

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new CoordinatorClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
