import { eventually, Scrape } from '#testing';
import { createLogger, silentLogger } from '../logger.ts';
import type { MetricDeclaration } from './declaration.ts';
import { declaredMetrics, seriesMax, type MetricKey } from './declared-metrics.ts';
import {
  count,
  forgetReadings,
  measure,
  measuring,
  observe,
  setRecorder,
  type Recorder,
} from './recording.ts';
import { METRICS_CONTENT_TYPE, type Metrics, scrapeMetrics, startMetrics } from './start-metrics.ts';

const all = Object.entries(declaredMetrics) as [MetricKey, MetricDeclaration][];

describe('metrics', () => {
  let metrics: Metrics;
  const start = async (service: 'coordinator' | 'worker' = 'coordinator') => {
    metrics = await startMetrics({ service, instance: 'one', log: silentLogger });
  };
  const scraped = async () => Scrape.parse(await scrapeMetrics());

  afterEach(async () => {
    await metrics.shutdown();
  });

  it('tell what was counted and measured, in the text format of Prometheus', async () => {
    await start();
    count('leaseLosses', { reason: 'worker-silent' });
    count('leaseLosses', { reason: 'worker-silent' }, 2);
    measure('queueLatency', 0.3, { pool: 'heavy' });
    measure('queueLatency', 40, { pool: 'heavy' });
    const scrape = await scraped();
    expect(scrape.sum('skein_lease_losses_total', { reason: 'worker-silent' })).toBe(3);
    expect(scrape.types.get('skein_lease_losses_total')).toBe('counter');
    expect(scrape.types.get('skein_queue_latency_seconds')).toBe('histogram');
    const heavy = { pool: 'heavy' };
    expect(scrape.sum('skein_queue_latency_seconds_count', heavy)).toBe(2);
    expect(scrape.sum('skein_queue_latency_seconds_sum', heavy)).toBeCloseTo(40.3);
    expect(scrape.sum('skein_queue_latency_seconds_bucket', { ...heavy, le: '0.25' })).toBe(0);
    expect(scrape.sum('skein_queue_latency_seconds_bucket', { ...heavy, le: '0.5' })).toBe(1);
    expect(scrape.sum('skein_queue_latency_seconds_bucket', { ...heavy, le: '+Inf' })).toBe(2);
    expect(scrape.all('target_info')[0]?.labels).toEqual({
      service_name: 'skein-coordinator',
      service_instance_id: 'one',
    });
    expect(METRICS_CONTENT_TYPE).toContain('version=0.0.4');
  });

  it('go on growing from scrape to scrape', async () => {
    await start();
    for (let round = 1; round <= 3; round += 1) {
      count('deadLetters', {});
      measure('turnInputs', 2, {});
      const scrape = await scraped();
      expect(scrape.sum('skein_dead_letters_total')).toBe(round);
      expect(scrape.sum('skein_decision_batch_size_count')).toBe(round);
    }
  });

  it('begin at 0 for failures that have not happened, on the process that they are of', async () => {
    await start();
    expect((await scraped()).sum('skein_ledger_append_failures_total', { kind: 'unknown' })).toBe(0);
    expect((await scraped()).sum('skein_worker_job_ends_total')).toBeNull();
    await metrics.shutdown();
    await start('worker');
    expect((await scraped()).sum('skein_worker_job_ends_total', { how: 'lost' })).toBe(0);
    expect((await scraped()).sum('skein_ledger_append_failures_total')).toBeNull();
  });

  it('are not asked any more when all of them are forgotten', async () => {
    await start();
    observe('slots', (tell) => tell(3, { pool: 'default' }));
    expect((await scraped()).sum('skein_pool_slots')).toBe(3);
    forgetReadings();
    expect((await scraped()).sum('skein_pool_slots')).toBeNull();
  });

  it('read gauges at each scrape, and forget those that nobody tells any more', async () => {
    await start();
    let ready = 5;
    const off = observe('steps', (tell) => {
      if (ready > 0) tell(ready, { state: 'ready' });
      tell(2, { state: 'leased' });
    });
    expect((await scraped()).sum('skein_steps', { state: 'ready' })).toBe(5);
    ready = 0;
    expect((await scraped()).sum('skein_steps', { state: 'ready' })).toBeNull();
    expect((await scraped()).sum('skein_steps', { state: 'leased' })).toBe(2);
    off();
    expect((await scraped()).all('skein_steps')).toEqual([]);
  });

  it('add up what falls together, and are told in spite of one reading that fails', async () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => lines.push(line) } as unknown as NodeJS.WritableStream;
    metrics = await startMetrics({
      service: 'coordinator',
      instance: null,
      log: createLogger({ name: 'test', level: 'info', destination }),
    });
    const offs = [
      observe('slots', (tell) => tell(3, { pool: 'default' })),
      observe('slots', () => {
        throw new Error('no slots today');
      }),
      observe('slots', (tell) => tell(4, { pool: 'default' })),
    ];
    expect((await scraped()).sum('skein_pool_slots', { pool: 'default' })).toBe(7);
    expect(lines.join()).toContain('no slots today');
    for (const off of offs) off();
  });

  it('measure what fails as well as what works, and throw on', async () => {
    await start('worker');
    const labels = (failed: boolean) => ({ operation: 'fetch', result: failed ? 'failed' : 'ok' }) as const;
    expect(await measuring('gitOperations', labels, async () => 7)).toBe(7);
    const broken = measuring('gitOperations', labels, () => Promise.reject(new Error('gone')));
    await expect(broken).rejects.toThrow('gone');
    const scrape = await scraped();
    expect(scrape.sum('skein_git_operation_seconds_count', { operation: 'fetch', result: 'ok' })).toBe(1);
    expect(scrape.sum('skein_git_operation_seconds_count', { operation: 'fetch', result: 'failed' })).toBe(1);
  });

  it('leave out values that are no measurements', async () => {
    await start();
    measure('turnDuration', Number.NaN, {});
    measure('turnDuration', -1, {});
    expect((await scraped()).sum('skein_decision_turn_seconds_count')).toBeNull();
  });

  it('keep their series bounded, whatever pools, reasons, routes and plans come by', async () => {
    await start();
    recordEverything(3_000);
    const offs = all.flatMap(([metric, { kind, labels }]) =>
      kind === 'gauge' || kind === 'total'
        ? [
            observe(metric as 'slots', (tell) => {
              for (let i = 0; i < 3_000; i += 1) tell(1, madeUp(labels, i) as { pool: string });
            }),
          ]
        : [],
    );
    const scrape = await scraped();
    for (const off of offs) off();
    for (const [, metric] of all) {
      const { name, kind, labels } = metric;
      const suffixes = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      const series = suffixes.flatMap((suffix) => scrape.all(`${name}${suffix}`));
      expect(series.length).toBeGreaterThan(0);
      // A closed list that takes no others gets one series for what the types should have kept out.
      const strays = Object.values(labels).reduce((most, values) => most * ('first' in values ? 1 : 2), 1);
      expect(series.length).toBeLessThanOrEqual(seriesMax(metric) * strays);
      for (const [label, values] of Object.entries(labels)) {
        const seen = new Set(series.map((sample) => sample.labels[label]!));
        const allowed = 'first' in values ? values.first + 1 : values.length + 1;
        expect(seen.size).toBeLessThanOrEqual(allowed);
        if ('first' in values) expect([...seen]).toContain('other');
      }
    }
    const pools = scrape.all('skein_queue_latency_seconds_count');
    expect(pools).toHaveLength(33);
    // Nothing is lost by it: what has no series of its own is in `other`.
    expect(scrape.sum('skein_queue_latency_seconds_count')).toBe(3_000);
    expect(scrape.sum('skein_queue_latency_seconds_count', { pool: 'other' })).toBe(3_000 - 32);
  });

  it('escape what a label may hold, and cut what is too long', async () => {
    await start();
    const hostile = 'a"b\\c\nd';
    measure('queueLatency', 1, { pool: hostile });
    measure('queueLatency', 1, { pool: 'x'.repeat(10_000) });
    const pools = (await scraped())
      .all('skein_queue_latency_seconds_count')
      .map(({ labels }) => labels['pool']);
    expect(pools).toEqual(['a"b\\c d', 'x'.repeat(128)]);
  });

  it('cost a step little: some ten records take less than 50 µs of processor time', async () => {
    await start();
    const step = () => {
      measure('admissionLatency', 0.2, { pool: 'default' });
      measure('queueLatency', 0.3, { pool: 'default' });
      count('jobPublishes', { result: 'published' });
      count('attempts', { verdict: 'accepted', kind: 'run' });
      measure('attemptDuration', 12, { kind: 'run' });
      count('stepOutcomes', { outcome: 'passed', kind: 'run' });
      measure('turnDuration', 0.004, {});
      measure('turnInputs', 3, {});
      measure('appendDuration', 0.003, {});
      measure('appendEvents', 5, {});
    };
    const rounds = 20_000;
    for (let i = 0; i < rounds; i += 1) step();
    // This process's own time: what others take of the machine is not the records' doing.
    const before = process.cpuUsage();
    for (let i = 0; i < rounds; i += 1) step();
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / rounds).toBeLessThan(50);
  });

  it('are told by nobody before their start and after their end', async () => {
    await start();
    count('deadLetters', {});
    await metrics.shutdown();
    expect(await scrapeMetrics()).toBe('# no metrics are recorded in this process\n');
    count('deadLetters', {});
    const recorder: Recorder | null = setRecorder(null);
    expect(recorder).toBeNull();
  });

  it('tell of the process itself', async () => {
    await start();
    const scrape = await scraped();
    expect(scrape.sum('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(scrape.sum('nodejs_heap_size_used_bytes')).toBeGreaterThan(1_000_000);
    expect(scrape.sum('process_cpu_seconds_total')).toBeGreaterThan(0.01);
    expect(scrape.types.get('process_cpu_seconds_total')).toBe('counter');
    const age = Date.now() / 1_000 - scrape.sum('process_start_time_seconds')!;
    expect(age).toBeGreaterThan(0);
    expect(age).toBeLessThan(24 * 3_600);
    // What begins right after a scrape belongs to no interval yet; so it is blocked until it shows.
    await eventually(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const until = performance.now() + 300;
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return (await scraped()).sum('skein_event_loop_lag_seconds', { quantile: '1' })! > 0.2;
    });
  });
});

function recordEverything(times: number): void {
  for (const [metric, { kind, labels }] of all) {
    for (let i = 0; i < times; i += 1) {
      const given = madeUp(labels, i);
      if (kind === 'counter') count(metric as 'leaseReleases', given as never, 1);
      if (kind === 'histogram') measure(metric as 'queueLatency', i % 100, given as { pool: string });
    }
  }
}

function madeUp(labels: MetricDeclaration['labels'], i: number): Record<string, string> {
  return Object.fromEntries(Object.keys(labels).map((label) => [label, `${label}-${i}`]));
}
