import { request } from 'node:http';
import { Scrape } from '#testing';
import { silentLogger } from '../logger.ts';
import { type MetricsServer, serveMetrics } from './metrics-server.ts';
import { count } from './recording.ts';
import { METRICS_CONTENT_TYPE, type Metrics, startMetrics } from './start-metrics.ts';

describe('the metrics of a worker over HTTP', () => {
  let metrics: Metrics;
  let server: MetricsServer;

  beforeEach(async () => {
    metrics = await startMetrics({ service: 'worker', instance: 'w1', log: silentLogger });
    server = await serveMetrics({ port: 0, host: '127.0.0.1', log: silentLogger });
  });

  afterEach(async () => {
    await server.close();
    await metrics.shutdown();
  });

  it('are answered as Prometheus reads them', async () => {
    count('jobEnds', { how: 'answered' });
    const response = await fetch(server.url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(METRICS_CONTENT_TYPE);
    const scrape = Scrape.parse(await response.text());
    expect(scrape.sum('skein_worker_job_ends_total', { how: 'answered' })).toBe(1);
  });

  it('take many scrapes at once', async () => {
    const texts = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(server.url)).text()));
    for (const text of texts) expect(Scrape.parse(text).sum('skein_worker_job_ends_total')).toBe(0);
  });

  it('are at one place, for reading, and not for web pages under a name of their own', async () => {
    const base = server.url.replace('/metrics', '');
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(server.url, { method: 'POST' })).status).toBe(405);
    expect(await statusFor(server.url, 'evil.example.org')).toBe(421);
  });

  it('say so when their port is taken', async () => {
    const port = Number(new URL(server.url).port);
    await expect(serveMetrics({ port, host: '127.0.0.1', log: silentLogger })).rejects.toThrow('EADDRINUSE');
  });
});

function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once('error', reject)
      .end();
  });
}
