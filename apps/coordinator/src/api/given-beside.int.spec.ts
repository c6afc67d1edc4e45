import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadSettings } from '#config';
import { migrate } from '#ledger';
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

const PLAN = `version: 1
name: upgrade-\${{ params.package }}
params: { package: { type: string }, tries: 3 }
templateFiles: [shared.yaml]
steps: [{ name: only, include: rest, locks: ['\${{ params.package }}'] }]
`;
const FILES = {
  'shared.yaml': "version: 1\ntemplates: { rest: { noop: true, priority: '${{ params.tries }}' } }\n",
};

interface Reply {
  status: number;
  body: Record<string, unknown> & { problems?: Record<string, unknown>[] };
}

describe('what is given beside a plan text', () => {
  let database: FreshDatabase;
  let coordinator: Coordinator;
  let app: NestFastifyApplication;
  let url: string;

  beforeAll(async () => {
    database = await freshDatabase();
    await migrate({ adminUrl: database.adminUrl, log: silentLogger });
    const home = await tempDir('api');
    const settings = loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: testServers().natsUrl,
      SKEIN_NAMESPACE: freshNamespace(),
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_PORT: '0',
      HOME: home,
    });
    coordinator = await Coordinator.start(settings, silentLogger);
    app = await startRestApi(settings, coordinator, silentLogger);
    url = await app.getUrl();
    await eventually(async () => (await coordinator.readiness.missing()).length === 0, {
      timeoutMs: 30_000,
      what: 'the coordinator to be ready',
    });
  }, 120_000);

  afterAll(async () => {
    await app?.close();
    await coordinator?.stop();
    await database?.drop();
  }, 60_000);

  async function submit(body: object, key: string): Promise<Reply> {
    const response = await fetch(`${url}/v1/plans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Reply['body'] };
  }

  async function submitted(planId: unknown): Promise<{ definition: object; digest: string }> {
    const page = (await (await fetch(`${url}/v1/plans/${planId as string}/ledger`)).json()) as {
      events: { type: string; data: { definition: object; digest: string } }[];
    };
    return page.events.find(({ type }) => type === 'plan.submitted')!.data;
  }

  it('is in the plan that is recorded, and in what it is pinned to', async () => {
    const first = await submit(
      { text: PLAN, params: { package: 'left-pad', tries: '5' }, files: FILES },
      'key-1',
    );
    expect(first).toMatchObject({ status: 201, body: { name: 'upgrade-left-pad' } });
    const recorded = await submitted(first.body['planId']);
    expect(recorded.definition).toMatchObject({
      name: 'upgrade-left-pad',
      params: { package: 'left-pad', tries: 5 },
      steps: [{ name: 'only', priority: 5, locks: ['left-pad'], work: { kind: 'noop' } }],
    });
    const second = await submit(
      { text: PLAN, params: { package: 'right-pad', tries: '5' }, files: FILES },
      'key-2',
    );
    expect((await submitted(second.body['planId'])).digest).not.toBe(recorded.digest);
  });

  it('makes a repeated submission the same plan, and another one a refusal', async () => {
    const body = { text: PLAN, params: { package: 'a' }, files: FILES };
    const first = await submit(body, 'key-3');
    expect(await submit(body, 'key-3')).toMatchObject({
      status: 200,
      body: { planId: first.body['planId'] },
    });
    const reordered = { files: FILES, params: { package: 'a' }, text: PLAN };
    expect(await submit(reordered, 'key-3')).toMatchObject({ status: 200 });
    for (const other of [
      { params: { package: 'b' } },
      { files: { 'shared.yaml': `${FILES['shared.yaml']}#` } },
    ]) {
      expect(await submit({ ...body, ...other }, 'key-3')).toMatchObject({
        status: 422,
        body: { code: 'idempotency-key-reused' },
      });
    }
  });

  it('is told of with its place when it is wrong: a problem names its file', async () => {
    const files = { 'shared.yaml': 'version: 1\ntemplates: { rest: { nop: true } }\n' };
    const { status, body } = await submit({ text: PLAN, params: { tries: 'many' }, files }, 'key-4');
    expect(status).toBe(422);
    expect(body.problems).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ code: 'missing-param', path: 'params.package', line: 3 }),
        expect.objectContaining({ code: 'wrong-param', path: 'params.tries', line: 3 }),
        expect.objectContaining({
          code: 'unknown-key',
          path: 'templates.rest.nop',
          file: 'shared.yaml',
          line: 2,
        }),
      ]),
    );
  });

  it.each([
    [{ params: ['a'] }, 'params'],
    [{ params: { a: { b: 1 } } }, 'params.a'],
    [{ params: { a: null } }, 'params.a'],
    [{ files: 'x' }, 'files'],
    [{ files: { 'a.yaml': 5 } }, 'files."a.yaml"'],
  ])('is refused when it is no map of values or texts: %j', async (beside, place) => {
    const { status, body } = await submit({ text: PLAN, ...beside }, 'key-5');
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'body-invalid' });
    expect(body['detail']).toContain(place);
  });
});
