import { scrapeMetrics, silentLogger, startMetrics, type Metrics } from '#telemetry';
import { Scrape, eventually } from '#testing';
import { PagedFleet, halted, poisoned } from './testing/paged-fleet.ts';
import { Receiver } from './testing/receiver.ts';

const PLAN = 'plan00000001';
const sink = 'audit';

describe('what paging tells of itself', () => {
  let metrics: Metrics;
  let fleet: PagedFleet;
  let receiver: Receiver;

  beforeEach(async () => {
    metrics = await startMetrics({ service: 'coordinator', instance: null, log: silentLogger });
    fleet = await PagedFleet.start();
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    await fleet.stop();
    await receiver.stop();
    await metrics.shutdown();
  });

  const scrape = async () => Scrape.parse(await scrapeMetrics());
  const audit = () => ({
    name: sink,
    type: 'slack' as const,
    url: receiver.url(),
    on: ['step.poisoned' as const, 'plan.halted' as const],
  });

  it('counts tries by how they ended, says what waits and for how long nothing arrived, and then nothing of it', async () => {
    receiver.always = { status: 500 };
    const pager = fleet.pager([audit()]);
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    await fleet.append(PLAN, poisoned(1), halted);
    const failing = await eventually(
      async () => {
        const now = await scrape();
        return (now.sum('skein_pages_total', { sink, result: 'failed' }) ?? 0) >= 2 ? now : null;
      },
      { what: 'two failures' },
    );
    expect(failing.sum('skein_pages_waiting', { sink })).toBe(2);
    expect(failing.sum('skein_pages_total', { sink, result: 'acknowledged' }) ?? 0).toBe(0);
    await eventually(async () => ((await scrape()).sum('skein_sink_failing_seconds', { sink }) ?? 0) > 0, {
      what: 'the sink to be failing for some time',
    });
    receiver.always = { status: 200 };
    const well = await eventually(
      async () => {
        const now = await scrape();
        return now.sum('skein_pages_waiting', { sink }) === 0 ? now : null;
      },
      { what: 'the pages to arrive' },
    );
    expect(well.sum('skein_pages_total', { sink, result: 'acknowledged' })).toBe(2);
    expect(well.sum('skein_page_latency_seconds_count', { sink })).toBe(2);
    expect(well.sum('skein_sink_failing_seconds', { sink })).toBe(0);
  });

  it('is told by the replica that decides, and by no other', async () => {
    let active = true;
    const pager = fleet.pager([audit()], { active: () => active });
    await fleet.seen(pager);
    await eventually(async () => (await scrape()).sum('skein_pages_waiting', { sink }) === 0, {
      what: 'the decider to tell',
    });
    active = false;
    await eventually(async () => (await scrape()).sum('skein_pages_waiting', { sink }) === null, {
      what: 'the standby to be silent',
    });
    expect((await scrape()).sum('skein_sink_failing_seconds', { sink })).toBeNull();
  });

  it('counts what is given up', async () => {
    receiver.always = { status: 500 };
    const pager = fleet.pager([audit()], { limits: { tryForMs: 100 } });
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    await fleet.append(PLAN, halted);
    await eventually(
      async () => (await scrape()).sum('skein_pages_total', { sink, result: 'given-up' }) === 1,
      { what: 'the page to be given up' },
    );
  });
});
