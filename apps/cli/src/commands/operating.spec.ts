import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CoordinatorClient } from '../client/coordinator-client.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { redrive, type RedriveOptions } from './operating.ts';

const LETTERS = ['p1', 'p2', 'p3'].map((planId) => ({
  planId,
  planName: 'x',
  planStatus: 'halted',
  tenant: 'local',
  ordinal: 's1',
  name: `step-of-${planId}\u001b[2J`,
  kind: 'run',
  reason: { code: 'leases-used-up', message: 'no' },
  epoch: 3,
  attempts: 0,
  leasesLost: 3,
  poisonedAt: null,
}));

describe('skein redrive', () => {
  const all: RedriveOptions = { all: true, json: false };

  it('redrives all that are there, one after the other, and tells of each, also of one that is refused', async () => {
    await using server = await serve();
    expect(await server.redrive({ ...all, why: 'fixed', reason: 'leases-used-up' })).toBe(2);
    expect(server.asked).toEqual([
      'GET /v1/dead-letters?reason=leases-used-up&limit=200',
      'GET /v1/dead-letters?reason=leases-used-up&limit=200&cursor=2',
      'POST /v1/plans/p1/steps/s1/redrive {"why":"fixed"}',
      'POST /v1/plans/p2/steps/s1/redrive {"why":"fixed"}',
      'POST /v1/plans/p3/steps/s1/redrive {"why":"fixed"}',
    ]);
    expect(server.lines.map((line) => line.split(' ').slice(0, 2))).toEqual([
      ['redriven', 'p1'],
      ['refused', 'p2'],
      ['redriven', 'p3'],
    ]);
    expect(server.lines[1]).toContain('is passed');
    expect(server.lines.join('')).not.toMatch(/\p{Cc}/u);
  });

  it('keeps to the rate', async () => {
    await using server = await serve();
    const startMs = performance.now();
    await server.redrive({ ...all, rate: 150 });
    expect(performance.now() - startMs).toBeGreaterThan(290);
  });

  it('wants to be told which', async () => {
    await using server = await serve();
    await expect(server.redrive({ all: false, json: false })).rejects.toThrow('or --all');
    await expect(server.redrive(all, 'p1', 's1')).rejects.toThrow('not both');
    expect(server.asked).toEqual([]);
  });
});

async function serve() {
  const asked: string[] = [];
  const lines: string[] = [];
  const answer: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}${body && ` ${body}`}`);
      if (request.method === 'GET') {
        const isFirst = !request.url?.includes('cursor');
        const deadLetters = isFirst ? LETTERS.slice(0, 2) : LETTERS.slice(2);
        response.end(JSON.stringify({ deadLetters, nextCursor: isFirst ? '2' : null }));
      } else if (request.url?.includes('p2')) {
        const detail = 'x (s1) is passed: only what is blocked or poisoned can be retried';
        response.statusCode = 409;
        response.setHeader('content-type', 'application/problem+json');
        response.end(JSON.stringify({ type: 'x', title: 'x', status: 409, code: 'step-not-failed', detail }));
      } else {
        const head = { seq: 1, hash: 'f'.repeat(64) };
        const plan = { planId: 'p', name: 'x', tenant: 'local', status: 'running', labels: {}, params: {} };
        const rest = { priority: 0, submittedAt: '', endedAt: null, counts: {}, baseSha: null };
        response.end(
          JSON.stringify({ ...plan, ...rest, integration: null, reason: null, head, closed: false }),
        );
      }
    });
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new CoordinatorClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const print = (line: string): void => void lines.push(line);
  const terminal = { out: print, err: print } as unknown as Terminal;
  return {
    asked,
    lines,
    redrive: (o: RedriveOptions, plan: string | null = null, step: string | null = null) =>
      redrive({ client, terminal }, plan, step, o),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
