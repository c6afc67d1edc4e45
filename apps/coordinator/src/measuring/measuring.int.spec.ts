import { request } from 'node:http';
import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { connectBus, DeciderClient, DeciderLocator } from '#bus';
import { loadSettings, type Settings } from '#config';
import type { PlanDefinition, PlanEvent } from '#domain';
import { EMPTY_HEAD, LedgerDatabase, PostgresLedger, PostgresTerms, migrate } from '#ledger';
import {
  declaredMetrics,
  METRICS_CONTENT_TYPE,
  seriesMax,
  silentLogger,
  startMetrics,
  type MetricDeclaration,
  type Metrics,
} from '#telemetry';
import {
  aPlan,
  aStep,
  eventually,
  freshDatabase,
  freshNamespace,
  Scrape,
  tempDir,
  testServers,
  type FreshDatabase,
} from '#testing';
import { planIdFor } from '../commands/plan-commands.ts';
import { Coordinator } from '../coordinator.ts';
import { JobDispatcher } from '../publishing/job-dispatcher.ts';
import { startRestApi } from '../rest-api.ts';
import { ScriptedWorker, passAtOnce, type WorkAtHand } from '../testing/scripted-worker.ts';

const NOW = '2026-11-20T12:00:00.000Z';

/** Only the decider has these. */
const DECIDERS_OWN: string[] = Object.values(declaredMetrics as Record<string, MetricDeclaration>)
  .filter(({ by }) => by === 'decider')
  .map(({ name }) => name);

