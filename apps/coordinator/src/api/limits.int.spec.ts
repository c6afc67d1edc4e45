import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadSettings, type Settings } from '#config';
import { FLEET_STREAM } from '#domain';
import { verifyChain } from '#ledger';
import { silentLogger } from '#telemetry';
import {
  eventually,
  freshDatabase,
  freshNamespace,
  tempDir,
  testServers,
  type FreshDatabase,
} from '#testing';
import { Coordinator } from '../coordinator.ts';
import { startRestApi } from '../rest-api.ts';
import { ScriptedWorker, passAtOnce, type WorkAtHand } from '../testing/scripted-worker.ts';
import type { LimitsAnswer } from './describing/limit-routes.ts';

const FAN_OUT = (name: string) =>
  `version: 1\nname: ${name}\nsteps:\n  - { name: leaf, matrix: [a, b, c, d, e, f, g, h], noop: true }\n`;

describe('limits over REST', () => {
  let database: FreshDatabase;
  let settings: Settings;
  let coordinator: Coordinator;
  let app: NestFastifyApplication;
  let worker: ScriptedWorker;
  let url: string;
  const held = new Set<() => void>();

  beforeAll(async () => {
    database = await freshDatabase();
    const home = await tempDir('limits');
    const { natsUrl } = testServers();
    const namespace = freshNamespace();
    settings = loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: natsUrl,
      SKEIN_NAMESPACE: namespace,
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_LEASE_MS: '2s',
      SKEIN_DECIDER_TTL_MS: '1s',
      SKEIN_TENANTS: 'local,acme,beta',
      SKEIN_TENANT_CAPS: 'acme=2',
      SKEIN_PORT: '0',
      HOME: home,
    });
    worker = await ScriptedWorker.start({ name: 'w1', natsUrl, namespace, slots: 32, work: hold });
    await open();
  }, 60_000);

  afterAll(async () => {
    for (const letGo of held) letGo();
    await close();
    await worker?.stop();
    await database?.drop();
  });

  async function open(): Promise<void> {
    coordinator = await Coordinator.start(settings, silentLogger);
    app = await startRestApi(settings, coordinator, silentLogger);
    url = await app.getUrl();
    await eventually(async () => (await coordinator.readiness.missing()).length === 0, {
      what: 'somebody to decide',
    });
  }

  async function close(): Promise<void> {
    await app?.close();
    await coordinator?.stop();
  }

  /** Until it is let go, or its lease is lost. */
  async function hold(at: WorkAtHand): Promise<void> {
    const { lease, client, lost, signal } = at;
    await client.request('claim', { lease }, AbortSignal.timeout(10_000));
    await new Promise<void>((resolve) => {
      held.add(resolve);
      for (const end of [lost, signal]) end.addEventListener('abort', () => resolve());
    });
    if (!lost.aborted && !signal.aborted) await passAtOnce(at);
  }

  async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-skein-actor': 'ann', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    return {
      status: response.status,
      etag: response.headers.get('etag'),
      json: (await response.json()) as never,
    };
  }

  async function limits(): Promise<LimitsAnswer> {
    return (await call('GET', '/v1/limits')).json;
  }

  async function limit(key: string) {
    const found = (await limits()).limits.find((one) => one.key === key);
    return found && { value: found.value, from: found.from, inUse: found.inUse };
  }

  async function submit(name: string, tenant: string): Promise<string> {
    const answer = await call('POST', '/v1/plans', { text: FAN_OUT(name), tenant });
    expect(answer.status).toBe(201);
    return (answer.json as { planId: string }).planId;
  }

  it('hold the settings, change while it runs, and are there after a restart', async () => {
    const planId = await submit('held', 'acme');
    await eventually(async () => (await limit('tenant:acme'))?.inUse === 2, { what: 'two in flight' });
    expect(await limit('tenant:acme')).toEqual({ value: 2, from: 'settings', inUse: 2 });

    const raised = await call('PATCH', '/v1/limits', { limits: { 'tenant:acme': 4 }, why: 'a release' });
    expect([raised.status, raised.etag]).toEqual([200, '"1"']);
    await eventually(async () => (await limit('tenant:acme'))?.inUse === 4, { what: 'four in flight' });

    const lowered = await call('PATCH', '/v1/limits', { limits: { 'tenant:acme': 1 } });
    expect(lowered.status).toBe(200);
    expect(await limit('tenant:acme')).toEqual({ value: 1, from: 'changed', inUse: 4 });

    await close();
    await open();
    // The leases live on, whoever decides.
    expect(await limit('tenant:acme')).toEqual({ value: 1, from: 'changed', inUse: 4 });
    const explained = await call('GET', `/v1/plans/${planId}/steps/s7/explain`);
    expect(explained.json).toMatchObject({
      wait: expect.stringContaining('tenant acme is at its cap of 1 (4 in flight)') as string,
      limit: { kind: 'tenant', name: 'acme', limit: 1, inUse: 4 },
      line: { pool: 'default', place: 1, of: 1, stepsBefore: 3 },
    });

    const events = await coordinator.reader.events(FLEET_STREAM, 0, 10);
    expect(verifyChain(FLEET_STREAM, events).ok).toBe(true);
    const page = await call('GET', '/v1/limits/ledger?after=1');
    expect(page.json).toMatchObject({
      head: { seq: 2 },
      events: [{ seq: 2, type: 'limits.changed', data: { by: { name: 'ann', via: 'rest' }, why: null } }],
    });

    const taken = await call('PATCH', '/v1/limits', { limits: { 'tenant:acme': null } });
    expect(taken.status).toBe(200);
    expect(await limit('tenant:acme')).toEqual({ value: 2, from: 'settings', inUse: 4 });
    await call('POST', `/v1/plans/${planId}/cancel`, {});
  }, 60_000);

  it('are the fleet’s: no plan, and no place for readers of plans to stumble', async () => {
    await call('PATCH', '/v1/limits', { limits: { 'lock:staging': 2 } });
    for (const path of ['', '/events', '/ledger', '/steps', '/progress.md']) {
      const { status, json } = await call('GET', `/v1/plans/${FLEET_STREAM}${path}`);
      expect([path, status, (json as { code: string }).code]).toEqual([path, 404, 'plan-unknown']);
    }
    // The projections go on behind it.
    const planId = await submit('after', 'beta');
    expect((await call('GET', `/v1/plans/${planId}`)).json).toMatchObject({
      tenant: 'beta',
      status: 'running',
    });
    const { plans } = (await call('GET', '/v1/plans')).json as { plans: { planId: string }[] };
    expect(plans.map((one) => one.planId)).not.toContain(FLEET_STREAM);
    await call('POST', `/v1/plans/${planId}/cancel`, {});
    const controller = new AbortController();
    const stream = await fetch(`${url}/v1/events?after=0-0&type=limits.changed`, {
      signal: controller.signal,
    });
    let told = '';
    for await (const chunk of stream.body!) {
      told += Buffer.from(chunk as Uint8Array).toString();
      if (told.includes('lock:staging')) break;
    }
    controller.abort();
    expect(told).toContain('"planId":"fleet"');
  }, 60_000);

  it.each([
    [{ limits: { 'tenant:acme': -1 } }, {}, 422, 'limit-invalid'],
    [{ limits: { moon: 1 } }, {}, 422, 'limit-invalid'],
    [{ limits: { 'repository:https://ann:hunter2@h/r': 1 } }, {}, 422, 'limit-invalid'],
    [{ limits: { 'plan:nosuchplan000': 1 } }, {}, 404, 'plan-unknown'],
    [{ limits: { fleet: 1 } }, { 'if-match': '"0"' }, 412, 'seq-stale'],
    [{ limits: { fleet: 1 } }, { 'if-match': 'x' }, 400, 'if-match-invalid'],
    [{ limits: {} }, {}, 400, 'body-invalid'],
    [{ limits: { fleet: '5' } }, {}, 400, 'body-invalid'],
    [{ limits: { fleet: 1.5 } }, {}, 400, 'body-invalid'],
    [{ limit: { fleet: 5 } }, {}, 400, 'body-invalid'],
    [{}, {}, 400, 'body-invalid'],
  ])('refuse %j with %j: %i %s', async (body, headers, status, code) => {
    const { seq } = await limits();
    const answer = await call('PATCH', '/v1/limits', body, headers);
    expect([answer.status, (answer.json as { code: string }).code]).toEqual([status, code]);
    expect((await limits()).seq).toBe(seq);
  });

  it('are changed once, however often it is said', async () => {
    const before = (await limits()).seq;
    const body = { limits: { 'quota:acme': 77 } };
    const answers = await Promise.all([1, 2, 3].map(() => call('PATCH', '/v1/limits', body)));
    expect(answers.map(({ etag }) => etag)).toEqual(Array(3).fill(`"${before + 1}"`));
    const again = await call('PATCH', '/v1/limits', body, { 'if-match': `"${before}"` });
    expect([again.status, again.etag]).toEqual([200, `"${before + 1}"`]);
  });

  it('know tenants that the settings name, and no others', async () => {
    const answer = await call('POST', '/v1/plans', { text: FAN_OUT('x'), tenant: 'gamma' });
    expect(answer.json).toMatchObject({
      status: 422,
      code: 'tenant-unknown',
      detail:
        'tenant: plans of "gamma" are not taken; there are local, acme, beta (SKEIN_TENANTS of the coordinator)',
    });
    const headers = { 'idempotency-key': 'same' };
    const ids = await Promise.all(
      ['acme', 'beta'].map((tenant) => call('POST', '/v1/plans', { text: FAN_OUT('k'), tenant }, headers)),
    );
    const [one, other] = ids.map(({ json }) => (json as { planId: string }).planId);
    expect(one).not.toBe(other);
    const forked = await call('POST', `/v1/plans/${other}/fork`, {});
    const { planId } = forked.json as { planId: string };
    expect((await call('GET', `/v1/plans/${planId}`)).json).toMatchObject({ tenant: 'beta' });
    for (const plan of [one, other, planId]) await call('POST', `/v1/plans/${plan}/cancel`, {});
  }, 30_000);
});
