import 'reflect-metadata';
import pg from 'pg';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadSettings } from '#config';
import { silentLogger } from '#telemetry';
import {
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

/** As many inputs as a decider lets wait. */
const WAITING_MAX = 20_000;
const ASLEEP = 'version: 1\nname: asleep\nsteps: [{ name: only, wait: 1h }]\n';
const TEST_MS = 120_000;

describe('a decider that is behind', () => {
  let database: FreshDatabase;
  let coordinator: Coordinator;
  let app: NestFastifyApplication;
  let url: string;

  beforeAll(async () => {
    database = await freshDatabase();
    const home = await tempDir('behind');
    const settings = loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: testServers().natsUrl,
      SKEIN_NAMESPACE: freshNamespace(),
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_PORT: '0',
      // What is held up here is the ledger, and not who decides.
      SKEIN_DECIDER_TTL_MS: '60s',
      HOME: home,
    });
    coordinator = await Coordinator.start(settings, silentLogger);
    app = await startRestApi(settings, coordinator, silentLogger);
    url = await app.getUrl();
    await eventually(async () => (await coordinator.readiness.missing()).length === 0, {
      what: 'somebody to decide',
    });
  }, TEST_MS);

  afterAll(async () => {
    await app?.close();
    await coordinator?.stop();
    await database?.drop();
  });

  const submit = (key: string) =>
    fetch(`${url}/v1/plans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ text: ASLEEP }),
    });

  async function appendsWait(admin: pg.Client): Promise<boolean> {
    const { rowCount } = await admin.query(
      `SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'skein.events'::regclass`,
    );
    return (rowCount ?? 0) > 0;
  }

  it(
    'tells who asks to come back, forgets nobody whom it took, and takes new ones when it has caught up',
    async () => {
      expect((await submit('known')).status).toBe(201);
      const planId = planIdFor('local', 'known');
      const admin = new pg.Client({ connectionString: database.adminUrl });
      await admin.connect();
      try {
        await admin.query('BEGIN');
        await admin.query('LOCK TABLE skein.events IN EXCLUSIVE MODE');
        const held = submit('held');
        await eventually(async () => appendsWait(admin), { what: 'a commit that cannot be made' });
        const by = { name: 'spec', via: 'rest' };
        const input = { kind: 'pause' as const, by, why: null, expectedSeq: null };
        const taken = Array.from({ length: WAITING_MAX }, () =>
          coordinator.commands.execute({ kind: 'operate', planId, input }, null),
        );
        const refused = await submit('refused');
        expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
        expect(await refused.json()).toMatchObject({
          code: 'decider-busy',
          detail: expect.stringContaining(`${WAITING_MAX} inputs are waiting`) as unknown,
        });
        await admin.query('ROLLBACK');
        expect((await held).status).toBe(201);
        const replies = await Promise.all(taken);
        expect(replies.filter(({ status }) => status !== 'decided')).toEqual([]);
        const { rows } = await admin.query<{ plan_id: string }>(
          `SELECT plan_id FROM skein.events WHERE type = 'plan.submitted'`,
        );
        expect(rows.map(({ plan_id }) => plan_id)).not.toContain(planIdFor('local', 'refused'));
        expect((await submit('refused')).status).toBe(201);
      } finally {
        await admin.end();
      }
    },
    TEST_MS,
  );
});
