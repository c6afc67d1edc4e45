/** One request, as it is written on the wire. */
export interface Request {
  method: string;
  /** Path and query, percent-encoded or not. */
  address: string;
  /** In this order; a name may be there twice. */
  headers: [name: string, value: string][];
  body: Buffer | null;
}

export function headOf({ method, address, headers }: Request): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${address} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}

/** With the length that its body has. */
export function bytesOf(request: Request): Buffer[] {
  const { body, headers } = request;
  if (body === null) return [headOf(request)];
  const length: [string, string] = ['Content-Length', String(body.length)];
  return [headOf({ ...request, headers: [...headers, length] }), body];
}

/** In chunks of this size, or all of it in one. */
export function chunkedBytesOf(request: Request, size: number): Buffer[] {
  const { headers } = request;
  const body = request.body ?? Buffer.alloc(0);
  const chunks = [headOf({ ...request, headers: [...headers, ['Transfer-Encoding', 'chunked']] })];
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return [...chunks, Buffer.from('0\r\n\r\n')];
}

/** What no line of a head can hold is taken out: a text that would end it would be another request. */
export function headerText(text: string): string {
  return Buffer.from(text.toWellFormed())
    .toString('latin1')
    .replaceAll(/[\r\n]/g, ' ')
    .slice(0, 12_000);
}
