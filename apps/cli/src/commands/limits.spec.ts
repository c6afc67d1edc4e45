import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CoordinatorClient } from '../client/coordinator-client.ts';
import type { LimitView } from '#client';
import { changeLine, limitLines } from '../rendering/limit-lines.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { verifyLedger } from './ledger.ts';
import { limitsHistory, listLimits, setLimits, unsetLimits } from './limits.ts';

const NONE = { kind: 'tenant', name: 'acme', from: 'settings', inUse: 0, changed: null };
const LIMITS = [
  { ...NONE, key: 'fleet', kind: 'fleet', name: null, value: 256, inUse: 6 },
  {
    ...NONE,
    key: 'tenant:acme',
    value: 5,
    from: 'changed',
    inUse: 6,
    changed: { by: { name: 'ann\u001b[2J', via: 'rest' }, why: 'a\ndeploy', at: '2026-11-21T01:00:00.000Z' },
  },
  { ...NONE, key: 'tenant:beta', name: 'beta', value: null, from: null, inUse: 2 },
  { ...NONE, key: 'tenant:*', name: '*', value: 50, inUse: null },
  { ...NONE, key: 'weight:acme', kind: 'weight', value: 3, inUse: null },
];

describe('skein limits', () => {
  it('shows what is in use of each, and who changed it, whatever names hold', async () => {
    await using server = await serve();
    expect(await listLimits(server.context, { json: false })).toBe(0);
    expect(server.lines.map((line) => line.replaceAll(/ {2,}/g, '  '))).toEqual([
      'fleet  6 of 256  settings',
      'tenant:acme  6 of 5  changed by ann\\x1b[2J: a\\ndeploy',
      'tenant:beta  2, no limit',
      'tenant:*  at most 50  settings',
      'weight:acme  3  settings',
    ]);
    expect(server.lines.join('')).not.toMatch(/\p{Cc}/u);
  });

  it('sets several at once, an address with = among them, and shows those', async () => {
    await using server = await serve();
    await setLimits(server.context, ['tenant:acme=5', 'repository:https://x.org/?a=b=2'], {
      why: 'a deploy',
      json: true,
    });
    expect(server.asked).toEqual([
      'PATCH /v1/limits {"limits":{"tenant:acme":5,"repository:https://x.org/?a=b":2},"why":"a deploy"}',
    ]);
    expect(server.lines.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(['tenant:acme']);
  });

  it('takes them back', async () => {
    await using server = await serve();
    await unsetLimits(server.context, ['fleet', 'weight:acme'], { json: false });
    expect(server.asked).toEqual(['PATCH /v1/limits {"limits":{"fleet":null,"weight:acme":null}}']);
  });

  it('asks nothing of the server when it was not told a limit', async () => {
    await using server = await serve();
    const o = { json: false };
    await expect(setLimits(server.context, ['tenant:acme'], o)).rejects.toThrow('such as tenant:acme=20');
    await expect(setLimits(server.context, ['fleet=many'], o)).rejects.toThrow('such as');
    await expect(unsetLimits(server.context, ['fleet=3'], o)).rejects.toThrow('unset takes no value');
    expect(server.asked).toEqual([]);
  });

  it('tells who changed what, page by page', async () => {
    await using server = await serve();
    await limitsHistory(server.context, { json: false });
    expect(server.lines).toEqual([
      '1  2026-11-21T01:00:00.000Z  ann: fleet=9, tenant:acme back to the settings (a deploy)',
    ]);
    expect(server.asked).toEqual([
      'GET /v1/limits/ledger?after=0&limit=500',
      'GET /v1/limits/ledger?after=1&limit=500',
    ]);
  });

  it('prints no escapes where numbers belong, whoever answers', async () => {
    const value = '\u001b[2J';
    const event = { seq: value, at: 'x', type: 'limits.changed' } as unknown as { seq: number };
    const data = { by: { name: 'ann' }, why: null, limits: { fleet: value } };
    expect(changeLine({ ...event, at: 'x', type: 'limits.changed', data })).toBe(
      '\\x1b[2J  x  ann: fleet=\\x1b[2J',
    );
    const limits = [
      { ...LIMITS[4]!, value },
      { ...LIMITS[0]!, inUse: value },
    ] as unknown as LimitView[];
    expect(limitLines(limits, (_, text) => text).join('')).not.toMatch(/\p{Cc}/u);
  });

  it('are verified like a plan, and what was altered is found', async () => {
    await using server = await serve();
    expect(await verifyLedger(server.context, null, { limits: true, json: false })).toBe(2);
    expect(server.lines[0]).toContain('NOT VERIFIED');
    await expect(verifyLedger(server.context, null, { limits: false, json: false })).rejects.toThrow(
      '--limits',
    );
    await expect(verifyLedger(server.context, 'p', { limits: true, json: false })).rejects.toThrow(
      '--limits',
    );
  });
});

async function serve() {
  const asked: string[] = [];
  const lines: string[] = [];
  const data = {
    by: { name: 'ann', via: 'rest' },
    why: 'a deploy',
    limits: { fleet: 9, 'tenant:acme': null },
  };
  const [head, hash] = [{ seq: 1, hash: '1'.repeat(64) }, '1'.repeat(64)];
  const event = { seq: 1, at: '2026-11-21T01:00:00.000Z', type: 'limits.changed', data };
  const more = { traceparent: null, body: '{}', prevHash: '0'.repeat(64), hash };
  const answer: RequestListener = (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}${text === '' ? '' : ` ${text}`}`);
      const isLedger = request.url!.startsWith('/v1/limits/ledger');
      const events = request.url!.includes('after=0') ? [{ ...event, ...more }] : [];
      const body = isLedger ? { head, events } : { seq: 1, limits: LIMITS, cut: false };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new CoordinatorClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const terminal = {
    out: (text: string) => void lines.push(text),
    err: () => undefined,
    paint: (_: string, text: string) => text,
  } as unknown as Terminal;
  return {
    asked,
    lines,
    context: { client, terminal },
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}
