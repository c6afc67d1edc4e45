import 'reflect-metadata';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import pg from 'pg';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadSettings } from '#config';
import { LedgerDatabase, migrate } from '#ledger';
import { silentLogger, type Logger } from '#telemetry';
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
import { ScriptedWorker, passAtOnce } from '../testing/scripted-worker.ts';
import { openApiDocument } from './describing/openapi.ts';
import { ROUTES } from './describing/routes.ts';
import { DescribedApi } from './testing/described-api.ts';

const MAX_BYTES = 100_000;
const SEED = 20_261_120;
const JSON_TYPE = { 'content-type': 'application/json' };

const PLAN = 'version: 1\nname: small\nsteps: [{ name: only, noop: true }]\n';
const WITH_REPO = 'version: 1\nname: small\nrepo: ./service\nsteps: [{ name: only, run: "true" }]\n';
const LAUGHS = [...'bcdefghi'].reduce(
  (text, letter, index) => `${text}${letter}: &${letter} [${`*${'abcdefgh'[index]},`.repeat(9)}]\n`,
  'a: &a [x,x,x,x,x,x,x,x,x]\n',
);

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

interface Sent {
  headers?: Record<string, string>;
  body?: string | Buffer;
}

describe('the REST interface and what nobody should send it', () => {
  let database: FreshDatabase;
  let rows: LedgerDatabase;
  let coordinator: Coordinator;
  let worker: ScriptedWorker;
  let app: NestFastifyApplication;
  let url: URL;
  const failures: string[] = [];
  const described = new DescribedApi(openApiDocument(ROUTES));

  beforeAll(async () => {
    database = await freshDatabase();
    const { runtimeUrl } = await migrate({ adminUrl: database.adminUrl, log: silentLogger });
    rows = new LedgerDatabase({ url: runtimeUrl, log: silentLogger });
    const home = await tempDir('api');
    const namespace = freshNamespace();
    const { natsUrl } = testServers();
    const settings = loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: natsUrl,
      SKEIN_NAMESPACE: namespace,
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_PLAN_MAX_BYTES: String(MAX_BYTES),
      SKEIN_PORT: '0',
      HOME: home,
    });
    coordinator = await Coordinator.start(settings, silentLogger);
    const log: Logger = {
      ...silentLogger,
      error: (fields, message) => failures.push(`${message}: ${String((fields as { err?: Error }).err)}`),
    };
    app = await startRestApi(settings, coordinator, log);
    url = new URL(await app.getUrl());
    worker = await ScriptedWorker.start({ name: 'w1', natsUrl, namespace, slots: 2, work: passAtOnce });
    await eventually(async () => (await coordinator.readiness.missing()).length === 0, {
      what: 'somebody to decide',
    });
  }, 60_000);

  afterAll(async () => {
    await app?.close();
    await worker?.stop();
    await coordinator?.stop();
    await rows?.close();
    await database?.drop();
  });

  // Whatever was sent: nothing failed inside.
  afterEach(() => {
    expect(failures).toEqual([]);
  });

  /** As bytes on the wire: `fetch` would not send a foreign Host. */
  function call(method: string, path: string, { headers = {}, body }: Sent = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { host: url.hostname, port: url.port, method, path, headers, agent: false as const };
      const sent = request(options, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Whatever came back until the other side closed. `then` is sent when the first of it has come. */
  function exchange(bytes: string, then?: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(Number(url.port), url.hostname, () => socket.write(bytes, 'latin1'));
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      if (then !== undefined) socket.once('data', () => socket.write(then));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text));
    });
  }

  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    call('POST', '/v1/plans', { headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) });

  async function events(): Promise<number> {
    const [row] = await rows.read<{ n: number }>(
      'spec.events',
      'SELECT count(*)::int AS n FROM skein.events',
    );
    return row!.n;
  }

  function problemOf({ status, headers, text }: Answer): { code: string; detail: string } {
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
    const problem = JSON.parse(text) as Record<string, unknown>;
    expect(problem).toMatchObject({
      status,
      type: `urn:skein:problem:${String(problem['code'])}`,
      title: expect.stringMatching(/^[A-Z]/),
      detail: expect.stringMatching(/\w{3}/),
    });
    // It may be printed as it is.
    expect(String(problem['detail'])).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    return problem as { code: string; detail: string };
  }

  /** A clear refusal: status, code, what to do about it, and nothing in the ledger. */
  async function expectRefused(
    asked: () => Promise<Answer>,
    status: number,
    code: string,
    says: string | RegExp,
  ): Promise<void> {
    const before = await events();
    const answer = await asked();
    expect([answer.status, problemOf(answer).code]).toEqual([status, code]);
    expect(problemOf(answer).detail).toMatch(says);
    expect(await events()).toBe(before);
  }

  /** A plan that has ended, and nothing more happens to it. */
  async function endedPlan(): Promise<string> {
    const answer = await post({ text: PLAN });
    expect(answer.status).toBe(201);
    const { planId } = JSON.parse(answer.text) as { planId: string };
    await eventually(async () => (await coordinator.reader.plan(planId)).closed, {
      what: 'the plan to close',
    });
    return planId;
  }

  describe('a good submission', () => {
    it('is answered with where the plan is, and shown in the formats that were promised', async () => {
      const answer = await post({ text: PLAN }, { 'idempotency-key': 'good' });
      const body = JSON.parse(answer.text) as { planId: string };
      expect(answer).toMatchObject({
        status: 201,
        headers: {
          location: `/v1/plans/${body.planId}`,
          'content-type': 'application/json; charset=utf-8',
        },
      });
      expect(body).toMatchObject({ name: 'small', created: true, url: `/v1/plans/${body.planId}` });
      await eventually(async () => (await coordinator.reader.plan(body.planId)).closed, { what: 'its end' });
      const types: Record<string, string> = {};
      for (const path of ['', '/', '/steps', '/ledger', '/progress.md', '/diff', '/steps/only/attempts']) {
        const { status, headers } = await call('GET', `/v1/plans/${body.planId}${path}`);
        expect([path, status]).toEqual([path, 200]);
        types[path] = headers['content-type']!.split(';')[0]!;
      }
      expect(types).toMatchObject({
        '': 'application/json',
        '/progress.md': 'text/markdown',
        '/diff': 'text/plain',
      });
      const head = await call('HEAD', `/v1/plans/${body.planId}`);
      expect([head.status, head.text]).toEqual([200, '']);
    });

    it('that is repeated with its key is the same plan; with another body the key is refused', async () => {
      const key = { 'idempotency-key': 'replayed' };
      const first = JSON.parse((await post({ text: PLAN }, key)).text) as { planId: string };
      await eventually(async () => (await coordinator.reader.plan(first.planId)).closed, { what: 'its end' });
      const before = await events();
      const again = await post({ text: PLAN }, key);
      expect(again.status).toBe(200);
      expect(JSON.parse(again.text)).toMatchObject({ planId: first.planId, created: false });
      expect(again.headers.location).toBe(`/v1/plans/${first.planId}`);
      expect(await events()).toBe(before);
      const other = PLAN.replace('small', 'other');
      await expectRefused(() => post({ text: other }, key), 422, 'idempotency-key-reused', 'use a new key');
    });

    it.each([['http://localhost:7070'], [null]])('may come from a page of ours (%s)', async (origin) => {
      const headers = origin ? { host: 'localhost:7070', origin, 'sec-fetch-site': 'same-origin' } : {};
      expect((await call('GET', '/v1/plans', { headers })).status).toBe(200);
    });
  });

  describe('a web page in the operator’s browser', () => {
    const body = JSON.stringify({ text: PLAN });

    it.each<[string, Record<string, string>, number, string, string]>([
      ['by DNS rebinding', { ...JSON_TYPE, host: 'evil.example' }, 421, 'foreign-host', 'http://127.0.0.1'],
      ['by a look-alike', { ...JSON_TYPE, host: '127.0.0.1.evil.example' }, 421, 'foreign-host', 'loopback'],
      ['of an origin', { ...JSON_TYPE, origin: 'https://evil.example' }, 403, 'foreign-origin', 'origin'],
      ['of another port', { ...JSON_TYPE, origin: 'http://127.0.0.1:1' }, 403, 'foreign-origin', 'origin'],
      ['in a sandboxed frame', { ...JSON_TYPE, origin: 'null' }, 403, 'foreign-origin', 'origin'],
      ['of a site', { ...JSON_TYPE, 'sec-fetch-site': 'cross-site' }, 403, 'foreign-origin', 'another site'],
      ['beside us', { ...JSON_TYPE, 'sec-fetch-site': 'same-site' }, 403, 'foreign-origin', 'another site'],
      ['with a form', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type', 'application/json'],
      [
        'with another form',
        { 'content-type': 'application/x-www-form-urlencoded' },
        415,
        'unsupported-media-type',
        'application/json',
      ],
      ['with a bare body', {}, 415, 'unsupported-media-type', 'application/json'],
    ])('%s submits nothing', async (_how, headers, status, code, says) => {
      await expectRefused(() => call('POST', '/v1/plans', { headers, body }), status, code, says);
    });

    it('reads nothing, and gets no leave to ask', async () => {
      const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
      await expectRefused(() => call('OPTIONS', '/v1/plans', { headers }), 403, 'foreign-origin', 'origin');
      const answer = await call('GET', '/v1/plans', { headers });
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    });
  });

  describe('a body', () => {
    it.each<[string, string | Buffer, number, string, string | RegExp]>([
      ['that is absent', '', 400, 'body-malformed', 'send one JSON object'],
      ['that is cut off', '{"text": "version', 400, 'body-malformed', /not valid JSON.*send one JSON object/],
      ['of a NUL', '\0', 400, 'body-malformed', 'send one JSON object'],
      ['of bytes that are no text', Buffer.from([0xff, 0xfe, 0xc0]), 400, 'body-malformed', 'JSON'],
      ['nested without end', '['.repeat(50_000), 400, 'body-malformed', 'JSON'],
      ['of null', 'null', 400, 'body-invalid', 'expected {"text": "<the plan>"}'],
      ['of a list', '[]', 400, 'body-invalid', 'expected {"text": "<the plan>"}'],
      ['of text', '"version: 1"', 400, 'body-invalid', 'expected {"text": "<the plan>"}'],
      ['without a plan', '{}', 400, 'body-invalid', 'text: expected the plan text'],
      ['with the plan as an object', '{"text": {"version": 1}}', 400, 'body-invalid', 'as a string'],
      ['with an unknown key', '{"text": "", "plan": 1}', 400, 'body-invalid', 'unknown key "plan"'],
      ['with an unknown key', '{"text": "", "\\u001b[2J": 1}', 400, 'body-invalid', 'unknown key "\\u001b'],
      [
        'with a key that would write to a terminal',
        '{"text": "", "params": {"\\u001b[2J": {}}}',
        400,
        'body-invalid',
        'params."\\u001b[2J": expected text',
      ],
      [
        'that is wrong in very many places',
        JSON.stringify({
          text: '',
          params: Object.fromEntries([...Array(3_000).keys()].map((n) => [n, {}])),
        }),
        400,
        'body-invalid',
        /params\.19: [^;]*; and 2980 more$/,
      ],
      ['with __proto__', '{"__proto__": {"text": "x"}}', 400, 'body-malformed', 'JSON'],
      [
        'with constructor',
        '{"constructor": {"prototype": {}}, "text": ""}',
        400,
        'body-malformed',
        'send one JSON object',
      ],
      [
        'that is huge',
        `{"text": "${'a'.repeat(3 * MAX_BYTES)}"}`,
        413,
        'body-too-large',
        'larger than the 204096 bytes',
      ],
      [
        'whose plan is too large',
        JSON.stringify({ text: 'a'.repeat(MAX_BYTES + 1) }),
        413,
        'plan-invalid',
        `at most ${MAX_BYTES} are taken`,
      ],
    ])('%s is refused', async (_what, body, status, code, says) => {
      await expectRefused(() => call('POST', '/v1/plans', { headers: JSON_TYPE, body }), status, code, says);
    });

    it('that is far too large is answered without cutting its sender off, who might not see the answer', async () => {
      const sent = async (): Promise<Answer> => {
        const body = Buffer.alloc(60_000_000, 'a');
        const response = await fetch(new URL('/v1/plans', url), { method: 'POST', headers: JSON_TYPE, body });
        const headers = Object.fromEntries(response.headers);
        return { status: response.status, headers, text: await response.text() };
      };
      await expectRefused(sent, 413, 'body-too-large', 'make several plans of it');
      expect((await sent()).headers.connection).not.toBe('close');
    });

    it('that is compressed is refused', async () => {
      const headers = { 'content-encoding': 'gzip' };
      await expectRefused(() => post({ text: PLAN }, headers), 415, 'unsupported-encoding', 'as it is');
    });

    it.each(['', 'two words', 'a'.repeat(201), 'caf\u00e9'])(
      'with the Idempotency-Key %j is refused',
      async (key) => {
        const headers = { 'idempotency-key': key };
        await expectRefused(
          () => post({ text: PLAN }, headers),
          400,
          'idempotency-key-invalid',
          '1 to 200 visible',
        );
      },
    );
  });

  describe('a plan text', () => {
    it.each<[string, string, string | RegExp]>([
      ['that is empty', '', 'holds no plan'],
      ['of broken YAML', 'version: 1\nsteps: [', /line 2, column \d+/],
      ['of broken JSON', '{"version": 1,', 'line 1'],
      ['of two documents', `${PLAN}---\n${PLAN}`, /document/],
      ['with wrong types', 'version: "1"\nname: [a]\nsteps: 5\n', 'the plan has 3 problems'],
      ['with a typing mistake', `${PLAN}maxParalel: 3\n`, 'unknown key `maxParalel`'],
      ['with __proto__', `${PLAN}__proto__: { polluted: true }\n`, 'unknown key "__proto__"'],
      ['with constructor', `${PLAN}constructor: { prototype: {} }\n`, 'unknown key `constructor`'],
      ['with a custom tag', PLAN.replace('small', '!!js/function x'), 'tag'],
      ['of a billion laughs', LAUGHS, 'aliases make it grow'],
      ['that contains itself', '&a [*a]', 'contains itself'],
      ['of depth without end', '['.repeat(20_000), 'nested more than 32 levels deep'],
      ['of JSON of depth without end', '{"a":'.repeat(15_000), 'nested more than 32 levels deep'],
      ['with a NUL', PLAN.replace('small', '"sm\\0all"'), 'this one has \\u0000'],
      ['with half a character', PLAN.replace('small', 'sm\ud800all'), 'this one has \\ud800'],
      [
        'with half a character in a matrix',
        PLAN.replace('noop: true', 'noop: true, matrix: ["\ud800", "\ud801"]'),
        'half of a character',
      ],
      ['with a path as name', PLAN.replace('only', '../only'), 'a step name is'],
      ['with an option as name', PLAN.replace('only', '-rf'), 'a step name is'],
      ['with a command as name', PLAN.replace('only', '$(id)'), 'a step name is'],
      [
        'with a terminal escape in a matrix',
        PLAN.replace('noop: true', 'noop: true, matrix: ["\\e[2J"]'),
        'no control characters',
      ],
      ['with a cycle', 'version: 1\nname: a\nsteps: [{name: a, needs: [a], noop: true}]', 'itself'],
      ['without steps', 'version: 1\nname: a\nsteps: []', 'at least one step'],
      ['with a relative folder', WITH_REPO, 'a relative folder means nothing here'],
      ['with a password', WITH_REPO.replace('./service', 'https://me:pw@h/r'), 'SKEIN_GIT_TOKEN'],
      ['with an option as address', WITH_REPO.replace('./service', '--upload-pack=id'), 'not an address'],
    ])('%s is refused', async (_what, text, says) => {
      await expectRefused(() => post({ text }), 422, 'plan-invalid', says);
    });

    it('is refused with all its problems, each with its place and perhaps a hint', async () => {
      const answer = await post({ text: WITH_REPO });
      expect(JSON.parse(answer.text)).toMatchObject({
        problems: [
          {
            code: 'wrong-value',
            path: 'repo',
            line: 3,
            column: 7,
            hint: expect.stringContaining('absolute'),
          },
        ],
      });
    });

    it.each([
      ['./service', 'absolute path'],
      ['', 'empty'],
      ['https://me:secret@example.org/r.git', 'SKEIN_GIT_TOKEN'],
      ['-oProxyCommand=id', 'not an address'],
      ['ext::sh -c id', 'not an address'],
      ['/srv/\0', 'NUL'],
      [`/${'a'.repeat(3_000)}`, 'longer than'],
    ])('has no repository given beside it as %j', async (repoUrl, says) => {
      await expectRefused(() => post({ text: WITH_REPO, repoUrl }), 422, 'repo-url-invalid', says);
    });

    it('that names no repository gets none beside it', async () => {
      await expectRefused(
        () => post({ text: PLAN, repoUrl: '/srv/r' }),
        422,
        'plan-invalid',
        'names no repository',
      );
    });
  });

  describe('an address', () => {
    it.each<[string, number, string, string]>([
      ['/', 404, 'not-found', '/v1/plans'],
      ['/v2/plans', 404, 'not-found', '/v1/plans'],
      ['//v1/plans', 404, 'not-found', '/v1/plans'],
      ['/v1/plans/../../etc/passwd', 404, 'not-found', '/v1/plans'],
      ['/v1/plans/..%2F..%2Fetc%2Fpasswd', 404, 'plan-unknown', 'GET /v1/plans'],
      ['/v1/plans/nosuchplan', 404, 'plan-unknown', 'there is no plan "nosuchplan"'],
      ['/v1/plans/nosuchplan/ledger', 404, 'plan-unknown', 'there is no plan'],
      ['/v1/plans/%00%1b%5b2J', 404, 'plan-unknown', 'there is no plan'],
      ['/v1/plans/%C2%9B31m', 404, 'plan-unknown', 'there is no plan'],
      ['/v1/plans/%E2%80%AEabc', 404, 'plan-unknown', 'there is no plan'],
      ['/v1/plans/%zz', 400, 'path-malformed', '%25'],
      ['/v1/plans/%ED%A0%80', 400, 'path-malformed', 'UTF-8'],
      [`/v1/plans/${'a'.repeat(5_000)}`, 414, 'path-too-long', 'longer than any id'],
      ['/v1/plans?limit=0', 400, 'query-invalid', 'limit must be a whole number from 1 to 500'],
      ['/v1/plans/?limit=0', 400, 'query-invalid', 'limit must be a whole number from 1 to 500'],
      ['/v1/plans?label[]=a', 400, 'query-invalid', 'did you mean label?'],
      ['/v1/plans?limit=ten', 400, 'query-invalid', 'whole number'],
      ['/v1/plans?limit=1&limit=2', 400, 'query-invalid', 'whole number'],
      ['/v1/plans?cursor=x', 400, 'query-invalid', 'cursor'],
      ['/v1/plans?cursor=a&cursor=b', 400, 'query-invalid', 'cursor'],
      ['/v1/plans?cursor=%00', 400, 'query-invalid', 'cursor'],
      ['/v1/plans?status=done', 400, 'query-invalid', 'running, completed, halted, cancelled'],
    ])('%s is refused', async (path, status, code, says) => {
      await expectRefused(() => call('GET', path), status, code, says);
    });

    it.each([
      '/v1/plans/PLAN?x=1',
      '/v1/plans/PLAN/steps?stat=passed',
      '/v1/plans/PLAN/diff?stat',
      '/v1/plans/PLAN/ledger?afer=1',
      '/v1/plans/PLAN/events?since=1',
      '/v1/events?plans=a',
      '/v1/openapi.json?pretty=1',
      '/healthz?deep=1',
    ])('%s has a parameter that it does not take', async (path) => {
      const planId = await endedPlan();
      await expectRefused(
        () => call('GET', path.replace('PLAN', planId)),
        400,
        'query-invalid',
        /unknown query parameter "\w+"; (did you mean \w+\?|this takes )/,
      );
    });

    it.each([['POST', '/v1/plans?dryrun=true', 'did you mean dryRun?']])(
      '%s %s has a parameter that it does not take',
      async (method, path, says) => {
        const body = JSON.stringify({ text: PLAN });
        await expectRefused(
          () => call(method, path, { headers: JSON_TYPE, body }),
          400,
          'query-invalid',
          says,
        );
      },
    );

    it('is refused to a HEAD as to a GET, without a body', async () => {
      const { status, headers, text } = await call('HEAD', '/v1/plans/nosuchplan');
      expect([status, headers['content-type'], text]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
        '',
      ]);
    });

    it.each<[string, number, string, string]>([
      ['/ledger?after=-1', 400, 'query-invalid', 'after must be a whole number'],
      ['/ledger?limit=5001', 400, 'query-invalid', 'from 1 to 5000'],
      ['/steps/nosuch/attempts', 404, 'step-unknown', 'has no step "nosuch"; list them with GET'],
      ['/steps/s7/attempts', 404, 'step-unknown', 'has no step "s7"'],
      ['/steps/s99999999999999999999/attempts', 404, 'step-unknown', 'has no step'],
      ['/steps/on%00ly/attempts', 404, 'step-unknown', 'has no step'],
      ['/steps/%1B%5D0;x%07/attempts', 404, 'step-unknown', 'has no step'],
      [`/steps/${'a'.repeat(5_000)}/attempts`, 414, 'path-too-long', 'longer than any id'],
      ['/steps/only/attempts/9/log', 404, 'attempt-unknown', 'has no attempt 9'],
      ['/steps/only/attempts/0/log', 400, 'query-invalid', 'attempt must be a whole number'],
      ['/steps/only/attempts/last/diff', 400, 'query-invalid', 'attempt must be a whole number'],
    ])('%s below a plan is refused', async (path, status, code, says) => {
      const planId = await endedPlan();
      await expectRefused(() => call('GET', `/v1/plans/${planId}${path}`), status, code, says);
    });

    it.each([
      ['PUT', '/v1/plans', 'GET, HEAD, POST'],
      ['DELETE', '/v1/plans/nosuchplan', 'GET, HEAD'],
      ['PATCH', '/v1/plans/', 'GET, HEAD, POST'],
      ['OPTIONS', '/v1/plans', 'GET, HEAD, POST'],
      ['GET', '/v1/plans/nosuchplan/cancel', 'POST'],
      ['POST', '/healthz', 'GET, HEAD'],
    ])('takes no %s %s, and says what it takes', async (method, path, allow) => {
      await expectRefused(() => call(method, path, { headers: JSON_TYPE }), 405, 'method-not-allowed', allow);
      expect((await call(method, path)).headers.allow).toBe(allow);
    });
  });

  describe('a cancellation', () => {
    const cancel = (planId: string, body?: string): Promise<Answer> =>
      call('POST', `/v1/plans/${planId}/cancel`, { headers: JSON_TYPE, ...(body ? { body } : {}) });

    it('of an unknown plan is refused', async () => {
      await expectRefused(() => cancel('nosuchplan', '{}'), 404, 'plan-unknown', 'there is no plan');
    });

    it('of a plan that has ended is refused', async () => {
      const planId = await endedPlan();
      await expectRefused(() => cancel(planId, '{}'), 409, 'plan-ended', 'nothing left to cancel');
    });

    it.each([
      ['{"why": 5}', 'body-invalid', 'why: expected a string'],
      ['{"reason": "x"}', 'body-invalid', 'unknown key "reason"'],
      ['[]', 'body-invalid', 'expected {}'],
      ['', 'body-malformed', '{} to cancel'],
      [`{"why": "${'a'.repeat(1_001)}"}`, 'body-invalid', 'longer than 1000'],
    ])('with %s is refused', async (body, code, says) => {
      const planId = await endedPlan();
      await expectRefused(() => cancel(planId, body), 400, code, says);
    });
  });

  describe('what is hardly a request', () => {
    const HOST = 'Host: 127.0.0.1\r\n';

    it.each<[string, string, number, string, string]>([
      ['is no HTTP', 'HELO\r\n\r\n', 400, 'request-malformed', 'no HTTP/1.1 request'],
      ['has a bad header', `GET / HTTP/1.1\r\n${HOST}a b: c\r\n\r\n`, 400, 'request-malformed', 'HTTP/1.1'],
      [
        'has two lengths',
        `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
        400,
        'request-malformed',
        'no HTTP/1.1 request',
      ],
      [
        'has huge headers',
        `GET /v1/plans HTTP/1.1\r\n${HOST}x: ${'a'.repeat(20_000)}\r\n\r\n`,
        431,
        'headers-too-large',
        'larger than the 16 KB',
      ],
      [
        'has a huge address',
        `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`,
        431,
        'headers-too-large',
        'or the address',
      ],
      [
        'names no host',
        'GET /v1/plans HTTP/1.1\r\nConnection: close\r\n\r\n',
        421,
        'foreign-host',
        'http://127.0.0.1',
      ],
      [
        'expects something',
        `POST /v1/plans HTTP/1.1\r\n${HOST}Connection: close\r\nExpect: a miracle\r\nContent-Length: 0\r\n\r\n`,
        417,
        'expectation-unknown',
        'no Expect header',
      ],
      [
        'wants a tunnel',
        `CONNECT evil.example:443 HTTP/1.1\r\n${HOST}\r\n`,
        405,
        'method-not-allowed',
        'no proxy',
      ],
      [
        'wants a trace',
        `TRACE /v1/plans HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
        405,
        'method-not-allowed',
        'use GET, HEAD, POST',
      ],
    ])('and %s is refused as a problem, too', async (_what, bytes, status, code, says) => {
      const sent = async (): Promise<Answer> => {
        const [head = '', text = ''] = (await exchange(bytes)).split('\r\n\r\n');
        const [line = '', ...lines] = head.split('\r\n');
        const headers = Object.fromEntries(
          lines.map((one) => [one.split(': ')[0]!.toLowerCase(), one.slice(one.indexOf(': ') + 2)]),
        );
        return { status: Number(line.split(' ')[1]), headers, text };
      };
      await expectRefused(sent, status, code, says);
    });

    it('cannot hide behind a wish for another protocol: that is answered, and its connection ends', async () => {
      const wish = `GET /healthz HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`;
      const text = await exchange(wish, 'HELO\r\n\r\n');
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(text.toLowerCase()).toContain('connection: close');
    });

    it('is not answered into the middle of a stream', async () => {
      const planId = await endedPlan();
      const address = `GET /v1/events HTTP/1.1\r\n${HOST}\r\n`;
      const text = await exchange(address, 'HELO\r\n\r\n');
      expect(text).toContain('content-type: text/event-stream');
      expect(text).not.toContain('problem');
      expect((await call('GET', `/v1/plans/${planId}`)).status).toBe(200);
    });
  });

  describe('a request while the ledger is away', () => {
    async function asAdmin(...statements: string[]): Promise<void> {
      const elsewhere = new URL(database.adminUrl);
      elsewhere.pathname = '/postgres';
      const admin = new pg.Client({ connectionString: elsewhere.href });
      await admin.connect();
      for (const statement of statements) await admin.query(statement);
      await admin.end();
    }

    it.each(['', '/nosuchplan', '/nosuchplan/events'])(
      'for /v1/plans%s is told to come back',
      async (path) => {
        const name = new URL(database.adminUrl).pathname.slice(1);
        await asAdmin(
          `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
        );
        try {
          const answer = await call('GET', `/v1/plans${path}`);
          expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
          expect(problemOf(answer)).toMatchObject({ code: 'ledger-unavailable' });
        } finally {
          await asAdmin(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
        }
        await eventually(async () => (await coordinator.readiness.missing()).length === 0, {
          what: 'somebody to decide again',
        });
      },
    );
  });

  describe('noise', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('..', '%00', '%zz', '%E0%A4', "' OR 1=1", '\u001b[2J', '__proto__', 's0', 'only', '-1'),
    );
    const encoded = hostile.map((text) => encodeURIComponent(text.toWellFormed()));
    const part = fc.oneof(encoded, fc.constantFrom('%', '%0', '%ff', '*', ';', '.', '..', 'steps', 'ledger'));

    function expectAnswer(answer: Answer): void {
      expect(answer.status).toBeLessThan(500);
      if (answer.status >= 400) problemOf(answer);
    }

    it('in addresses never breaks anything', async () => {
      const planId = await endedPlan();
      const before = await events();
      const path = fc.record({
        parts: fc.array(part, { maxLength: 6 }),
        query: fc.dictionary(fc.constantFrom('limit', 'cursor', 'status', 'after'), encoded),
        below: fc.boolean(),
        method: fc.constantFrom('GET', 'GET', 'GET', 'PUT', 'DELETE', 'HEAD'),
      });
      await fc.assert(
        fc.asyncProperty(path, async ({ parts, query, below, method }) => {
          const start = below ? ['v1', 'plans', planId] : ['v1', 'plans'];
          const search = Object.entries(query).map(([name, value]) => `${name}=${value}`);
          const answer = await call(method, `/${[...start, ...parts].join('/')}?${search.join('&')}`);
          if (method === 'HEAD') expect(answer.status).toBeLessThan(500);
          else {
            expectAnswer(answer);
            if (method === 'GET') described.check(method, `/${[...start, ...parts].join('/')}`, answer);
          }
        }),
        { seed: SEED, numRuns: 300 },
      );
      expect(await events()).toBe(before);
    }, 60_000);

    it('in bodies is refused or is a plan, and only a plan leaves a trace', async () => {
      const mutated = fc
        .array(fc.record({ at: fc.nat(PLAN.length), cut: fc.nat(8), put: hostile }), {
          minLength: 1,
          maxLength: 3,
        })
        .map((edits) =>
          edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), PLAN),
        );
      const body = fc.oneof(
        fc.json(),
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc
          .record({ text: fc.oneof(mutated, hostile), repoUrl: fc.option(hostile) })
          .map((it) => JSON.stringify(it)),
        mutated.map((text) => JSON.stringify({ text })),
      );
      await fc.assert(
        fc.asyncProperty(body, async (text) => {
          const before = await events();
          const answer = await call('POST', '/v1/plans', { headers: JSON_TYPE, body: text });
          expectAnswer(answer);
          if (answer.status < 400) {
            const { planId } = JSON.parse(answer.text) as { planId: string };
            await eventually(async () => (await coordinator.reader.plan(planId)).closed, { what: 'its end' });
          } else expect(await events()).toBe(before);
        }),
        { seed: SEED, numRuns: 300 },
      );
    }, 60_000);
  });
});
