import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '#testing';
import { ClientStream, type ClientStreamTimes, type FrameStream } from './client-stream.ts';

const TIMES = { heartbeatMs: 60_000, stalledMs: 60_000 };
const LARGE = 'x'.repeat(64 * 1_024);

describe('a client of a stream', () => {
  it('gets the frames as they are, and the end', async () => {
    await using served = await serve(of('id: 1\ndata: {}\n\n', 'event: end\ndata: {}\n\n'));
    const { headers, text } = await served.read();
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(text).toBe('retry: 1000\n\nid: 1\ndata: {}\n\nevent: end\ndata: {}\n\n');
  });

  it('hears a heartbeat while there is nothing else', async () => {
    let more: () => void = () => undefined;
    const quiet = new Promise<void>((resolve) => (more = resolve));
    const stream: FrameStream = {
      async *frames() {
        await quiet;
        yield 'data: late\n\n';
      },
      heartbeat: () => ': alive\n\n',
    };
    await using served = await serve(stream, { heartbeatMs: 5 });
    const response = await served.open();
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.split(': alive').length > 3) more();
    });
    await once(response, 'end');
    expect(text).toMatch(/^retry: 1000\n\n(: alive\n\n){3,}data: late\n\n$/);
  });

  it('that is slow stops the reading until it has taken what there is, and then gets it all', async () => {
    const stream = new Counting(500);
    await using served = await serve(stream);
    const response = await served.open();
    response.pause();
    await eventually(() => stream.rested(), { what: 'the reading to stop' });
    expect(stream.given).toBeLessThan(400);
    let bytes = 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume();
    await once(response, 'end');
    expect(bytes).toBe(500 * LARGE.length + 'retry: 1000\n\n'.length);
  });

  it('that takes nothing at all is cut off', async () => {
    const stream = new Counting(10_000);
    await using served = await serve(stream, { stalledMs: 50 });
    const response = await served.open();
    response.on('error', () => undefined).pause();
    await served.over;
    expect(served.client.stalled).toBe(true);
    expect(stream.ended).toBe(true);
    expect(stream.given).toBeLessThan(1_000);
    await new Promise((resolve) => response.on('close', resolve).resume());
    expect(response.complete).toBe(false);
  });

  it('gets a large frame in slices: what counts for being cut off is the next slice, not the whole', async () => {
    const large = 24 * 1_024 * 1_024;
    await using served = await serve(of('x'.repeat(large)));
    const response = await served.open();
    let bytes = 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length));
    await once(response, 'end');
    expect(bytes).toBe(large + 'retry: 1000\n\n'.length);
    expect(Math.max(...served.written)).toBe(64 * 1_024);
  });

  it('that goes ends the stream', async () => {
    const stream = new Counting(Infinity);
    await using served = await serve(stream);
    const response = await served.open();
    response.on('error', () => undefined).destroy();
    await served.over;
    expect(stream.ended).toBe(true);
  });
});

function of(...frames: string[]): FrameStream {
  return {
    async *frames() {
      yield* frames;
    },
    heartbeat: () => ': alive\n\n',
  };
}

/** Large frames, and how many of them were asked for. */
class Counting implements FrameStream {
  given = 0;
  ended = false;
  private before = -1;

  constructor(private readonly count: number) {}

  async *frames(signal: AbortSignal) {
    try {
      while (this.given < this.count && !signal.aborted) {
        this.given += 1;
        yield LARGE;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.ended = true;
    }
  }

  heartbeat(): string {
    return '';
  }

  /** Nothing more was asked for since the last look. */
  rested(): boolean {
    const rested = this.given === this.before && this.given > 0;
    this.before = this.given;
    return rested;
  }
}

async function serve(stream: FrameStream, times: Partial<ClientStreamTimes> = {}) {
  const served = { written: [] as number[] } as {
    client: ClientStream;
    over: Promise<void>;
    /** Bytes of each write. */
    written: number[];
  };
  let begun: (over: Promise<void>) => void;
  const over = new Promise<void>((resolve) => (begun = resolve));
  const server = createServer((_request, response) => {
    const write = response.write.bind(response);
    response.write = (chunk: string | Uint8Array) => {
      served.written.push(Buffer.byteLength(chunk));
      return write(chunk);
    };
    served.client = new ClientStream(response, stream, { ...TIMES, ...times });
    begun(served.client.write());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const open = async (): Promise<IncomingMessage> => {
    const sent = request({ port, host: '127.0.0.1', agent: false }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  };
  return Object.assign(served, {
    over,
    open,
    async read() {
      const response = await open();
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
      return { headers: response.headers, text };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
