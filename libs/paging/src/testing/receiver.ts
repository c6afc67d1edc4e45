import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const BODY_BYTES_MAX = 1_024 ** 2;

/** A request as it came over the wire. */
export interface Received {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** `performance.now()`. */
  at: number;
}

/** How one request is answered. */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; body?: string; afterMs?: number }
  /** Never; the connection stays open. */
  | 'hang'
  /** The connection is reset in the middle of the request's answer. */
  | 'reset'
  /** Headers, and then a byte now and then for ever. */
  | 'drip'
  /** More body than anybody wants. */
  | 'flood';

/** A real server that takes pages, and misbehaves as a test tells it to. */
export class Receiver {
  readonly received: Received[] = [];
  /** Of these, those that were answered with a 2xx. */
  readonly taken: Received[] = [];
  /** For the next requests, in order; then `always`. */
  readonly next: Behaviour[] = [];
  always: Behaviour | ((request: Received) => Behaviour) = { status: 202, body: '{"status":"success"}' };
  private readonly timers = new Set<NodeJS.Timeout>();

  private constructor(private readonly server: Server) {}

  static async start(port = 0): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', (request, response) => {
      receiver.#take(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  url(path = '/pages'): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const { method = '', url = '', headers } = request;
    const one = { method, path: url, headers, body, at: performance.now() };
    this.received.push(one);
    const { always } = this;
    const behaviour = this.next.shift() ?? (typeof always === 'function' ? always(one) : always);
    if (typeof behaviour === 'object' && behaviour.status < 300) this.taken.push(one);
    this.#behave(behaviour, response);
  }

  #behave(behaviour: Behaviour, response: ServerResponse): void {
    switch (behaviour) {
      case 'hang':
        return;
      case 'reset':
        response.socket?.resetAndDestroy();
        return;
      case 'drip':
        response.writeHead(200);
        this.timers.add(setInterval(() => void response.write('.'), 20));
        return;
      case 'flood':
        response.writeHead(500);
        response.on('error', () => undefined);
        for (let i = 0; i < 64; i++) response.write('x'.repeat(65_536));
        return;
      default:
        this.timers.add(
          setTimeout(() => {
            response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body ?? '');
          }, behaviour.afterMs ?? 0),
        );
    }
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('a page is never that large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
