import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../logger.ts';
import { METRICS_CONTENT_TYPE, scrapeMetrics } from './start-metrics.ts';

export interface MetricsServerOptions {
  /** 0: any free port. */
  port: number;
  /** A loopback address: there is no login. */
  host: string;
  log: Logger;
}

export interface MetricsServer extends AsyncDisposable {
  readonly url: string;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 32;
const REQUEST_TIMEOUT_MS = 10_000;

/** Serves `/metrics` for a process that serves nothing else. Rejects when it cannot listen. */
export async function serveMetrics({ port, host, log }: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.warn({ err: error }, 'A scrape failed');
      response.destroy();
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ port, host }, resolve);
  });
  // It must not keep a process that has nothing else to do.
  server.unref();
  const { address, port: actual, family } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}/metrics`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, close, [Symbol.asyncDispose]: close };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A web page in the operator's browser must not reach it under a name of its own.
  if (!isLoopback(request.headers.host ?? ''))
    return end(response, 421, 'metrics are served on loopback only\n');
  if (request.url?.split('?', 1)[0] !== '/metrics')
    return end(response, 404, 'the metrics are at /metrics\n');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return end(response, 405, 'metrics can only be read\n', { allow: 'GET, HEAD' });
  end(response, 200, await scrapeMetrics());
}

function end(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': METRICS_CONTENT_TYPE, ...headers }).end(text);
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i.test(host);
}
