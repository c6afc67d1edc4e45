import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadSettings } from '#config';
import type { PlanCommandInput, PlanDefinition } from '#domain';
import { LedgerDatabase, PostgresLedger, PostgresTerms, migrate } from '#ledger';
import { silentLogger } from '#telemetry';
import {
  aPlan,
  aStep,
  eventually,
  freshDatabase,
  freshNamespace,
  tempDir,
  testServers,
  type FreshDatabase,
} from '#testing';
import { planIdFor } from '../commands/plan-commands.ts';
import { Coordinator } from '../coordinator.ts';
import { ScriptedWorker, passAtOnce, type WorkAtHand } from '../testing/scripted-worker.ts';

const LEASE_MS = 1_200;
const KEY = '0123456789abcdef0123456789abcdef';
const SECRET = 'a-secret-of-the-webhook';

interface Told {
  path: string;
  body: Record<string, unknown>;
  status: number;
}

/** Everybody who is paged, at one address: `/webhook`, `/slack`, `/pagerduty`. */
class People {
  readonly told: Told[] = [];
  /** 0: never answers. */
  answer: (path: string) => number = () => 202;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<People> {
    const server = createServer();
    const people = new People(server);
    server.on('request', (request, response) => void people.hear(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return people;
  }

  get sinks(): object[] {
    const url = (path: string) => `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${path}`;
    return [
      { name: 'audit', type: 'webhook', url: url('webhook'), secrets: [SECRET] },
      { name: 'chat', type: 'slack', url: url('slack') },
      { name: 'ops', type: 'pagerduty', url: url('pagerduty'), routingKey: KEY },
    ];
  }

  at(path: string): Told[] {
    return this.told.filter((one) => one.path === `/${path}`);
  }

  /** What the webhook took, in a few words. */
  get heard(): string[] {
    return this.at('webhook')
      .filter(({ status }) => status === 202)
      .map(({ body }) => {
        const { action, kind, step } = body as {
          action: string;
          kind: string;
          step: { name: string } | null;
        };
        return `${action} ${kind}${step ? ` ${step.name}` : ''}`;
      });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
    const path = request.url ?? '';
    const status = this.answer(path);
    this.told.push({ path, body: JSON.parse(text) as Record<string, unknown>, status });
    if (status > 0) response.writeHead(status).end();
  }
}

describe('a coordinator that pages', () => {
  let database: FreshDatabase;
  let namespace: string;
  let home: string;
  let people: People;
  const open: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    database = await freshDatabase();
    namespace = freshNamespace();
    home = await tempDir('paging');
    people = await People.start();
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.stop();
    await people.stop();
    await database.drop();
  });

  async function coordinator(sinks: object[] = people.sinks): Promise<Coordinator> {
    const settings = loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: testServers().natsUrl,
      SKEIN_NAMESPACE: namespace,
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_LEASE_MS: `${LEASE_MS}ms`,
      SKEIN_CLAIM_TIMEOUT_MS: '1s',
      SKEIN_DECIDER_TTL_MS: '1s',
      SKEIN_SINKS: JSON.stringify(sinks),
      SKEIN_LINK_URL: 'https://skein.example.org',
      HOME: home,
    });
    const one = await Coordinator.start(settings, silentLogger);
    open.push(one);
    // Whoever begins to be paged is told what happens from then on.
    const seen = new LedgerDatabase({ url: database.adminUrl, log: silentLogger });
    await eventually(
      async () => {
        const rows = await seen.read<{ name: string }>(null, 'SELECT name FROM skein.sinks');
        return rows.length >= sinks.length;
      },
      { what: 'the sinks to be seen' },
    );
    await seen.close();
    return one;
  }

  async function stop(one: { stop(): Promise<void> }): Promise<void> {
    open.splice(open.indexOf(one), 1);
    await one.stop();
  }

  async function worker(work: (hand: WorkAtHand) => Promise<void> = passAtOnce): Promise<ScriptedWorker> {
    const { natsUrl } = testServers();
    const one = await ScriptedWorker.start({ name: `w${open.length}`, natsUrl, namespace, slots: 8, work });
    open.push(one);
    return one;
  }

  /** Finds the base red, reports every step named `bad` as blocked, and passes the others. */
  const blockBad = async (hand: WorkAtHand): Promise<void> => {
    const { stepName } = hand.job;
    const resolved = stepName === 'resolve' ? { baseSha: 'a'.repeat(40), files: {}, texts: {} } : null;
    const passed = { status: 'passed' as const, commit: null, outputs: {}, resolved, candidate: null };
    const reason = { code: 'baseline-red', message: '2 checks fail' };
    const isBad = stepName === 'bad' || stepName === 'baseline';
    const result = isBad ? { status: 'blocked' as const, reason } : passed;
    const message = { lease: hand.lease, result, traceparent: null };
    await hand.client.request('result', message, AbortSignal.timeout(30_000));
  };

  async function submit(at: Coordinator, definition: PlanDefinition, key: string): Promise<string> {
    const planId = planIdFor('local', key);
    const by = { name: 'spec', via: 'rest' };
    const submission = {
      tenant: 'local',
      definition,
      digest: key,
      idempotencyKey: key,
      by,
      traceparent: null,
    };
    const reply = await at.commands.execute({ kind: 'submit', planId, submission }, null);
    expect(reply).toMatchObject({ status: 'decided', reply: { status: 'applied' } });
    return planId;
  }

  async function operate(at: Coordinator, planId: string, input: PlanCommandInput): Promise<void> {
    const reply = await at.commands.execute({ kind: 'operate', planId, input }, null);
    expect(reply).toMatchObject({ status: 'decided', reply: { status: 'applied' } });
  }

  const command = { by: { name: 'ada', via: 'cli' }, why: 'fixed the machine' };
  const heard = (...expected: string[]) =>
    eventually(() => people.heard.length >= expected.length, {
      timeoutMs: 15_000,
      what: expected.join(', '),
    }).then(() => expect(people.heard).toEqual(expected));
  const acknowledged = (at: Coordinator) =>
    eventually(async () => (await at.pager.statuses()).every(({ waiting }) => waiting === 0), {
      timeoutMs: 15_000,
      what: 'every page to be acknowledged',
    });

  it('pages everybody when a step is poisoned and its plan halts, and tells them when it goes on', async () => {
    const at = await coordinator();
    const sick: ScriptedWorker = await worker(async (hand) => {
      if (hand.job.stepName !== 'pill' || hand.job.epoch > 1) return passAtOnce(hand);
      await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(10_000));
      sick.forget(hand.lease);
      await new Promise<void>((resolve) => hand.signal.addEventListener('abort', () => resolve()));
    });
    const plan = aPlan({ name: 'Migrate', maxLeases: 1, steps: [aStep({ name: 'pill' })] });
    const planId = await submit(at, plan, 'poison');
    await heard('trigger step.poisoned pill', 'trigger plan.halted');
    expect(people.at('webhook')[0]!.body).toMatchObject({
      plan: { id: planId, name: 'Migrate', tenant: 'local' },
      reason: { code: 'leases-used-up' },
      links: [{ url: `https://skein.example.org/v1/plans/${planId}/progress.md` }, {}],
    });
    await operate(at, planId, {
      kind: 'retry',
      ordinal: 0,
      attempts: null,
      note: null,
      onlyPoisoned: true,
      ...command,
    });
    await heard(
      'trigger step.poisoned pill',
      'trigger plan.halted',
      'resolve plan.halted',
      'resolve step.poisoned pill',
    );
    await acknowledged(at);
    const incidents = people.at('pagerduty').map(({ body }) => [body['event_action'], body['dedup_key']]);
    expect(incidents.map(([action]) => action)).toEqual(['trigger', 'trigger', 'resolve', 'resolve']);
    expect(new Set(incidents.map(([, key]) => key))).toEqual(
      new Set([`skein/${namespace}/${planId}/s0`, `skein/${namespace}/${planId}/plan`]),
    );
    expect(people.at('slack')).toHaveLength(4);
  }, 40_000);

  it('pages when a red base halts a plan, and when a deadline does, and not for what somebody cancelled', async () => {
    const at = await coordinator();
    await worker(blockBad);
    const late = aPlan({
      name: 'late',
      deadline: { afterMs: 500 },
      steps: [aStep({ name: 'asleep', work: { kind: 'wait', until: { forMs: 3_600_000 } } })],
    });
    const checks = { setup: [], verify: ['make test'], env: {}, network: false, timeout: TIMEOUT };
    const red = aPlan({
      name: 'red',
      repo: { url: 'https://example.org/repo', base: 'main' },
      baseline: { ...checks, pool: 'default', onRed: 'halt' },
    });
    await submit(at, red, 'red');
    await heard('trigger plan.halted');
    expect(people.at('webhook')[0]!.body).toMatchObject({
      reason: { message: expect.stringContaining('baseline (s2) is blocked: 2 checks fail') },
    });
    await submit(at, late, 'late');
    await heard('trigger plan.halted', 'trigger plan.halted');
    expect(people.at('webhook')[1]!.body).toMatchObject({ reason: { code: 'deadline-passed' } });
    const unwanted = await submit(at, { ...late, name: 'unwanted', deadline: null }, 'unwanted');
    await operate(at, unwanted, { kind: 'cancel', ...command });
    await submit(at, aPlan({ name: 'last', steps: [aStep({ name: 'bad' })] }), 'last');
    await heard('trigger plan.halted', 'trigger plan.halted', 'trigger plan.halted');
    expect(people.at('webhook').map(({ body }) => (body['plan'] as { name: string }).name)).toEqual([
      'red',
      'late',
      'last',
    ]);
  }, 30_000);

  it('delivers after a restart what failed before it, as the same page, and nothing again that was acknowledged', async () => {
    people.answer = (path) => (path === '/webhook' ? 500 : 202);
    const first = await coordinator();
    await worker(blockBad);
    await submit(first, aPlan({ steps: [aStep({ name: 'bad' })] }), 'restart');
    await eventually(() => people.at('webhook').length >= 2 && people.at('slack').length === 1, {
      timeoutMs: 15_000,
      what: 'two failures and a success',
    });
    await eventually(
      async () => (await first.pager.statuses()).filter(({ waiting }) => waiting === 0).length === 2,
      { what: 'the others to have it' },
    );
    await stop(first);
    people.answer = () => 202;
    const second = await coordinator();
    await heard('trigger plan.halted');
    await acknowledged(second);
    await stop(second);
    await acknowledged(await coordinator());
    const ids = people.at('webhook').map(({ body }) => body['id']);
    expect(new Set(ids).size).toBe(1);
    expect(people.at('webhook').filter(({ status }) => status === 202)).toHaveLength(1);
    expect([people.at('slack').length, people.at('pagerduty').length]).toEqual([1, 1]);
  }, 40_000);

  it('pages from the replica that decides, also after a take-over, and from no other', async () => {
    const first = await coordinator();
    await eventually(async () => (await first.readiness.missing()).length === 0, {
      what: 'somebody to decide',
    });
    const standby = await coordinator();
    await worker(blockBad);
    await submit(standby, aPlan({ steps: [aStep({ name: 'bad' })] }), 'one');
    await heard('trigger plan.halted');
    await stop(first);
    await submit(standby, aPlan({ steps: [aStep({ name: 'bad' })] }), 'two');
    await heard('trigger plan.halted', 'trigger plan.halted');
    await acknowledged(standby);
    expect(people.told).toHaveLength(6);
  }, 30_000);

  it('is as fast with a sink that never answers as without any', async () => {
    people.answer = () => 0;
    const everything = ['plan.submitted', 'plan.completed', 'step.blocked', 'plan.halted'];
    const dead = people.sinks.slice(0, 2).map((sink) => ({ ...sink, on: everything }));
    await worker();
    const steps = [aStep({ name: 'leaf', matrix: { kind: 'list', values: VALUES } })];
    const run = async (at: Coordinator, name: string): Promise<number> => {
      const startedAt = performance.now();
      const planIds = await Promise.all(
        Array.from({ length: PLANS }, (_, n) => submit(at, aPlan({ name, steps }), `${name} ${n}`)),
      );
      await eventually(
        async () => {
          for (const planId of planIds) if ((await at.reader.plan(planId)).status === 'running') return false;
          return true;
        },
        { timeoutMs: 30_000, everyMs: 10, what: 'the plans to end' },
      );
      return performance.now() - startedAt;
    };
    const times: Record<'dead' | 'none', number[]> = { dead: [], none: [] };
    // By turns: what else runs on the machine meets both.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [kind, sinks] of [
        ['none', []],
        ['dead', dead],
      ] as const) {
        const at = await coordinator([...sinks]);
        await eventually(async () => (await at.readiness.missing()).length === 0, { what: 'a decider' });
        await run(at, `warm ${kind} ${round}`);
        times[kind].push(await run(at, `${kind} ${round}`));
        if (kind === 'dead') expect((await at.pager.statuses())[0]!.waiting).toBeGreaterThan(0);
        await stop(at);
      }
    }
    const [without, withDead] = [Math.min(...times.none), Math.min(...times.dead)];
    expect(withDead).toBeLessThan(without * 1.5 + 250);
  }, 120_000);

  it('stops within seconds while a sink hangs', async () => {
    people.answer = () => 0;
    const at = await coordinator();
    await worker(blockBad);
    await submit(at, aPlan({ steps: [aStep({ name: 'bad' })] }), 'hanging');
    await eventually(() => people.told.length === 3, { what: 'the pages to be on their way' });
    const startedAt = performance.now();
    await stop(at);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  }, 30_000);

  it('pages that a plan cannot be read, once however many deciders find it so, and pages the others as ever', async () => {
    const first = await coordinator();
    await worker(blockBad);
    const wait = aStep({ name: 'asleep', work: { kind: 'wait', until: { forMs: 3_600_000 } } });
    const planId = await submit(first, aPlan({ name: 'Riddle', steps: [wait] }), 'riddle');
    await stop(first);
    await appendNonsense(planId);
    const second = await coordinator();
    await heard('trigger plan.unreadable');
    expect(people.at('webhook')[0]!.body).toMatchObject({ plan: { id: planId, name: 'Riddle' } });
    await acknowledged(second);
    await stop(second);
    const third = await coordinator();
    await submit(third, aPlan({ steps: [aStep({ name: 'bad' })] }), 'sound');
    await heard('trigger plan.unreadable', 'trigger plan.halted');
  }, 40_000);

  /** What no version of the decider could have written. */
  async function appendNonsense(planId: string): Promise<void> {
    const { runtimeUrl } = await migrate({ adminUrl: database.adminUrl, log: silentLogger });
    const db = new LedgerDatabase({ url: runtimeUrl, log: silentLogger });
    const terms = new PostgresTerms(db);
    const { term } = await eventually(() => terms.campaign('spec'), { what: 'a term' });
    const ledger = new PostgresLedger(db);
    const data = { ordinal: 999, epoch: 1, worker: 'w', tokenDigest: 't', commit: null, outputs: {} };
    const append = {
      planId,
      expected: await ledger.head(planId),
      at: new Date().toISOString(),
      traceparent: null,
      events: [{ type: 'step.passed' as const, data }],
    };
    expect(await ledger.appendAll(term, [append])).toMatchObject([{ status: 'appended' }]);
    await terms.resign(term);
    await db.close();
  }
});

const TIMEOUT = { attemptMs: 60_000, idleMs: 30_000 };
const PLANS = 10;
const ROUNDS = 3;
const VALUES = Array.from({ length: 40 }, (_, index) => `v${index}`);
