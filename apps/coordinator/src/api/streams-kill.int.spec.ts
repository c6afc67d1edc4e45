import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { SkeinClient, answerOf, type StreamedEvent } from '#client';
import {
  eventually,
  freshDatabase,
  freshNamespace,
  tempDir,
  testServers,
  type FreshDatabase,
} from '#testing';
import { freePort } from '#servers';
import { ScriptedWorker, passAtOnce } from '../testing/scripted-worker.ts';

const MAIN = join(import.meta.dirname, '../../../../dist/apps/coordinator/src/main.js');

const TEXT = `
version: 1
name: killed
steps:
  - { name: leaf, matrix: [${Array.from({ length: 60 }, (_, index) => `v${index}`).join(', ')}], noop: true }
`;

describe('event streams of a coordinator that is killed', () => {
  let database: FreshDatabase;
  let env: Record<string, string>;
  let worker: ScriptedWorker;
  const children: ChildProcess[] = [];
  const stop = new AbortController();

  beforeAll(async () => {
    await access(MAIN).catch((cause: unknown) => {
      throw new Error('This spec drives the built program: run `npm run build` first', { cause });
    });
    database = await freshDatabase();
    const home = await tempDir('killed');
    const namespace = freshNamespace();
    const { natsUrl } = testServers();
    env = {
      DATABASE_URL: database.adminUrl,
      NATS_URL: natsUrl,
      SKEIN_NAMESPACE: namespace,
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_DECIDER_TTL_MS: '500ms',
      SKEIN_PORT: String(await freePort()),
      HOME: home,
    };
    // Slow enough for the kills to come in the middle.
    const work = async (hand: Parameters<typeof passAtOnce>[0]) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await passAtOnce(hand);
    };
    worker = await ScriptedWorker.start({ name: 'w1', natsUrl, namespace, slots: 2, work });
  });

  afterAll(async () => {
    stop.abort();
    await worker?.stop();
    for (const child of children) child.kill('SIGKILL');
    await database?.drop();
  });

  function start(): ChildProcess {
    const child = spawn(process.execPath, [MAIN], { env, stdio: 'ignore' });
    children.push(child);
    return child;
  }

  it('are taken up again by the client: no event is lost, and none comes twice', async () => {
    let child = start();
    const client = new SkeinClient({ baseUrl: `http://127.0.0.1:${env['SKEIN_PORT']}`, tries: 20 });
    await eventually(async () => (await client.api.GET('/readyz')).response.ok, {
      what: 'the coordinator',
      timeoutMs: 20_000,
    });
    const whole: StreamedEvent[] = [];
    const ofAll = (async () => {
      for await (const event of client.events({}, { after: '0-0', signal: stop.signal })) whole.push(event);
    })().catch((error: unknown) => error);
    const { planId } = await answerOf(
      client.api.POST('/v1/plans', { body: { text: TEXT }, params: { header: { 'Idempotency-Key': 'k' } } }),
    );
    const told: StreamedEvent[] = [];
    const ofPlan = (async () => {
      for await (const event of client.planEvents(planId!)) told.push(event);
    })();
    for (const enough of [20, 60, 100]) {
      await eventually(() => told.length >= enough, { what: `${enough} events`, timeoutMs: 30_000 });
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      child = start();
    }
    await ofPlan;
    const params = { path: { planId: planId! }, query: { limit: 5_000 } };
    const { events } = await answerOf(client.api.GET('/v1/plans/{planId}/ledger', { params }));
    expect(told.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq));
    expect(told.at(-1)).toMatchObject({ type: 'plan.closed' });
    await eventually(() => whole.length >= events.length, {
      what: 'the events of all plans',
      timeoutMs: 30_000,
    });
    expect(whole.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq));
    expect(new Set(whole.map(({ cursor }) => cursor)).size).toBe(whole.length);
    stop.abort();
    await ofAll;
  }, 120_000);
});
