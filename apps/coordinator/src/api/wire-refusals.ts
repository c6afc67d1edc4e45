import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { problemBody } from './problem.ts';

/**
 * What Node itself refuses, before there is a request: told as problems, too.
 */
export function refuseOnTheWire(server: Server): void {
  // Nobody here speaks another protocol, so it is answered in this one. After that Node 24.21 takes what is no request
  // for the bytes of that protocol: neither answered nor cut off, for as long as the client likes.
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
  });
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = problemText(417, 'expectation-unknown', 'send no Expect header, or Expect: 100-continue');
    response.writeHead(417, { 'content-type': TYPE, 'content-length': Buffer.byteLength(body) }).end(body);
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    answer(socket, 405, 'method-not-allowed', 'this is no proxy: CONNECT does nothing here');
  });
}

/** For Fastify's `clientErrorHandler`: what came is no request, too large a one, or never came whole. */
export function refuseConnection(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    const detail = 'the headers or the address are larger than the 16 KB that are taken';
    answer(socket, 431, 'headers-too-large', detail);
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    answer(socket, 408, 'request-timeout', 'the request did not arrive whole in time; send it again');
  } else {
    answer(socket, 400, 'request-malformed', 'what was sent is no HTTP/1.1 request');
  }
}

const TYPE = 'application/problem+json; charset=utf-8';

/** Bytes of ours in the middle of another answer would be taken for a part of it. */
function isAnswering(socket: Duplex): boolean {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent ?? false;
}

function answer(socket: Duplex, status: number, code: string, detail: string): void {
  const body = problemText(status, code, detail);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    `Content-Type: ${TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function problemText(status: number, code: string, detail: string): string {
  return JSON.stringify(problemBody(status, code, detail));
}
