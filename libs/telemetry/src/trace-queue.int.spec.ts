import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '#testing';
import { names } from './names.ts';
import { inSpan } from './spans.ts';
import { startTelemetry } from './telemetry.ts';

/** Spans that wait for the collector, and those that are sent to it at once. */
const WAITING_MAX = 8_192;
const BATCH = 512;

describe('spans for a collector that hangs', () => {
  let server: Server;
  let held: ServerResponse[];
  let hangs: boolean;
  let taken: number;

  beforeEach(async () => {
    held = [];
    hangs = true;
    taken = 0;
    server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        taken += text.split('"spanId"').length - 1;
        if (hangs) held.push(response);
        else response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('wait in a bounded number, the rest is dropped, and what waits arrives when it is back', async () => {
    const otlpEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const telemetry = await startTelemetry({ serviceName: 'skein-worker', otlpEndpoint });
    try {
      await inSpan(names.spans.sweep, {}, async () => undefined);
      await eventually(() => held.length > 0, { what: 'the collector to be asked' });
      for (let n = 0; n < 2 * WAITING_MAX; n += 1) await inSpan(names.spans.sweep, {}, async () => undefined);
      // Those that were being sent meanwhile may be given up and are none of those that wait.
      hangs = false;
      taken = 0;
      for (const response of held) response.end();
      await eventually(() => taken >= WAITING_MAX - BATCH, { what: 'what waited to arrive' });
    } finally {
      await telemetry.shutdown();
    }
    expect(taken).toBeLessThanOrEqual(WAITING_MAX + BATCH);
  });
});
