import { jest } from '@jest/globals';
import type { PlanEvent } from '#domain';
import { scrapeMetrics, silentLogger, startMetrics, type Metrics } from '#telemetry';
import { aPlan, eventually, freshDatabase, Scrape, type FreshDatabase } from '#testing';
import { EMPTY_HEAD } from './chain/event-body.ts';
import { PostgresUnderTest } from './contract/postgres-under-test.ts';
import type { Append } from './ledger.ts';
import { Projector } from './projecting/projector.ts';

jest.setTimeout(60_000);

describe('what the ledger tells of itself', () => {
  let fresh: FreshDatabase;
  let under: PostgresUnderTest;
  let metrics: Metrics;
  let term: number;

  beforeAll(async () => {
    fresh = await freshDatabase();
  });
  afterAll(() => fresh.drop());
  let schemas = 0;
  beforeEach(async () => {
    metrics = await startMetrics({ service: 'coordinator', instance: null, log: silentLogger });
    under = await PostgresUnderTest.open(fresh.adminUrl, `m${(schemas += 1)}`);
    term = (await under.terms.campaign('a'))!.term;
  });
  afterEach(async () => {
    await under.close();
    await metrics.shutdown();
  });

  const scraped = async () => Scrape.parse(await scrapeMetrics());

  it('is the size and the time of each append', async () => {
    await under.ledger.appendAll(term, [submission('plan0001'), submission('plan0002')]);
    await under.ledger.appendAll(term, []);
    const scrape = await scraped();
    expect(scrape.sum('skein_ledger_append_events_count')).toBe(1);
    expect(scrape.sum('skein_ledger_append_events_sum')).toBe(2);
    expect(scrape.sum('skein_ledger_append_seconds_count')).toBe(1);
    expect(scrape.sum('skein_ledger_append_seconds_sum')).toBeGreaterThan(0);
    expect(scrape.sum('skein_ledger_append_failures_total')).toBe(0);
  });

  it('is how appends failed: a head that moved, a term that is over, a database that is away', async () => {
    await under.ledger.appendAll(term, [submission('plan0001')]);
    await under.ledger.appendAll(term, [submission('plan0001')]);
    expect((await scraped()).sum('skein_ledger_append_failures_total', { kind: 'conflict' })).toBe(1);

    await under.silence();
    await under.terms.campaign('b');
    await expect(under.ledger.appendAll(term, [submission('plan0002')])).rejects.toThrow('over');
    expect((await scraped()).sum('skein_ledger_append_failures_total', { kind: 'term-lost' })).toBe(1);

    await under.database.close();
    await expect(under.ledger.appendAll(term, [submission('plan0003')])).rejects.toThrow(
      'nothing was written',
    );
    const scrape = await scraped();
    expect(scrape.sum('skein_ledger_append_failures_total', { kind: 'nothing-written' })).toBe(1);
    expect(scrape.sum('skein_ledger_append_seconds_count')).toBe(2);
  });

  it('is no lag of the projections that they keep up with a fleet that never rests', async () => {
    const projector = new Projector(under.database, { log: silentLogger, pauseMs: 25 });
    projector.start();
    const lags: number[] = [];
    const until = performance.now() + 3_000;
    for (let i = 0; performance.now() < until; i += 1) {
      await under.ledger.appendAll(term, [submission(`plan${10_000 + i}`)]);
      projector.nudge();
      if (i % 50 === 0) lags.push((await scraped()).sum('skein_projector_lag_seconds')!);
    }
    await projector.stop();
    expect(lags.length).toBeGreaterThan(2);
    expect(Math.max(...lags)).toBeLessThan(1.5);
  });

  it('is how far the projections are behind: little while they follow, ever more while they cannot', async () => {
    const projector = new Projector(under.database, { log: silentLogger, pollMs: 20, pauseMs: 1 });
    const lag = async () => (await scraped()).sum('skein_projector_lag_seconds');
    expect(await lag()).toBeNull();
    projector.start();
    await under.ledger.appendAll(term, [submission('plan0001')]);
    projector.nudge();
    await projector.caughtUp(10_000);
    await eventually(async () => (await lag())! < 0.5);

    // Another one holds the cursor: there is news, and this one cannot take it in.
    await under.admin.query('BEGIN');
    await under.admin.query("SELECT FROM projections WHERE name = 'plans' FOR UPDATE");
    await under.ledger.appendAll(term, [submission('plan0002')]);
    await eventually(async () => (await lag())! > 1, { timeoutMs: 20_000 });
    await under.admin.query('COMMIT');
    await eventually(async () => (await lag())! < 0.5);
    await projector.stop();
    expect(await lag()).toBeNull();
  });
});

function submission(planId: string): Append {
  const events: PlanEvent[] = [
    {
      type: 'plan.submitted',
      data: {
        tenant: 'local',
        definition: aPlan(),
        digest: 'd'.repeat(64),
        idempotencyKey: planId,
        by: { name: 'me', via: 'rest' },
        traceparent: null,
      },
    },
  ];
  return { planId, expected: EMPTY_HEAD, at: '2026-11-20T12:00:00.000Z', traceparent: null, events };
}
