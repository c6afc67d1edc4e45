import type { Chance } from '../sim/core/chance.ts';
import type { Ask } from './ask.ts';
import { randomText } from './noise.ts';

type Noise = Pick<Ask, 'requests' | 'parts' | 'last' | 'mayBeSilent'>;

/** What is hardly a request. None of it can be taken for a command that is complete. */
export function wireNoise(chance: Chance, port: number): Noise {
  const host = `Host: 127.0.0.1:${port}\r\n`;
  const post = (headers: string, body: string): string =>
    `POST /v1/plans HTTP/1.1\r\n${host}Content-Type: application/json\r\n${headers}\r\n${body}`;
  const [text, mayBeSilent = false] = chance.pick<() => [text: string, mayBeSilent?: boolean]>([
    () => ['HELO example.org\r\n\r\n'],
    () => ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
    () => ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    () => [`GET / HTTP/9.9\r\n${host}\r\n`],
    () => [`GET /v1/plans\r\n${host}\r\n`],
    () => [`get /v1/plans HTTP/1.1\r\n${host}\r\n`],
    () => [`BREW /v1/plans HTTP/1.1\r\n${host}\r\n`],
    () => [`GET  /v1/plans HTTP/1.1\r\n${host}\r\n`],
    () => [`GET /v1/pl\x00ans HTTP/1.1\r\n${host}\r\n`],
    () => [`GET /v1/plans HTTP/1.1\r\n${host}a b: c\r\n\r\n`],
    () => [`GET /v1/plans HTTP/1.1\r\n${host}: empty\r\n\r\n`],
    () => [`GET /v1/plans HTTP/1.1\r\n${host}X-Nul: a\x00b\r\n\r\n`],
    () => [`GET /v1/plans HTTP/1.1\r\n${host} folded\r\n\r\n`],
    () => [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`],
    () => [`GET /v1/plans HTTP/1.1\r\n${host}${'X: y\r\n'.repeat(5_000)}\r\n`],
    () => ['GET /v1/plans HTTP/1.0\r\n\r\n'],
    () => [`GET http://evil.example/v1/plans HTTP/1.1\r\n${host}\r\n`],
    () => [`OPTIONS * HTTP/1.1\r\n${host}\r\n`],
    () => [`CONNECT evil.example:443 HTTP/1.1\r\n${host}\r\n`],
    () => [post('Content-Length: 5\r\nContent-Length: 6\r\n', '{}{}{}')],
    () => [post('Content-Length: 0x10\r\n', '{"text":"x"}')],
    () => [post('Content-Length: -1\r\n', '{}')],
    () => [post('Content-Length: 99999999999999999999\r\n', '{}')],
    () => [post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
    () => [post('Transfer-Encoding: chunked, identity\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    () => [post('Transfer-Encoding: gzip\r\n', '{}')],
    () => [post('Transfer-Encoding: chunked\r\n', 'zz\r\n{}\r\n0\r\n\r\n')],
    () => [post('Transfer-Encoding: chunked\r\n', 'ffffffffffffffff\r\n{}\r\n'), true],
    () => [post('Transfer-Encoding: chunked\r\n', `2;${'x'.repeat(40_000)}\r\n{}\r\n0\r\n\r\n`)],
    () => [`${randomText(chance, 60).replaceAll(/[\r\n]/g, '.')}\r\n\r\n`],
  ])();
  const [, verb = '?', address = '*'] = /^([A-Za-z]+) +(\S+)/.exec(text) ?? [];
  const parts = [Buffer.from(text, 'latin1')];
  return { requests: [{ method: verb.toUpperCase(), address }], parts, last: true, mayBeSilent };
}
