import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectionError, ProblemError, UnexpectedAnswerError } from './errors.ts';
import { readEvents, type EventStreamOptions, type StreamedEvent } from './event-stream.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const head = (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });

function event(seq: number, data: object = {}): string {
  const body = { planId: 'p1', seq, at: '2026-11-20T00:00:00.000Z', type: 'step.passed', data };
  return `id: ${seq}\ndata: ${JSON.stringify({ ...body, traceparent: null })}\n\n`;
}

const END = 'event: end\nid: 9\ndata: {"planId":"p1","seq":9}\n\n';

describe('a stream of events', () => {
  it('hands out each event once over connections that break, and ends when the server says so', async () => {
    const asked: unknown[] = [];
    await using server = await serve((request, response) => {
      asked.push(request.headers['last-event-id']);
      head(response);
      if (asked.length === 1) {
        // Cut in the middle of an event: only what was whole counts.
        response.write(`retry: 1\n\n${event(1)}${event(2)}${event(3).slice(0, -2)}`, () =>
          request.socket.destroy(),
        );
      } else if (asked.length === 2) response.end(`: alive\n\n${event(3)}`);
      else response.end(`${event(4, { text: 'a\nb\u2028' })}${END}`);
    });
    const troubles: unknown[] = [];
    const events = await all(server.url, { onTrouble: (error) => troubles.push(error) });
    expect(events.map(({ seq, cursor }) => [seq, cursor])).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '3'],
      [4, '4'],
    ]);
    expect(events[3]!.data).toEqual({ text: 'a\nb\u2028' });
    expect(asked).toEqual([undefined, '2', '3']);
    expect(troubles).toEqual([expect.any(ConnectionError), expect.any(ConnectionError)]);
  });

  it('begins where it is told to', async () => {
    let asked: unknown;
    await using server = await serve((request, response) => {
      asked = request.headers['last-event-id'];
      head(response).end(END);
    });
    await all(server.url, { after: 7 });
    expect(asked).toBe('7');
  });

  it('goes on after the cursor of a silent stretch, which no event told', async () => {
    const asked: unknown[] = [];
    await using server = await serve((request, response) => {
      asked.push(request.headers['last-event-id']);
      if (asked.length === 1) head(response).end('retry: 1\nid: 12-34\n\n');
      else response.writeHead(204).end();
    });
    expect(await all(server.url, {})).toEqual([]);
    expect(asked).toEqual([undefined, '12-34']);
  });

  it('comes back when a full server told it to, and not before', async () => {
    const times: number[] = [];
    await using server = await serve((_request, response) => {
      times.push(performance.now());
      if (times.length === 1) {
        const problem = { title: 'Not available', code: 'streams-full', detail: 'too many', status: 503 };
        response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '1' });
        response.end(JSON.stringify(problem));
      } else head(response).end(END);
    });
    const troubles: unknown[] = [];
    await all(server.url, { onTrouble: (error) => troubles.push(error) });
    expect(troubles).toEqual([expect.objectContaining({ status: 503, code: 'streams-full' })]);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(999);
  });

  it('throws what trying again cannot mend', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end('{"title":"Not found","code":"plan-unknown","detail":"there is no plan"}');
    });
    const failure = await all(server.url, {}).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProblemError);
    expect(failure).toMatchObject({ status: 404, code: 'plan-unknown', detail: 'there is no plan' });
  });

  it.each<[string, Answer]>([
    ['a page', (_request, response) => response.end('<html>')],
    ['an event that is no JSON', (_request, response) => head(response).end('data: <html>\n\n')],
    ['an event of something else', (_request, response) => head(response).end('data: {"a":1}\n\n')],
    ['an event that is null', (_request, response) => head(response).end('data: null\n\n')],
  ])('says that something else answers when it gets %s', async (_what, answer) => {
    await using server = await serve(answer);
    await expect(all(server.url, {})).rejects.toBeInstanceOf(UnexpectedAnswerError);
  });

  it('takes a silent connection for dead, and comes back', async () => {
    let connections = 0;
    await using server = await serve((_request, response) => {
      connections += 1;
      if (connections === 1) head(response).write(`retry: 1\n\n${event(1)}`);
      else head(response).end(END);
    });
    const troubles: string[] = [];
    const events = await all(server.url, { silenceMsMax: 50, onTrouble: (e) => troubles.push(e.message) });
    expect(events).toHaveLength(1);
    expect(troubles).toEqual([expect.stringContaining('nothing was heard for 50 ms')]);
  });

  it('gives up when the server is away for too long', async () => {
    const server = await serve(() => undefined);
    await server[Symbol.asyncDispose]();
    await expect(all(server.url, { giveUpAfterMs: 0 })).rejects.toBeInstanceOf(ConnectionError);
  });

  it('ends with the reason of its signal, in the middle of a wait too', async () => {
    await using server = await serve((_request, response) => head(response).write(event(1)));
    const stop = new AbortController();
    const reason = new Error('enough');
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { seq } of readEvents(server.url, { signal: stop.signal })) {
        seen.push(seq);
        stop.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(seen).toEqual([1]);
  });

  it('closes its connection when its reader stops reading', async () => {
    let closed: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    await using server = await serve((request, response) => {
      request.socket.on('close', closed);
      head(response).write(event(1));
    });
    for await (const { seq } of readEvents(server.url)) {
      expect(seq).toBe(1);
      break;
    }
    await gone;
  });
});

async function all(url: string, o: EventStreamOptions): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = [];
  for await (const one of readEvents(url, o)) events.push(one);
  return events;
}

async function serve(answer: Answer) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/plans/p1/events`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
