import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { makeSink } from '../sinks/make-sink.ts';
import type { SinkSettings } from '../sinks/sink.ts';
import { testMessages } from '../test-message.ts';
import { documentedCheck } from '../testing/documented.ts';
import { Receiver, type Behaviour } from '../testing/receiver.ts';
import { held } from '../testing/schemas.ts';
import { deliver } from './deliver.ts';

const TIMEOUT_MS = 400;
const SECRETS = ['new-secret-new-secret', 'old-secret-old-secret'];
const KEY = '0123456789abcdef0123456789abcdef';

describe('a delivery', () => {
  let receiver: Receiver;

  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    await receiver.stop();
  });

  const settings = (
    type: SinkSettings['type'],
    url = receiver.url('/T0/B0/very-secret-path'),
  ): SinkSettings => {
    if (type === 'webhook') return { name: 'one', on: [], type, url, secrets: SECRETS };
    if (type === 'slack') return { name: 'one', on: [], type, url };
    return { name: 'one', on: [], type, url, routingKey: KEY };
  };
  const send = (one = settings('webhook'), signal = new AbortController().signal) => {
    const [message] = testMessages(one.type, 'prod', Date.now());
    return deliver(makeSink(one), message, { nowMs: Date.now(), timeoutMs: TIMEOUT_MS, signal });
  };

  it.each(['webhook', 'slack', 'pagerduty'] as const)(
    'arrives at a %s as one request in its format',
    async (type) => {
      expect(await send(settings(type))).toEqual({ ok: true, status: 202 });
      const [request] = receiver.received;
      expect(request).toMatchObject({
        method: 'POST',
        path: '/T0/B0/very-secret-path',
        headers: { 'content-type': 'application/json', 'user-agent': 'skein' },
      });
      held(type, request!.body);
    },
  );

  it('carries a signature that a receiver can verify as documented, with the new secret and with the old one', async () => {
    const isFromSkein = await documentedCheck();
    await send();
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    const signature = headers['skein-signature'] as string;
    for (const secret of SECRETS) expect(isFromSkein(signature, body, secret)).toBe(true);
    expect(isFromSkein(signature, body, 'another-secret-0000')).toBe(false);
    expect(isFromSkein(signature, `${body} `, SECRETS[0]!)).toBe(false);
    expect(isFromSkein(signature, body, SECRETS[0]!, Date.now() + 6 * 60_000)).toBe(false);
    expect(isFromSkein('', body, SECRETS[0]!)).toBe(false);
  });

  it.each<[string, Behaviour, string]>([
    ['says 500', { status: 500, body: 'out of\r\ncoffee\u001b[2J' }, 'answered 500: out of coffee\ufffd[2J'],
    ['says 404 and no more', { status: 404 }, 'answered 404'],
    ['never answers', 'hang', `no answer within ${TIMEOUT_MS} ms`],
    ['answers byte by byte, for ever', 'drip', `no answer within ${TIMEOUT_MS} ms`],
    ['resets the connection', 'reset', 'no answer: the connection was reset (ECONNRESET)'],
    ['says far too much', 'flood', `answered 500: ${'x'.repeat(147)} [...] ${'x'.repeat(146)}`],
  ])('fails when the sink %s, and says so', async (_what, behaviour, error) => {
    receiver.always = behaviour;
    const startedAt = performance.now();
    expect(await send()).toMatchObject({ ok: false, error });
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_MS + 1_000);
  });

  it('fails when nobody listens', async () => {
    const one = settings('webhook');
    await receiver.stop();
    expect(await send(one)).toMatchObject({
      ok: false,
      status: null,
      error: 'no answer: nobody listens there (ECONNREFUSED)',
    });
    receiver = await Receiver.start();
  });

  it('fails when what listens speaks another protocol', async () => {
    const server = createServer((socket) => socket.end('220 smtp.example.org ESMTP\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect(await send(settings('webhook', url))).toMatchObject({ ok: false, status: null });
    expect(await send(settings('webhook', url.replace('http:', 'https:')))).toMatchObject({
      ok: false,
      status: null,
    });
    server.close();
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect: %d', async (status) => {
    await using elsewhere = await Receiver.start();
    receiver.always = { status, headers: { location: elsewhere.url('/inner') } };
    expect(await send()).toMatchObject({
      ok: false,
      status,
      error: `answered ${status}: redirects are not followed`,
    });
    expect(elsewhere.received).toEqual([]);
  });

  it('hears when it should come back, from a sink that is busy or away', async () => {
    for (const [status, retryAfterMs] of [
      [429, 7_000],
      [503, 7_000],
      [422, null],
    ] as const) {
      receiver.always = { status, headers: { 'retry-after': '7' } };
      expect(await send()).toMatchObject({ ok: false, status, retryAfterMs });
    }
  });

  it.each(['webhook', 'slack', 'pagerduty'] as const)(
    'repeats no secret of a %s that the sink repeats',
    async (type) => {
      const one = settings(type);
      const echo = JSON.stringify({ ...one, escaped: JSON.stringify(one).replaceAll('/', '\\/') });
      receiver.always = { status: 400, body: `no such ${type}: ${echo}` };
      const delivery = await send(one);
      expect(delivery).toMatchObject({ ok: false, error: expect.stringContaining(`no such ${type}`) });
      const text = JSON.stringify(delivery);
      if (type === 'webhook') for (const secret of SECRETS) expect(text).not.toContain(secret);
      if (type === 'pagerduty') expect(text).not.toContain(KEY);
      else expect(text).not.toContain('very-secret-path');
    },
  );

  it('is broken off when it is to end', async () => {
    receiver.always = 'hang';
    const stop = new AbortController();
    const sending = send(settings('webhook'), stop.signal);
    stop.abort(new Error('the end'));
    await expect(sending).rejects.toThrow('the end');
  });
});
