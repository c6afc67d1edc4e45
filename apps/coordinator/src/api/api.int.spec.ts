import 'reflect-metadata';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { RequestMethod } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ProblemError, SkeinClient, answerOf } from '#client';
import { loadSettings, type Settings } from '#config';
import type { PlanDefinition } from '#domain';
import { silentLogger } from '#telemetry';
import {
  aPlan,
  aStep,
  anIntegration,
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
import { ScriptedWorker, type WorkAtHand } from '../testing/scripted-worker.ts';
import { openApiDocument } from './describing/openapi.ts';
import { ROUTES } from './describing/routes.ts';
import { DescribedApi, type GivenAnswer } from './testing/described-api.ts';

const SHA = 'a'.repeat(40);
const DIFFSTAT = { files: 1, insertions: 2, deletions: 3 };
const COMMIT = { sha: SHA, ref: 'refs/skein/p/s1/1-aa/1' };
const TEXT = 'version: 1\nname: Described\nsteps: [{ name: only, noop: true }]\n';
const JSON_TYPE = { 'content-type': 'application/json' };

interface Sent {
  headers?: Record<string, string>;
  body?: unknown;
}

describe('the API and its description', () => {
  let database: FreshDatabase;
  let settings: Settings;
  let coordinator: Coordinator;
  let worker: ScriptedWorker;
  /** Who is paged. */
  let sink: Server;
  let app: NestFastifyApplication;
  let url: URL;
  let client: SkeinClient;
  /** Steps of this name stay with the worker until the spec lets them go. */
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const described = new DescribedApi(openApiDocument(ROUTES));

  beforeAll(async () => {
    database = await freshDatabase();
    const home = await tempDir('described');
    const namespace = freshNamespace();
    const { natsUrl } = testServers();
    sink = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    const hook = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/hook`;
    settings = loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: natsUrl,
      SKEIN_NAMESPACE: namespace,
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_LEASE_MS: '2s',
      SKEIN_PORT: '0',
      SKEIN_SINKS: JSON.stringify([{ name: 'ops', type: 'webhook', url: hook, secrets: ['a'.repeat(16)] }]),
      HOME: home,
    });
    coordinator = await Coordinator.start(settings, silentLogger);
    app = await startRestApi(settings, coordinator, silentLogger);
    url = new URL(await app.getUrl());
    client = new SkeinClient({ baseUrl: url.href, actor: 'spec' });
    worker = await ScriptedWorker.start({ name: 'w1', natsUrl, namespace, slots: 8, work: workOn });
    await eventually(async () => (await coordinator.readiness.missing()).length === 0, {
      what: 'somebody to decide',
    });
  }, 60_000);

  afterAll(async () => {
    letGo();
    await app?.close();
    await worker?.stop();
    await coordinator?.stop();
    sink?.close();
    await database?.drop();
  });

  /** As a worker with a repository would: attempts with log and diff, a candidate, and what was asked of it. */
  async function workOn({ job, lease, lost, client: decider }: WorkAtHand): Promise<void> {
    const signal = AbortSignal.timeout(60_000);
    if (job.stepName === 'held') {
      await decider.request('claim', { lease }, signal);
      await Promise.race([held, new Promise((resolve) => lost.addEventListener('abort', resolve))]);
    }
    const { planId, ordinal, epoch } = lease;
    const passed = { status: 'passed' as const, commit: null, outputs: {}, resolved: null, candidate: null };
    if (job.work.kind === 'resolve') {
      const resolved = { baseSha: SHA, files: {}, texts: {} };
      await decider.request('result', { lease, result: { ...passed, resolved }, traceparent: null }, signal);
    } else if (job.work.kind === 'integrate') {
      const { branch } = job.work;
      const candidate = { branch, commit: COMMIT, expectedOld: null, baseSha: SHA, diffstat: DIFFSTAT };
      const key = `${planId}/s${ordinal}/1-${epoch}`;
      await coordinator.artifacts.put(`${key}.diff`, 'diff of all\n');
      const result = { ...passed, commit: COMMIT, candidate };
      await decider.request('result', { lease, result, traceparent: null }, signal);
    } else if (job.stepName === 'pill') {
      await decider.request('claim', { lease }, signal);
      worker.forget(lease);
    } else if (job.stepName === 'blocked') {
      const result = { status: 'blocked' as const, reason: { code: 'no', message: 'no' } };
      await decider.request('result', { lease, result, traceparent: null }, signal);
    } else if (job.stepName === 'tried') {
      const keyOf = (kind: string) => `${planId}/s${ordinal}/1-${epoch}.${kind}`;
      await coordinator.artifacts.put(keyOf('log'), 'it ran\n');
      await coordinator.artifacts.put(keyOf('diff'), 'diff of one\n');
      const at = {
        startedAt: '2026-11-20T12:00:00.000Z',
        durationMs: 12,
        commit: COMMIT,
        diffstat: DIFFSTAT,
      };
      const said = {
        verdict: 'accepted' as const,
        reason: { code: 'done', message: 'done' },
        feedback: null,
      };
      const keys = { logKey: keyOf('log'), diffKey: keyOf('diff') };
      const message = { lease, attempt: 1, ...at, ...said, ...keys, outputs: { n: 1 }, traceparent: null };
      await decider.request('attempt', message, signal);
    } else await decider.request('result', { lease, result: passed, traceparent: null }, signal);
  }

  /** Every answer is held against the document. */
  async function call(method: string, path: string, { headers = {}, body }: Sent = {}): Promise<GivenAnswer> {
    const answer = await new Promise<GivenAnswer>((resolve, reject) => {
      const all = body === undefined ? headers : { ...JSON_TYPE, ...headers };
      const options = {
        host: url.hostname,
        port: url.port,
        method,
        path,
        headers: all,
        agent: false as const,
      };
      const sent = request(options, (response) => {
        let text = '';
        const done = () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          // A stream of all plans has no end: its beginning is enough.
          if (path.startsWith('/v1/events')) response.destroy();
        });
        response.on('close', done);
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
    described.check(method, path, answer);
    return answer;
  }

  async function submit(definition: PlanDefinition, key: string): Promise<string> {
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
    // A busy machine may lose its term for a moment.
    await eventually(
      async () => {
        const reply = await coordinator.commands.execute({ kind: 'submit', planId, submission }, null);
        expect(reply).toMatchObject({ status: 'decided', reply: { status: 'applied' } });
        return true;
      },
      { what: 'the submission to be decided' },
    );
    return planId;
  }

  const closed = async (planId: string) =>
    eventually(async () => (await coordinator.reader.plan(planId)).closed, { what: 'the plan to close' });

  const jsonOf = ({ text }: GivenAnswer) => JSON.parse(text) as Record<string, unknown>;

  it('name the same routes: every controller’s, and no other', () => {
    const served: string[] = [];
    for (const { controllers } of app.get(ModulesContainer).values()) {
      for (const { metatype } of controllers.values()) {
        const type = metatype as { prototype: Record<string, object> };
        const base = Reflect.getMetadata(PATH_METADATA, type) as string;
        for (const name of new MetadataScanner().getAllMethodNames(type.prototype)) {
          const handler = type.prototype[name]!;
          const path = Reflect.getMetadata(PATH_METADATA, handler) as string | undefined;
          if (path === undefined) continue;
          const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as number];
          served.push(`${method} ${`/${base}/${path}`.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '')}`);
        }
      }
    }
    expect(served.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
    const fastify = app.getHttpAdapter().getInstance();
    for (const { method, path } of ROUTES) expect(fastify.hasRoute({ method, url: path })).toBe(true);
  });

  it('agree on what every operation answers, good and bad', async () => {
    const repo = { url: '/srv/r', base: 'main' };
    const work = { kind: 'run' as const, commands: ['true'], script: null };
    const definition = aPlan({
      name: 'whole',
      labels: { team: 'payments' },
      params: { depth: 3, list: ['a'] },
      repo,
      integrate: anIntegration(),
      steps: [aStep({ name: 'tried', outputs: ['n'], work })],
    });
    const planId = await submit(definition, 'whole');
    await closed(planId);
    const plan = `/v1/plans/${planId}`;
    const created = await call('POST', '/v1/plans', {
      body: { text: TEXT },
      headers: { 'idempotency-key': 'k' },
    });
    expect([created.status, created.headers['location']]).toEqual([201, jsonOf(created)['url']]);
    await call('POST', '/v1/plans', { body: { text: TEXT }, headers: { 'idempotency-key': 'k' } });
    for (const path of [
      '/v1/plans',
      plan,
      `${plan}/steps`,
      `${plan}/ledger`,
      `${plan}/events`,
      `${plan}/progress.md`,
      `${plan}/diff`,
      `${plan}/steps/tried/attempts`,
      `${plan}/steps/s1/attempts/1/log`,
      `${plan}/steps/s1/attempts/1/log?from=3`,
      `${plan}/steps/tried/attempts/1/diff`,
      '/v1/events?after=0-0',
      '/v1/limits',
      '/v1/limits/ledger',
      '/v1/sinks',
      '/v1/openapi.json',
      '/healthz',
      '/readyz',
      '/metrics',
    ]) {
      const { status, text } = await call('GET', path);
      expect([path, status, text.length > 0]).toEqual([path, 200, true]);
    }
    await call('POST', '/v1/sinks/ops/test', { body: {} });
    for (const limits of [{ 'tenant:local': 500, 'weight:local': 2 }, { 'tenant:local': null }])
      expect((await call('PATCH', '/v1/limits', { body: { limits, why: 'a try' } })).status).toBe(200);
    await call('GET', '/v1/limits/ledger');
    const head = (await coordinator.reader.head(planId)).seq;
    await call('GET', `${plan}/events`, { headers: { 'last-event-id': String(head) } });
    const cancelled = await submit(aPlan({ steps: [aStep({ name: 'held' })] }), 'cancelled');
    for (const verb of ['pause', 'resume', 'cancel'])
      await call('POST', `/v1/plans/${cancelled}/${verb}`, { body: { why: 'enough' } });
    await operateOnSteps();
    const redriven = await call('POST', '/v1/dead-letters/redrive', { body: { all: true, why: 'again' } });
    expect(redriven.status).toBe(200);
    for (const [method, path, sent] of [
      ['POST', '/v1/plans', { body: {} }],
      ['POST', '/v1/plans', { body: { text: 'x' } }],
      ['POST', '/v1/dead-letters/redrive', { body: { filter: {}, why: 'again' } }],
      ['POST', `${plan}/cancel`, { body: {} }],
      ['POST', `/v1/plans/${cancelled}/cancel`, { body: {}, headers: { 'if-match': '"1"' } }],
      ['GET', '/v1/plans?limit=0'],
      ['GET', '/v1/plans/nosuchplan'],
      ['GET', `${plan}/steps/nosuch/attempts`],
    ] as [string, string, Sent?][]) {
      expect((await call(method, path, sent)).status).toBeGreaterThanOrEqual(400);
    }
    const good = [...described.seen].filter((one) => /[23]\d\d$/.test(one)).map((one) => one.split(' ')[0]);
    expect(new Set(good)).toEqual(new Set(described.operationIds));
    expect([...described.seen]).toEqual(
      expect.arrayContaining(['streamPlanEvents 204', 'submitPlan 201', 'submitPlan 200', 'cancelPlan 412']),
    );
  }, 60_000);

  /** Each verb once where it makes sense, and once where it does not. */
  async function operateOnSteps(): Promise<void> {
    const work = { kind: 'run' as const, commands: ['true'], script: null };
    const steps = [aStep({ name: 'held' }), aStep({ name: 'blocked', work }), aStep({ name: 'pill', work })];
    const planId = await submit(aPlan({ steps, maxLeases: 1 }), 'operated');
    const stateOf = async (step: string) => (await coordinator.reader.step(planId, step)).state;
    const verb = (step: string, what: string) =>
      call('POST', `/v1/plans/${planId}/steps/${step}/${what}`, { body: { why: 'spec' } });
    await eventually(async () => (await stateOf('pill')) === 'poisoned', { what: 'a dead letter' });
    await eventually(async () => (await stateOf('blocked')) === 'blocked', { what: 'a blocked step' });
    await eventually(async () => (await stateOf('held')) === 'running', { what: 'a step that runs' });
    await seeDeadLetters(planId);
    const statuses: number[] = [];
    for (const [step, what] of [
      ['held', 'kill'],
      ['blocked', 'redrive'],
      ['blocked', 'retry'],
      ['pill', 'redrive'],
      ['held', 'skip'],
    ] as const)
      statuses.push((await verb(step, what)).status);
    expect(statuses).toEqual([200, 409, 200, 200, 200]);
    const headers = { 'idempotency-key': 'forked' };
    for (const status of [201, 200])
      expect((await call('POST', `/v1/plans/${planId}/fork`, { body: { atSeq: 1 }, headers })).status).toBe(
        status,
      );
    expect((await call('GET', `/v1/plans/${planId}/steps/held/explain`)).status).toBe(200);
  }

  async function seeDeadLetters(planId: string): Promise<void> {
    const { text } = await call('GET', `/v1/dead-letters?plan=${planId}`);
    expect(JSON.parse(text)).toMatchObject({ deadLetters: [{ name: 'pill' }] });
  }

  it('describe a stream’s messages', async () => {
    const document = jsonOf(await call('GET', '/v1/openapi.json'));
    expect(document).toEqual(openApiDocument(ROUTES));
    const planId = await submit(aPlan(), 'messages');
    await closed(planId);
    const { text } = await call('GET', `/v1/plans/${planId}/events`);
    const message = /^data: (.*)$/m.exec(text)?.[1] ?? '';
    expect(() => described.checkEvent(message)).not.toThrow();
    expect(() => described.checkEvent(message.replace('"seq"', '"sec"'))).toThrow('seq');
  });

  it('serve a page for people, of which nothing comes from elsewhere', async () => {
    const page = await plain('/docs');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toMatch('text/html');
    expect(page.headers['content-security-policy']).toMatch(/default-src 'none'; .*script-src 'self';/);
    expect(page.headers['content-security-policy']).not.toMatch(/https?:|unsafe-eval|script-src[^;]*unsafe/);
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) {
      expect(link).toMatch(/^\/docs\//);
      // As a browser asks for the parts of a page.
      expect((await plain(link, { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
      expect((await plain(link, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    }
    expect(page.text).not.toMatch(/<script>|<style>| on\w+=|https?:/);
    const initializer = (await plain('/docs/static/swagger-initializer.js')).text;
    expect(initializer).toContain('validatorUrl: null');
    expect(JSON.parse((await plain('/docs/json')).text)).toEqual(openApiDocument(ROUTES));
    const foreign = await plain('/docs', { host: 'evil.example' });
    expect([foreign.status, jsonOf(foreign)['code']]).toEqual([421, 'foreign-host']);
    const nothing = await plain('/docs/static/nothing.js');
    expect([nothing.status, nothing.headers['content-type']]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ]);
  });

  async function plain(path: string, headers: Record<string, string> = {}): Promise<GivenAnswer> {
    return new Promise((resolve, reject) => {
      const options = { host: url.hostname, port: url.port, path, headers, agent: false as const };
      request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      })
        .on('error', reject)
        .end();
    });
  }

  describe('a list of plans', () => {
    const ids: Record<string, string> = {};

    beforeAll(async () => {
      const labels = { team: 'payments', kind: 'review' };
      ids['a'] = await submit(aPlan({ name: 'Listed one', labels, params: { depth: 2 }, priority: 3 }), 'la');
      ids['b'] = await submit(aPlan({ name: 'listed two', labels: { team: 'search=x' } }), 'lb');
      ids['c'] = await submit(
        aPlan({ name: 'listed three', labels: { team: 'payments' }, steps: [aStep({ name: 'held' })] }),
        'lc',
      );
      await Promise.all([closed(ids['a']), closed(ids['b'])]);
    });

    async function found(query: string): Promise<string[]> {
      const { plans } = jsonOf(await call('GET', `/v1/plans?name=listed&${query}`)) as {
        plans: { planId: string }[];
      };
      return plans.map(({ planId }) => Object.keys(ids).find((key) => ids[key] === planId)!);
    }

    it.each<[string, string[]]>([
      ['', ['c', 'b', 'a']],
      ['name=LISTED%20T', ['refused']],
      ['status=running', ['c']],
      ['status=completed', ['b', 'a']],
      ['tenant=local', ['c', 'b', 'a']],
      ['tenant=other', []],
      ['label=team=payments', ['c', 'a']],
      ['label=team%3Dpayments&label=kind', ['a']],
      ['label=team=search=x', ['b']],
      ['label=kind=', []],
      ['age=%3C24h', ['c', 'b', 'a']],
      ['age=>7d', []],
      ['createdAfter=2020-01-01', ['c', 'b', 'a']],
      ['createdBefore=2020-01-01T00:00:00%2B02:00', []],
      ['createdAfter=2999-01-01&age=%3C24h', []],
    ])('with %s', async (query, expected) => {
      if (expected[0] === 'refused') {
        const refused = await call('GET', `/v1/plans?name=listed&${query}`);
        expect([refused.status, jsonOf(refused)['detail']]).toEqual([
          400,
          expect.stringContaining('name must be'),
        ]);
      } else expect(await found(query)).toEqual(expected);
    });

    it('shows labels, params and priority', async () => {
      const plan = await answerOf(
        client.api.GET('/v1/plans/{planId}', { params: { path: { planId: ids['a']! } } }),
      );
      expect(plan).toMatchObject({
        labels: { team: 'payments', kind: 'review' },
        params: { depth: 2 },
        priority: 3,
      });
    });

    it('goes on where the page before ended, also when new plans come meanwhile', async () => {
      const page = async (cursor?: string) =>
        answerOf(
          client.api.GET('/v1/plans', {
            params: { query: { name: 'listed', limit: 2, ...(cursor && { cursor }) } },
          }),
        );
      const first = await page();
      expect(first.plans.map(({ planId }) => planId)).toEqual([ids['c'], ids['b']]);
      await submit(aPlan({ name: 'listed late' }), 'late');
      const second = await page(first.nextCursor!);
      expect(second).toMatchObject({ plans: [{ planId: ids['a'] }], nextCursor: null });
    });

    it.each([
      ['staus=running', 'unknown query parameter "staus"; did you mean status?'],
      ['labels=a', 'did you mean label?'],
      ['colour=red', 'this takes limit, cursor, status, name, tenant, label'],
      ['limit=0x10', 'limit must be a whole number from 1 to 500'],
      ['limit=', 'limit must be a whole number'],
      ['label==x', 'label must be such as team=payments'],
      ['label=', 'label must be such as team=payments'],
      [`label=${'a'.repeat(401)}`, 'label must be shorter'],
      [Array.from({ length: 21 }, () => 'label=a').join('&'), 'label may be given 20 times'],
      ['name=%00', 'name must be 1 to 100 characters'],
      ['name=', 'name must be 1 to 100 characters'],
      ['tenant=a&tenant=b', 'tenant must be'],
      ['age=24h', 'age must be such as <24h'],
      ['age=%3C0h', 'age must be such as'],
      ['age=%3C999999999d', 'age must be such as'],
      ['createdAfter=yesterday', 'createdAfter must be a time such as'],
      ['createdBefore=2026-13-01', 'createdBefore must be a time'],
      ['status=%1b[2J', 'status must be one of'],
      ['__proto__=1', 'unknown query parameter "__proto__"'],
      ['%1b[2J=1', 'unknown query parameter "\\u001b[2J"'],
    ])('with %s is refused', async (query, says) => {
      const refused = await call('GET', `/v1/plans?${query}`);
      expect([refused.status, jsonOf(refused)]).toEqual([
        400,
        expect.objectContaining({ code: 'query-invalid', detail: expect.stringContaining(says) as unknown }),
      ]);
    });

    it.each([
      '',
      '/steps',
      '/progress.md',
      '/diff',
      '/steps/only/attempts',
      '/steps/only/attempts/1/log?from=1',
    ])('and what is at a plan’s %s take no parameter that they do not know', async (path) => {
      const refused = await call(
        'GET',
        `/v1/plans/${ids['a']}${path}${path.includes('?') ? '&' : '?'}wath=1`,
      );
      expect(jsonOf(refused)).toMatchObject({ status: 400, code: 'query-invalid' });
    });
  });

  describe('a command with If-Match', () => {
    async function running(key: string): Promise<{ planId: string; etag: string; seq: number }> {
      const planId = await submit(aPlan({ steps: [aStep({ name: 'held' })] }), key);
      await eventually(async () => (await coordinator.reader.plan(planId)).counts.running === 1, {
        what: 'its step to run',
      });
      const { headers, text } = await call('GET', `/v1/plans/${planId}`);
      const { seq } = (JSON.parse(text) as { head: { seq: number } }).head;
      expect(headers['etag']).toBe(`"${seq}"`);
      return { planId, etag: headers['etag']!, seq };
    }

    const cancel = (planId: string, etag?: string) =>
      call('POST', `/v1/plans/${planId}/cancel`, {
        body: {},
        ...(etag !== undefined && { headers: { 'if-match': etag } }),
      });

    it('is carried out while the plan is where it was, and told where it is then', async () => {
      const { planId, etag, seq } = await running('fresh');
      const answer = await cancel(planId, etag);
      expect([answer.status, jsonOf(answer)['status']]).toEqual([200, 'cancelled']);
      const now = (jsonOf(answer)['head'] as { seq: number }).seq;
      expect(now).toBeGreaterThan(seq);
      expect(answer.headers['etag']).toBe(`"${now}"`);
    });

    it('does nothing when the plan has moved, and says where it is now', async () => {
      const { planId, seq } = await running('stale');
      const answer = await cancel(planId, `"${seq - 1}"`);
      expect([answer.status, answer.headers['etag'], jsonOf(answer)]).toEqual([
        412,
        `"${seq}"`,
        expect.objectContaining({ code: 'seq-stale', currentSeq: seq }),
      ]);
      expect((await coordinator.reader.plan(planId)).status).toBe('running');
      expect((await cancel(planId, `"${seq}"`)).status).toBe(200);
    });

    it('is judged by who decides: of many that saw the same, one is carried out', async () => {
      const { planId, etag, seq } = await running('raced');
      const answers = await Promise.all(Array.from({ length: 12 }, () => cancel(planId, etag)));
      const done = answers.filter(({ status }) => status === 200);
      // What came after it met a plan that had moved, or that was cancelled already.
      const others = answers.filter(({ status }) => status !== 200).map((answer) => jsonOf(answer)['code']);
      expect(done).toHaveLength(1);
      expect(others).toHaveLength(11);
      for (const code of others) expect(['seq-stale', 'plan-ended']).toContain(code);
      const cancellations = (await coordinator.reader.ledger(planId, seq, 100)).events.filter(
        ({ type }) => type === 'plan.cancelled',
      );
      expect(cancellations).toHaveLength(1);
    });

    it('is judged by who decides, also when a standby was asked', async () => {
      const standby = await Coordinator.start(settings, silentLogger);
      const other = await startRestApi(settings, standby, silentLogger);
      try {
        const { planId, seq } = await running('forwarded');
        const api = new SkeinClient({ baseUrl: await other.getUrl() }).api;
        const cancelAt = (at: number) =>
          answerOf(
            api.POST('/v1/plans/{planId}/cancel', {
              params: { path: { planId }, header: { 'If-Match': `"${at}"` } },
              body: {},
            }),
          );
        const refused = await cancelAt(seq - 1).catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(ProblemError);
        expect(refused).toMatchObject({ status: 412, code: 'seq-stale', problem: { currentSeq: seq } });
        expect(await cancelAt(seq)).toMatchObject({ status: 'cancelled' });
      } finally {
        await other.close();
        await standby.stop();
      }
    });

    it.each(['*', undefined])('of %s, or without it, is carried out wherever the plan is', async (etag) => {
      const { planId } = await running(`any ${etag}`);
      expect((await cancel(planId, etag)).status).toBe(200);
    });

    it.each(['17', 'W/"17"', '"1", "2"', '"x"', '""', '"99999999999999999999"'])(
      'of %s is refused',
      async (etag) => {
        const { planId } = await running(`bad ${etag}`);
        expect(jsonOf(await cancel(planId, etag))).toMatchObject({ status: 400, code: 'if-match-invalid' });
      },
    );
  });
});
