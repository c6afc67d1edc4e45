import type { PlanEvent, PlanState } from '#domain';
import type { PlanView } from '#ledger';
import { scrapeMetrics, silentLogger, startMetrics, type Metrics } from '#telemetry';
import { eventually, Scrape } from '#testing';
import { OverviewWriter } from '../publishing/overview-writer.ts';

const ENDED = '2026-11-20T12:00:00.000Z';

describe('what the writer of overview traces tells', () => {
  let metrics: Metrics;
  let takes: boolean;
  let writer: OverviewWriter;

  beforeEach(async () => {
    metrics = await startMetrics({ service: 'coordinator', instance: null, log: silentLogger });
    const plan = { planId: 'plan0001', submittedAt: ENDED, endedAt: ENDED, status: 'completed', counts: {} };
    const views = {
      plan: async () => plan as unknown as PlanView,
      steps: async () => [],
      events: async () => [],
      leaseTraces: async () => [],
      lastEnded: async () => [],
    };
    writer = new OverviewWriter({
      views,
      projector: { waitFor: async () => true, caughtUp: async () => true },
      settings: { otlpEndpoint: 'http://127.0.0.1:1', serviceName: null },
      log: silentLogger,
      trace: { write: async () => takes, close: async () => undefined },
      everyMs: 1,
      pauseMs: 1,
    });
  });

  afterEach(async () => {
    await writer.stop();
    await metrics.shutdown();
  });

  const writes = async (result: string) =>
    Scrape.parse(await scrapeMetrics()).sum('skein_overview_writes_total', { result });

  function end(): void {
    const plan = { planId: 'plan0001', seq: 1, closed: true, steps: [] } as unknown as PlanState;
    const events = [{ type: 'plan.completed', data: {} }] as unknown as PlanEvent[];
    writer.follow([{ plan, events, aborts: [] }]);
  }

  it('is each write that the collector took', async () => {
    takes = true;
    end();
    await eventually(async () => (await writes('written')) === 1);
    expect([await writes('failed'), await writes('given-up')]).toEqual([0, 0]);
  });

  it('is each write that failed, and the one that was given up', async () => {
    takes = false;
    end();
    await eventually(async () => (await writes('given-up')) === 1, { timeoutMs: 60_000 });
    expect([await writes('written'), await writes('failed')]).toEqual([0, 9]);
  }, 90_000);
});
