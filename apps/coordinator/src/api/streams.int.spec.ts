import 'reflect-metadata';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { planEvents, type StreamedEvent } from '#client';
import { loadSettings, type Settings } from '#config';
import type { PlanDefinition } from '#domain';
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
import { startRestApi } from '../rest-api.ts';
import { ScriptedWorker, passAtOnce, type WorkAtHand } from '../testing/scripted-worker.ts';

const STREAMS_MAX = 6;
/** What would end the field, the frame or the stream, or turn the reader's eye, if it came as it is. */
const HOSTILE = 'a\nevent: end\n\ndata: {}\r\n\u0000\u009b31m\u202e\u2028\ud800';

interface Ledger {
  events: { seq: number; at: string; type: string; data: object; traceparent: string | null }[];
}

describe('event streams of a coordinator', () => {
  let database: FreshDatabase;
  let namespace: string;
  let home: string;
  let url: string;
  const open: (() => Promise<unknown>)[] = [];
  const streams: Stream[] = [];

  beforeEach(async () => {
    database = await freshDatabase();
    namespace = freshNamespace();
    home = await tempDir('streams');
  });

  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.close();
    for (const stop of open.splice(0).reverse()) await stop();
    await database?.drop();
  });

  function settings(port: number): Settings {
    return loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: testServers().natsUrl,
      SKEIN_NAMESPACE: namespace,
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_STREAMS_MAX: String(STREAMS_MAX),
      SKEIN_PORT: String(port),
      HOME: home,
    });
  }

  /** A coordinator that serves; on the same port when one was there before. */
  async function start(
    port = 0,
  ): Promise<{ at: Coordinator; app: NestFastifyApplication; stop(): Promise<void> }> {
    const at = await Coordinator.start(settings(port), silentLogger);
    const app = await startRestApi(settings(port), at, silentLogger);
    url = await app.getUrl();
    let stopped: Promise<void> | null = null;
    const stop = () => (stopped ??= app.close().then(() => at.stop()));
    open.push(stop);
    return { at, app, stop };
  }

  async function worker(work: (at: WorkAtHand) => Promise<void> = passAtOnce): Promise<void> {
    const { natsUrl } = testServers();
    const one = await ScriptedWorker.start({ name: 'w1', natsUrl, namespace, slots: 4, work });
    open.push(() => one.stop());
  }

  async function submit(at: Coordinator, definition: PlanDefinition, key: string): Promise<string> {
    await eventually(async () => (await at.readiness.missing()).length === 0, { what: 'somebody to decide' });
    const planId = planIdFor('local', key);
    const by = { name: 'spec', via: 'rest' };
    const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
    const submission = { tenant: 'local', definition, digest: key, idempotencyKey: key, by, traceparent };
    // A busy machine may lose its term for a moment.
    await eventually(
      async () => {
        const reply = await at.commands.execute({ kind: 'submit', planId, submission }, traceparent);
        expect(reply).toMatchObject({ status: 'decided', reply: { status: 'applied' } });
        return true;
      },
      { what: 'the submission to be decided' },
    );
    return planId;
  }

  async function ledgerOf(planId: string): Promise<Ledger['events']> {
    const response = await fetch(`${url}/v1/plans/${planId}/ledger?limit=5000`);
    return ((await response.json()) as Ledger).events;
  }

  const closed = async (planId: string) =>
    eventually(async () => (await ledgerOf(planId)).at(-1)?.type === 'plan.closed', {
      what: 'the plan to close',
      timeoutMs: 20_000,
    });

  async function stream(path: string, headers: Record<string, string> = {}): Promise<Stream> {
    const one = await Stream.open(new URL(path, url), headers);
    streams.push(one);
    return one;
  }

  const NAMES = Array.from({ length: 30 }, (_, index) => `v${index}`);
  const WIDE = aPlan({
    steps: [
      aStep({ name: 'root' }),
      aStep({ name: 'leaf', needs: ['root'], matrix: { kind: 'list', values: NAMES } }),
    ],
  });

  it('tell a plan from its first event to its last, as the ledger has it, and then end', async () => {
    const { at } = await start();
    const planId = await submit(at, WIDE, 'whole');
    const live = await stream(`/v1/plans/${planId}/events`);
    await worker();
    await live.ended;
    const ledger = await ledgerOf(planId);
    expect(live.events.map(({ id }) => id)).toEqual(ledger.map(({ seq }) => String(seq)));
    expect(live.events.map(({ body }) => body)).toEqual(
      ledger.map(({ seq, at: time, type, data, traceparent }) => {
        return { planId, seq, at: time, type, data, traceparent };
      }),
    );
    expect(live.events[0]!.body).toMatchObject({ traceparent: expect.stringMatching(/^00-abab/) as unknown });
    expect(live.text).toMatch(new RegExp(`event: end\\nid: ${ledger.length}\\ndata: .*\\n\\n$`));
    // From anywhere, over again.
    const rest = await stream(`/v1/plans/${planId}/events?after=${ledger.length - 2}`);
    await rest.ended;
    expect(rest.events.map(({ id }) => Number(id))).toEqual([ledger.length - 1, ledger.length]);
    const none = await stream(`/v1/plans/${planId}/events?after=${ledger.length}`);
    await none.ended;
    expect(none.text).toMatch(/^retry: \d+\n\nevent: end\n/);
  });

  it('go on after Last-Event-ID, which wins over the address, and send who comes back after the end away', async () => {
    const { at } = await start();
    await worker();
    const planId = await submit(at, WIDE, 'resumed');
    await closed(planId);
    const last = (await ledgerOf(planId)).length;
    const path = `/v1/plans/${planId}/events?after=1`;
    const rest = await stream(path, { 'last-event-id': String(last - 1) });
    await rest.ended;
    expect(rest.events.map(({ id }) => Number(id))).toEqual([last]);
    const over = await stream(path, { 'last-event-id': String(last) });
    expect(over.status).toBe(204);
    await over.ended;
    expect(over.text).toBe('');
  });

  it('tell what is recorded with all its characters, none of which gets out of its place', async () => {
    const { at } = await start();
    await worker(async ({ lease, client }) => {
      const result = { commit: null, outputs: { said: HOSTILE }, resolved: null, candidate: null };
      const message = { lease, result: { status: 'passed' as const, ...result }, traceparent: null };
      await client.request('result', message, AbortSignal.timeout(30_000));
    });
    const planId = await submit(at, aPlan({ steps: [aStep({ name: 'only' })] }), 'hostile');
    const live = await stream(`/v1/plans/${planId}/events`);
    await live.ended;
    const passed = live.events.find(({ body }) => body.type === 'step.passed');
    expect(passed?.body.data).toMatchObject({ outputs: { said: HOSTILE } });
    expect(live.text).not.toMatch(/[^\n\x20-\x7e]/);
    expect(live.text.match(/^event: end$/gm)).toHaveLength(1);
  });

  it('of all plans tell each event once, from a cursor that one stream gave another', async () => {
    const { at } = await start();
    const first = await stream('/v1/events');
    await eventually(() => first.lastId !== null, { what: 'where it stands' });
    const begin = first.lastId;
    await worker();
    const plans = await Promise.all(['a', 'b', 'c'].map((key) => submit(at, WIDE, key)));
    for (const planId of plans) await closed(planId);
    const ledgers = (await Promise.all(plans.map(ledgerOf))).flat();
    await eventually(() => first.events.length === ledgers.length, { what: 'all events' });
    for (const planId of plans) {
      const seqs = first.events.filter(({ body }) => body.planId === planId).map(({ body }) => body.seq);
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    }
    first.close();
    const ids = first.events.map(({ id }) => id);
    for (const [header, from] of [
      [begin!, 0],
      ['0-0', 0],
      [ids[40]!, 41],
    ] as const) {
      const again = await stream('/v1/events', { 'last-event-id': header });
      await eventually(() => again.events.length === ids.length - from, { what: 'the rest' });
      expect(again.events.map(({ id }) => id)).toEqual(ids.slice(from));
      again.close();
    }
    const ends = await stream(
      `/v1/events?after=0-0&type=plan.closed&type=plan.submitted&plan=${plans[1]}&tenant=local`,
    );
    await eventually(() => ends.events.length === 2, { what: 'two events' });
    expect(ends.events.map(({ body }) => [body.planId, body.type])).toEqual([
      [plans[1], 'plan.submitted'],
      [plans[1], 'plan.closed'],
    ]);
    const foreign = await stream('/v1/events?after=0-0&tenant=somebody');
    await eventually(() => foreign.lastId !== null, { what: 'where it stands' });
    expect(foreign.events).toEqual([]);
  }, 60_000);

  it('of a standby tell what another replica commits', async () => {
    const { at } = await start();
    await eventually(async () => (await at.readiness.missing()).length === 0, { what: 'somebody to decide' });
    await start();
    const live = await stream('/v1/events');
    await eventually(() => live.lastId !== null, { what: 'where it stands' });
    await worker();
    const planId = await submit(at, WIDE, 'elsewhere');
    const ofPlan = await stream(`/v1/plans/${planId}/events`);
    await ofPlan.ended;
    const total = (await ledgerOf(planId)).length;
    expect(ofPlan.events).toHaveLength(total);
    await eventually(() => live.events.length === total, { what: 'all events' });
  });

  it('are bounded: one too many is told to come back, and finds room when another goes', async () => {
    const { at } = await start();
    const planId = await submit(at, WIDE, 'many');
    const path = `/v1/plans/${planId}/events`;
    const some = await Promise.all(Array.from({ length: STREAMS_MAX }, () => stream(path)));
    for (const path2 of [path, '/v1/events']) {
      const refused = await stream(path2);
      await refused.ended;
      expect(refused.status).toBe(503);
      expect(refused.headers['retry-after']).toBe('5');
      expect(refused.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(JSON.parse(refused.text)).toMatchObject({ code: 'streams-full', status: 503 });
    }
    some[0]!.close();
    const admitted = await eventually(async () => {
      const one = await stream(path);
      return one.status === 200 ? one : null;
    });
    await eventually(() => admitted.events.length > 0, { what: 'its first event' });
  });

  it('end when the coordinator stops, which does not wait for them', async () => {
    const { at, stop } = await start();
    const planId = await submit(at, WIDE, 'stopped');
    const both = [await stream(`/v1/plans/${planId}/events`), await stream('/v1/events')];
    await eventually(() => both[0]!.events.length > 0, { what: 'its first event' });
    const before = performance.now();
    await stop();
    expect(performance.now() - before).toBeLessThan(5_000);
    await Promise.all(both.map((one) => one.ended));
    expect(both[0]!.text).not.toContain('event: end');
  });

  it('are taken up again by the client when the coordinator restarts: no event is lost, none comes twice', async () => {
    const { at, ...first } = await start();
    let { stop } = first;
    const { port } = new URL(url);
    // Slow enough for the restarts to come in the middle.
    await worker(async (hand) => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      await passAtOnce(hand);
    });
    const planId = await submit(at, WIDE, 'restarted');
    const told: StreamedEvent[] = [];
    let troubles = 0;
    const following = (async () => {
      for await (const event of planEvents(url, planId, { onTrouble: () => (troubles += 1) }))
        told.push(event);
    })();
    for (const enough of [8, 40]) {
      await eventually(() => told.length >= enough, { what: `${enough} events`, timeoutMs: 20_000 });
      await stop();
      ({ stop } = await start(Number(port)));
    }
    await following;
    const ledger = await ledgerOf(planId);
    expect(troubles).toBeGreaterThanOrEqual(2);
    expect(told.map(({ seq }) => seq)).toEqual(ledger.map(({ seq }) => seq));
    expect(told.at(-1)).toMatchObject({ type: 'plan.closed', cursor: String(ledger.length) });
  }, 60_000);

  it.each<[string, Record<string, string>, number, string, string]>([
    ['/v1/plans/nosuchplan/events', {}, 404, 'plan-unknown', 'there is no plan'],
    ['/v1/plans/PLAN/events?after=999', {}, 400, 'query-invalid', 'the plan is at seq'],
    ['/v1/plans/PLAN/events?after=x', {}, 400, 'query-invalid', 'after must be a whole number'],
    ['/v1/plans/PLAN/events?afer=1', {}, 400, 'query-invalid', 'did you mean after?'],
    ['/v1/plans/PLAN/events', { 'last-event-id': 'x' }, 400, 'last-event-id-invalid', 'the seq of an event'],
    ['/v1/plans/PLAN/events', { 'last-event-id': '77777' }, 400, 'query-invalid', 'the plan is at seq'],
    ['/v1/events?after=7', {}, 400, 'query-invalid', 'after must be the id of an event'],
    ['/v1/events?after=99999999999999999999-1', {}, 400, 'query-invalid', 'has given out'],
    ['/v1/events', { 'last-event-id': '-' }, 400, 'last-event-id-invalid', 'the id of an event'],
    ['/v1/events?typ=plan.closed', {}, 400, 'query-invalid', 'did you mean type?'],
  ])('of %s %j are refused as problems', async (path, headers, status, code, says) => {
    const { at } = await start();
    const planId = await submit(at, WIDE, 'refused');
    const refused = await stream(path.replace('PLAN', planId), headers);
    await refused.ended;
    expect(refused.status).toBe(status);
    expect(JSON.parse(refused.text)).toMatchObject({
      status,
      code,
      detail: expect.stringContaining(says) as unknown,
    });
  });

  it('are not begun by a HEAD', async () => {
    const { at } = await start();
    const planId = await submit(at, WIDE, 'head');
    for (const path of [`/v1/plans/${planId}/events`, '/v1/events']) {
      const response = await fetch(new URL(path, url), { method: 'HEAD' });
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        'text/event-stream; charset=utf-8',
      ]);
      expect(await response.text()).toBe('');
    }
  });
});

interface Message {
  id: string;
  body: StreamedEvent;
}

/** A client that keeps every byte. */
class Stream {
  text = '';
  readonly ended: Promise<void>;

  private constructor(private readonly response: IncomingMessage) {
    response.setEncoding('utf8').on('data', (chunk: string) => (this.text += chunk));
    response.on('error', () => undefined);
    this.ended = new Promise((resolve) => response.on('close', resolve));
  }

  static async open(url: URL, headers: Record<string, string>): Promise<Stream> {
    const sent = request(url, { headers, agent: false }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return new Stream(response);
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  get headers() {
    return this.response.headers;
  }

  get events(): Message[] {
    return [...this.text.matchAll(/^id: (\S+)\ndata: (.*)\n\n/gm)]
      .filter(({ index }) => !this.text.slice(0, index).endsWith('event: end\n'))
      .map(([, id = '', data = '']) => ({ id, body: JSON.parse(data) as StreamedEvent }));
  }

  get lastId(): string | null {
    return [...this.text.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? null;
  }

  close(): void {
    this.response.destroy();
  }
}