describe('the metrics of a coordinator', () => {
  let metrics: Metrics;
  let database: FreshDatabase;
  let settings: Settings;
  let namespace: string;
  let natsUrl: string;
  const open: { stop(): Promise<unknown> }[] = [];

  beforeEach(async () => {
    metrics = await startMetrics({ service: 'coordinator', instance: null, log: silentLogger });
    database = await freshDatabase();
    namespace = freshNamespace();
    ({ natsUrl } = testServers());
    const home = await tempDir('metrics');
    settings = loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: natsUrl,
      SKEIN_NAMESPACE: namespace,
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_LEASE_MS: '1500ms',
      SKEIN_CLAIM_TIMEOUT_MS: '500ms',
      SKEIN_DECIDER_TTL_MS: '1s',
      SKEIN_PORT: '0',
      HOME: home,
    });
  });

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.stop();
    await database.drop();
    await metrics.shutdown();
  });

  async function coordinator(): Promise<{ at: Coordinator; url: string; stop(): Promise<void> }> {
    const at = await Coordinator.start(settings, silentLogger);
    const app: NestFastifyApplication = await startRestApi(settings, at, silentLogger);
    const one = {
      at,
      url: await app.getUrl(),
      async stop() {
        await app.close();
        await at.stop();
      },
    };
    open.push(one);
    await eventually(async () => (await scraped(one.url)).sum('skein_decider_active') === 1, {
      what: 'somebody to decide',
    });
    return one;
  }

  async function worker(name: string, slots: number, work: (at: WorkAtHand) => Promise<void>) {
    const one = await ScriptedWorker.start({ name, natsUrl, namespace, slots, work });
    open.push(one);
    return one;
  }

  async function submit(at: Coordinator, definition: PlanDefinition, key: string, tenant = 'local') {
    const planId = planIdFor(tenant, key);
    const by = { name: 'spec', via: 'rest' };
    const submission = { tenant, definition, digest: key, idempotencyKey: key, by, traceparent: null };
    // On a busy machine a decider is unsure of its term now and then; clients come back, too.
    await eventually(async () => {
      const reply = await at.commands.execute({ kind: 'submit', planId, submission }, null);
      expect(reply).toMatchObject({ reply: { status: 'applied' } });
      return true;
    });
    return planId;
  }

  async function scraped(url: string): Promise<Scrape> {
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toBe(METRICS_CONTENT_TYPE);
    return Scrape.parse(await response.text());
  }

  const told = (scrape: Scrape): string[] => DECIDERS_OWN.filter((name) => scrape.sum(name) !== null);

  const closed = (at: Coordinator, planId: string) =>
    eventually(async () => (await at.reader.plan(planId)).closed, { timeoutMs: 20_000 });

  it('follow a plan from its submission to its end', async () => {
    const { at, url } = await coordinator();
    const go = Promise.withResolvers<void>();
    await worker('w1', 4, async (hand) => {
      await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(20_000));
      await go.promise;
      await passAtOnce(hand);
    });
    open.push({ stop: async () => go.resolve() });
    const values = Array.from({ length: 12 }, (_, index) => String(index));
    const planId = await submit(
      at,
      aPlan({
        steps: [
          aStep({ name: 'wide', matrix: { kind: 'list', values } }),
          aStep({ name: 'join', needs: ['wide'] }),
        ],
      }),
      'followed',
    );
    const running = await eventually(async () => {
      const scrape = await scraped(url);
      const leased = scrape.sum('skein_steps', { state: 'leased' });
      // What is being decided shows before it is committed.
      return leased === 4 && scrape.sum('skein_jobs_unclaimed') === 4 ? scrape : null;
    });
    expect(running.sum('skein_steps', { state: 'admitted' })).toBe(4);
    expect(running.sum('skein_steps', { state: 'ready' })).toBe(4);
    expect(running.sum('skein_steps', { state: 'waiting' })).toBe(1);
    expect(running.sum('skein_steps_in_flight', { pool: 'default' })).toBe(8);
    expect(running.sum('skein_pool_slots', { pool: 'default' })).toBe(4);
    expect(running.sum('skein_workers', { state: 'serving' })).toBe(1);
    expect(running.sum('skein_plans_open', { status: 'running' })).toBe(1);
    expect(running.sum('skein_plans_stuck')).toBe(0);
    expect(running.sum('skein_decider_active')).toBe(1);
    expect(running.sum('skein_decider_term')).toBe(1);
    expect(running.sum('skein_admission_oldest_wait_seconds', { pool: 'default' })).toBeGreaterThan(0);
    expect(running.sum('skein_decider_terms_begun_total')).toBe(1);

    go.resolve();
    await closed(at, planId);
    const after = await scraped(url);
    expect(after.sum('skein_plans_submitted_total')).toBe(1);
    expect(after.sum('skein_step_outcomes_total', { outcome: 'passed', kind: 'noop' })).toBe(13);
    expect(after.sum('skein_plan_duration_seconds_count', { status: 'completed' })).toBe(1);
    expect(after.sum('skein_admission_latency_seconds_count', { pool: 'default' })).toBe(13);
    expect(after.sum('skein_queue_latency_seconds_count', { pool: 'default' })).toBe(13);
    expect(after.sum('skein_job_publishes_total', { result: 'published' })).toBe(13);
    expect(after.sum('skein_decision_turn_seconds_count')).toBeGreaterThan(2);
    expect(after.sum('skein_decision_batch_size_sum')).toBeGreaterThanOrEqual(1 + 2 * 13);
    expect(after.sum('skein_ledger_append_events_sum')).toBe((await at.reader.plan(planId)).head.seq);
    expect(after.sum('skein_steps')).toBe(0);
    expect(after.sum('skein_plans_open')).toBe(0);
    for (const calm of [
      'skein_decision_failures_total',
      'skein_sweeper_repairs_total',
      'skein_lease_losses_total',
    ])
      expect(after.sum(calm)).toBe(0);
  }, 60_000);

  it('tell of a standby only that it stands by, and of the successor what the decider knew', async () => {
    const first = await coordinator();
    const second = await coordinator();
    await worker('w1', 8, passAtOnce);
    // Both are in this process: what a standby told, too, would count twice.
    const both = await eventually(async () => {
      const scrape = await scraped(second.url);
      return scrape.sum('skein_pool_slots', { pool: 'default' }) !== null ? scrape : null;
    });
    expect(both.sum('skein_pool_slots', { pool: 'default' })).toBe(8);
    expect(both.sum('skein_decider_active')).toBe(1);
    expect(both.sum('skein_decider_terms_begun_total')).toBe(1);
    open.splice(open.indexOf(first), 1);
    await first.stop();
    const alone = await eventually(async () => {
      const scrape = await scraped(second.url);
      return scrape.sum('skein_decider_term') === 2 && scrape.sum('skein_workers') === 1 ? scrape : null;
    });
    expect(alone.sum('skein_decider_active')).toBe(1);
    expect(alone.sum('skein_decider_terms_begun_total')).toBe(2);
    expect(alone.sum('skein_decider_terms_ended_total', { how: 'resigned' })).toBe(1);
    await second.at.stop();
    const nobody = await scraped(second.url);
    expect(told(nobody)).toEqual([]);
    expect(nobody.sum('skein_decider_active')).toBeNull();
  }, 60_000);

  it('count what is lost, mended and given up: silent workers, unread jobs, a poisoned step', async () => {
    const { at, url } = await coordinator();
    const doomed = await worker('doomed', 1, async (hand) => {
      await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(20_000));
      doomed.forget(hand.lease);
    });
    const planId = await submit(at, aPlan({ maxLeases: 1, steps: [aStep()] }), 'doomed');
    await closed(at, planId);
    await eventually(async () => {
      const scrape = await scraped(url);
      return scrape.sum('skein_dead_letter_copies_total', { result: 'copied' }) === 1;
    });
    const lost = await scraped(url);
    expect(lost.sum('skein_lease_losses_total', { reason: 'worker-silent' })).toBe(1);
    expect(lost.sum('skein_sweeper_repairs_total', { kind: 'silent-lease' })).toBe(1);
    expect(lost.sum('skein_dead_letters_total')).toBe(1);
    expect(lost.sum('skein_step_outcomes_total', { outcome: 'poisoned' })).toBe(1);
    expect(lost.sum('skein_plan_duration_seconds_count', { status: 'halted' })).toBe(1);
    await doomed.stop();
    open.splice(open.indexOf(doomed), 1);

    const blind = await ScriptedWorker.start({
      name: 'blind',
      natsUrl,
      namespace,
      slots: 1,
      unreadable: () => true,
      work: passAtOnce,
    });
    open.push(blind);
    const unread = await submit(at, aPlan({ maxLeases: 2, steps: [aStep()] }), 'unread');
    await closed(at, unread);
    const given = await scraped(url);
    expect(given.sum('skein_sweeper_repairs_total', { kind: 'job-reissued' })).toBeGreaterThan(0);
    expect(given.sum('skein_sweeper_repairs_total', { kind: 'job-given-up' })).toBeGreaterThan(0);
    expect(given.sum('skein_lease_losses_total', { reason: 'never-claimed' })).toBeGreaterThan(0);
  }, 90_000);

  it('count a plan that nobody can read, and a job that cannot be made', async () => {
    const { runtimeUrl } = await migrate({ adminUrl: database.adminUrl, log: silentLogger });
    const rows = new LedgerDatabase({ url: runtimeUrl, log: silentLogger });
    const terms = new PostgresTerms(rows);
    const { term } = (await terms.campaign('spec'))!;
    const by = { name: 'spec', via: 'rest' };
    const submitted = {
      tenant: 'local',
      definition: aPlan(),
      digest: 'd',
      idempotencyKey: 'k',
      by,
      traceparent: null,
    };
    const unheardOf = { ordinal: 99, epoch: 1, reason: { code: 'no', message: 'no' } };
    const events: PlanEvent[] = [
      { type: 'plan.submitted', data: submitted },
      { type: 'step.blocked', data: unheardOf },
    ];
    const append = { planId: 'unreadable01', expected: EMPTY_HEAD, at: NOW, traceparent: null, events };
    await new PostgresLedger(rows).appendAll(term, [append]);
    await terms.resign(term);
    await rows.close();

    const { at, url } = await coordinator();
    await eventually(async () => (await scraped(url)).sum('skein_plans_unreadable_total') === 1);
    const unbuildable = jest.spyOn(JobDispatcher.prototype, 'follow').mockImplementationOnce(() => {
      throw new Error('a defect');
    });
    await submit(at, aPlan(), 'unbuildable');
    expect(unbuildable).toHaveBeenCalled();
    const scrape = await scraped(url);
    expect(scrape.sum('skein_decision_failures_total', { stage: 'job' })).toBe(1);
    expect(scrape.sum('skein_decision_failures_total')).toBe(1);
    unbuildable.mockRestore();
  }, 60_000);

  it('stay bounded however many plans, pools, tenants, workers and paths come by', async () => {
    const { at, url } = await coordinator();
    const bus = await connectBus({ url: natsUrl, namespace, name: 'many', log: silentLogger });
    const locator = new DeciderLocator({ bus }).start();
    open.push({
      stop: async () => {
        locator.stop();
        await bus.close();
      },
    });
    const client = new DeciderClient({ bus, locator });
    await eventually(() => locator.current !== null);
    const before = (await scraped(url)).samples.length;
    for (let i = 0; i < 120; i += 1) {
      await beat(client, `worker-${i}`, [`pool-${i}`]);
      const steps = [aStep({ name: `step-${i}`, pool: `pool-${i}` })];
      await submit(at, aPlan({ name: `plan ${i}`, steps }), `key-${i}`, `tenant-${i}`);
      await get(`${url}/v1/plans/made-up-${i}`);
      await get(`${url}/made/up/${i}`);
    }
    const everybody = Array.from({ length: 120 }, (_, i) => i);
    const scrape = await eventually(async () => {
      // On a busy machine the first have been silent for long by now.
      await Promise.all(everybody.map((i) => beat(client, `worker-${i}`, [`pool-${i}`])));
      const now = await scraped(url);
      const isThere = now.sum('skein_workers', { state: 'serving' }) === 120;
      return isThere && now.sum('skein_steps', { state: 'admitted' }) === 120 ? now : null;
    });
    expect(scrape.sum('skein_plans_open')).toBe(120);
    expect(scrape.all('skein_steps_in_flight')).toHaveLength(33);
    expect(scrape.sum('skein_steps_in_flight')).toBe(120);
    expect(scrape.sum('skein_steps_in_flight', { pool: 'other' })).toBe(88);
    expect(scrape.all('skein_pool_slots')).toHaveLength(33);
    expect(scrape.all('skein_admission_latency_seconds_count')).toHaveLength(33);
    expect(scrape.sum('skein_workers', { state: 'serving' })).toBe(120);
    for (const metric of Object.values(declaredMetrics as Record<string, MetricDeclaration>)) {
      const { name, kind } = metric;
      const suffixes = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      const series = suffixes.reduce((sum, suffix) => sum + scrape.all(`${name}${suffix}`).length, 0);
      expect(series).toBeLessThanOrEqual(seriesMax(metric));
    }
    for (const made of ['plan-', 'plan 1', 'step-', 'tenant-', 'worker-1', 'made-up'])
      expect(
        scrape.samples.filter(({ labels }) => Object.values(labels).some((v) => v.includes(made))),
      ).toEqual([]);
    // Twice as many of everything add nothing that the first ones did not.
    const size = scrape.samples.length;
    expect(size).toBeGreaterThan(before);
    for (let i = 120; i < 240; i += 1) {
      await beat(client, `worker-${i}`, [`pool-${i}`]);
      await submit(at, aPlan({ steps: [aStep({ pool: `pool-${i}` })] }), `key-${i}`, `tenant-${i}`);
      await get(`${url}/v1/plans/made-up-${i}`);
      await get(`${url}/made/up/${i}`);
    }
    // Fewer, when workers of the beginning have been forgotten.
    expect((await scraped(url)).samples.length).toBeLessThanOrEqual(size);
  }, 120_000);

  it('measure requests by route and class of status, whatever their paths were, and count open streams', async () => {
    const { at, url } = await coordinator();
    const planId = await submit(at, aPlan(), 'asked');
    await get(`${url}/v1/plans/${planId}`);
    await get(`${url}/v1/plans/unknown-plan`);
    await get(`${url}/nothing/here`);
    await get(`${url}/v1/plans`, { host: 'evil.example.org' });
    await abandon(`${url}/v1/plans`, at);
    const stream = await fetch(`${url}/v1/events`, { headers: { accept: 'text/event-stream' } });
    expect(stream.status).toBe(200);
    const streaming = await scraped(url);
    expect(streaming.sum('skein_rest_streams')).toBe(1);
    await stream.body?.cancel();
    const scrape = await eventually(async () => {
      const now = await scraped(url);
      return now.sum('skein_rest_streams') === 0 ? now : null;
    });
    const requests = (route: string, status: string) =>
      scrape.sum('skein_rest_request_seconds_count', { method: 'GET', route, status });
    expect(requests('/v1/plans/:planId', '2xx')).toBe(1);
    expect(requests('/v1/plans/:planId', '4xx')).toBe(1);
    expect(requests('unmatched', '4xx')).toBe(1);
    expect(requests('/v1/plans', '4xx')).toBe(1);
    expect(requests('/v1/plans', 'aborted')).toBe(1);
    expect(requests('/metrics', '2xx')).toBeGreaterThan(0);
    expect(scrape.sum('skein_rest_request_seconds_count', { route: '/v1/events' })).toBeNull();
  }, 60_000);
});

async function beat(client: DeciderClient, worker: string, pools: string[]): Promise<void> {
  const message = { worker, pools, slots: 1, draining: false, leases: [] };
  await client.heartbeat(message, 5_000);
}

function get(url: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers, agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
    })
      .once('error', reject)
      .end();
  });
}

/** Goes before its answer comes. */
async function abandon(url: string, at: Coordinator): Promise<void> {
  const { plans } = at.reader;
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  at.reader.plans = async (...args) => {
    asked.resolve();
    await gone.promise;
    return plans.apply(at.reader, args);
  };
  const leaving = request(url, { agent: false });
  leaving.once('error', () => undefined);
  leaving.end();
  await asked.promise;
  leaving.destroy();
  await new Promise((resolve) => leaving.once('close', resolve));
  // The server hears of it a moment later.
  await new Promise((resolve) => setTimeout(resolve, 200));
  gone.resolve();
  at.reader.plans = plans;
}
