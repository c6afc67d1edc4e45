import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CoordinatorClient } from '../client/coordinator-client.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { redrive, type RedriveOptions } from './operating.ts';

const letter = (planId: string) => ({ planId, ordinal: 's1', name: `step-of-${planId}\u001b[2J` });
const NONE = { redriven: [], passedOver: [], refused: [], more: false, nextCursor: null, stopped: null };
const PAGES = [
  {
    ...NONE,
    redriven: [{ ...letter('p1'), notBefore: '2026-11-21T08:00:06.000Z' }],
    refused: [{ ...letter('p2'), reason: { code: 'plan-ended', message: 'plan p2 is cancelled' } }],
    more: true,
    nextCursor: '2-1',
  },
  { ...NONE, passedOver: [{ ...letter('p3'), reason: { code: 'step-not-failed', message: 'x is passed' } }] },
];

describe('skein redrive', () => {
  const all: RedriveOptions = { all: true, json: false };

  it('asks for all of a kind, page by page, and tells of each, also of one that is refused', async () => {
    await using server = await serve();
    expect(await server.redrive({ ...all, why: 'fixed', reason: 'leases-used-up', rate: 10 })).toBe(2);
    const request = '{"filter":{"reason":"leases-used-up"},"ratePerMinute":10,"why":"fixed"';
    expect(server.asked).toEqual([
      `POST /v1/dead-letters/redrive ${request}}`,
      `POST /v1/dead-letters/redrive ${request},"cursor":"2-1"}`,
    ]);
    expect(server.lines).toEqual([
      expect.stringMatching(/^redriven p1 s1 step-of-p1.*: at 2026-11-21T08:00:06.000Z$/),
      expect.stringMatching(/^refused p2 .*: plan p2 is cancelled$/),
      expect.stringMatching(/^passed over p3 .*: x is passed$/),
    ]);
    expect(server.lines.join('')).not.toMatch(/\p{Cc}/u);
  });

  it('asks for all of them in so many words', async () => {
    await using server = await serve();
    await server.redrive(all);
    expect(server.asked[0]).toBe('POST /v1/dead-letters/redrive {"all":true}');
  });

  it('says why the rest has not had its turn, and asks no more', async () => {
    await using server = await serve({ code: 'no-decider', message: 'nobody decides' });
    expect(await server.redrive(all)).toBe(2);
    expect(server.asked).toHaveLength(1);
    expect(server.lines.at(-1)).toBe('stopped: nobody decides');
  });

  it('wants to be told which', async () => {
    await using server = await serve();
    await expect(server.redrive({ all: false, json: false })).rejects.toThrow('or --all');
    await expect(server.redrive(all, 'p1', 's1')).rejects.toThrow('not both');
    expect(server.asked).toEqual([]);
  });
});

async function serve(stopped: { code: string; message: string } | null = null) {
  const asked: string[] = [];
  const lines: string[] = [];
  const answer: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}${body && ` ${body}`}`);
      const page = PAGES[body.includes('cursor') ? 1 : 0];
      response.end(JSON.stringify({ ...page, stopped }));
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
