import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { EVENT_VERSION } from '#domain';
import { LedgerDatabase, PostgresLedger, Projector, migrate, verifyChain, type StoredEvent } from '#ledger';
import { silentLogger } from '#telemetry';
import {
  eventually,
  freshDatabase,
  freshNamespace,
  gitRepo,
  startOwnNats,
  tempDir,
  testServers,
  type FreshDatabase,
} from '#testing';
import { FrozenVersion } from '../../../test/upgrade/frozen-version.ts';
import { LITERAL, type Stage } from '../../../test/upgrade/frozen-plans.ts';
import { Programs, type Program } from '../../../test/upgrade/programs.ts';

const SKEIN = join(import.meta.dirname, '..', '..', '..', 'bin', 'skein');
const OLD = new FrozenVersion('first-landed');
const TEST_MS = 180_000;
const run = promisify(execFile);

interface Shown {
  name: string;
  status: string;
  closed: boolean;
  counts: Record<string, number>;
  integration: { state: string } | null;
}

async function get<T>(url: string, path: string): Promise<T> {
  const response = await fetch(`${url}${path}`);
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function post<T>(url: string, path: string, body: object): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Things to be stopped, in reverse. */
class Owned {
  private readonly things: { stop(): Promise<unknown> }[] = [];

  own<T extends { stop(): Promise<unknown> }>(thing: T): T {
    this.things.push(thing);
    return thing;
  }

  async stopAll(): Promise<void> {
    for (const thing of this.things.splice(0).reverse()) await thing.stop();
  }
}

/** Nobody writes projections until the returned function is called. */
async function heldProjections(adminUrl: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  await client.query("BEGIN; SELECT FROM skein.projections WHERE name = 'plans' FOR UPDATE");
  return () => client.end();
}

/** The events of plans, read past the programs under test. */
class Witness {
  private constructor(
    private readonly database: LedgerDatabase,
    private readonly ledger: PostgresLedger,
  ) {}

  static async of(adminUrl: string): Promise<Witness> {
    const { runtimeUrl } = await migrate({ adminUrl, log: silentLogger });
    const database = new LedgerDatabase({ url: runtimeUrl, log: silentLogger });
    return new Witness(database, new PostgresLedger(database));
  }

  async story(planId: string): Promise<StoredEvent[]> {
    const stored = await this.ledger.read(planId, 0, 10_000);
    expect(verifyChain(planId, stored).ok).toBe(true);
    return stored;
  }

  async count(planId: string, type: string): Promise<number> {
    return (await this.story(planId)).filter(({ event }) => event.type === type).length;
  }

  closed(planId: string): Promise<true> {
    return eventually(
      async () => {
        const last = (await this.story(planId)).at(-1)?.event.type;
        return last === 'plan.closed';
      },
      { timeoutMs: 120_000, what: `plan ${planId} to close` },
    );
  }

  /** As after `skein rebuild`: all rows are computed anew. */
  async rebuild(): Promise<void> {
    await using projector = new Projector(this.database, { log: silentLogger });
    await projector.rebuild();
    expect(await projector.caughtUp(20_000)).toBe(true);
  }

  stop(): Promise<void> {
    return this.database.close();
  }
}

describe('what the first landed version left behind', () => {
  const owned = new Owned();
  let plans: Record<Stage, string>;
  let witness: Witness;
  let coordinator: Program;
  let env: Record<string, string>;
  const shown = (stage: Stage) => get<Shown>(coordinator.url, `/v1/plans/${plans[stage]}`);
  const stepsOf = async (stage: Stage) =>
    (await get<{ steps: object[] }>(coordinator.url, `/v1/plans/${plans[stage]}/steps`)).steps;

  beforeAll(async () => {
    const database = await freshDatabase();
    owned.own({ stop: () => database.drop() });
    const folder = await tempDir('upgrade');
    const programs = await OLD.programs(join(folder, 'old'));
    await OLD.restoreLedger(database.adminUrl, programs);
    await OLD.restoreRepository();
    owned.own({ stop: () => OLD.removeRepository() });
    const storeDir = join(folder, 'nats');
    await OLD.restoreStreams(storeDir);
    const nats = owned.own(await startOwnNats({ storeDir }));
    plans = await OLD.plans();
    env = {
      DATABASE_URL: database.adminUrl,
      NATS_URL: nats.url,
      HOME: folder,
      SKEIN_PORT: '0',
      SKEIN_LEASE_MS: '2s',
      SKEIN_CLAIM_TIMEOUT_MS: '5s',
      SKEIN_DATA_DIR: join(folder, 'data'),
    };
    coordinator = owned.own(await Programs.ofToday().coordinator(env));
    witness = owned.own(await Witness.of(database.adminUrl));
    await eventually(async () => (await fetch(`${coordinator.url}/readyz`)).ok, {
      timeoutMs: 30_000,
      what: 'the new coordinator to be ready',
    });
  }, TEST_MS);

  afterAll(() => owned.stopAll(), 60_000);

  it(
    'is shown as it was, also when all of it is computed anew',
    async () => {
      const stages = Object.keys(plans) as Stage[];
      const picture = async () => {
        const seen: Record<string, object> = {};
        for (const stage of stages) {
          const { name, status, closed, counts, integration } = await shown(stage);
          seen[stage] = { name, status, closed, counts, integration, steps: await stepsOf(stage) };
        }
        return seen;
      };
      // The lease of then ends by itself: after that nothing moves until somebody works.
      await eventually(async () => (await shown('leased')).counts['running'] === 0, {
        timeoutMs: 30_000,
        what: 'the lease of then to end',
      });
      const before = await picture();
      expect(before).toMatchObject({
        completed: { status: 'completed', closed: true, integration: { state: 'published' } },
        halted: { status: 'halted', closed: true, counts: { blocked: 1 } },
        cancelled: { status: 'cancelled', closed: true },
        poisoned: { status: 'halted', closed: true, counts: { poisoned: 1 } },
        leased: { status: 'running', closed: false },
        admitted: { status: 'running', closed: false },
      });
      await witness.rebuild();
      expect(await picture()).toEqual(before);
    },
    TEST_MS,
  );

  it(
    'has the very bytes that were hashed then, and verifies with them',
    async () => {
      const rows = await OLD.rows();
      for (const planId of Object.values(plans)) {
        const old = (await witness.story(planId)).filter(({ body }) => body.startsWith('{"v":1,'));
        expect(old.length).toBeGreaterThan(1);
        for (const { body } of old)
          expect(rows).toContain(body.replaceAll("'", "''").replaceAll('\\', '\\\\'));
        const { stdout } = await run(SKEIN, ['--url', coordinator.url, 'ledger', 'verify', planId], {
          env: { PATH: process.env['PATH'], HOME: env['HOME'] },
        });
        expect(stdout).toMatch(/^verified: \d+ events/);
      }
    },
    TEST_MS,
  );

  it(
    'goes on to its end: attempts stay used, feedback is told, what was queued is taken',
    async () => {
      owned.own(await Programs.ofToday().worker(env));
      await witness.closed(plans.leased);
      await witness.closed(plans.admitted);
      expect(await shown('leased')).toMatchObject({
        status: 'completed',
        integration: { state: 'published' },
      });
      expect(await shown('admitted')).toMatchObject({
        status: 'completed',
        integration: { state: 'published' },
      });
      expect(await OLD.show('leased', 'fixed.txt')).toBe('second\n');
      expect(await OLD.show('leased', 'literal.txt')).toBe(`${LITERAL}\n`);
      const events = (await witness.story(plans.leased)).map(({ event }) => event);
      const fixing = events.filter(({ data }) => 'ordinal' in data && data.ordinal === 2);
      expect(
        fixing.map((event) => [event.type, 'attempt' in event.data ? event.data.attempt : null]),
      ).toEqual([
        ['step.admitted', null],
        ['lease.granted', null],
        ['attempt.finished', 1],
        ['lease.lost', null],
        ['step.admitted', null],
        ['lease.granted', null],
        ['attempt.finished', 2],
        ['step.passed', null],
      ]);
      expect(fixing[3]).toMatchObject({ data: { counts: false, reason: { code: 'lost-with-decider' } } });
      // The job of then, as it lay on the queue: nobody issued it anew.
      const first = (await witness.story(plans.admitted)).filter(
        ({ event }) => 'ordinal' in event.data && event.data.ordinal === 0,
      );
      expect(first.filter(({ event }) => event.type === 'step.admitted')).toHaveLength(1);
      expect(first.find(({ event }) => event.type === 'step.passed')?.event.data).toMatchObject({ epoch: 1 });
    },
    TEST_MS,
  );

  it(
    'can be redriven: a dead letter of then passes, and its plan with it',
    async () => {
      const letters = await get<{ deadLetters: { planId: string }[] }>(coordinator.url, '/v1/dead-letters');
      expect(letters.deadLetters.map(({ planId }) => planId)).toEqual([plans.poisoned]);
      await post(coordinator.url, `/v1/plans/${plans.poisoned}/steps/pill/redrive`, {
        why: 'the host is well again',
      });
      await eventually(async () => (await shown('poisoned')).status === 'completed', {
        timeoutMs: 60_000,
        what: 'the redriven plan to complete',
      });
    },
    TEST_MS,
  );
});

describe('old and new programs side by side', () => {
  let owned: Owned;
  let old: Programs;
  const today = Programs.ofToday();
  let env: Record<string, string>;
  let database: FreshDatabase;
  let text: string;

  beforeAll(async () => {
    old = await OLD.programs(join(await tempDir('old'), 'old'));
  }, TEST_MS);

  beforeEach(async () => {
    owned = new Owned();
    const mine = await freshDatabase();
    database = mine;
    owned.own({ stop: () => mine.drop() });
    const folder = await tempDir('side-by-side');
    const repo = await gitRepo({ 'README.md': '# Side by side\n' });
    env = {
      DATABASE_URL: mine.adminUrl,
      NATS_URL: testServers().natsUrl,
      SKEIN_NAMESPACE: freshNamespace(),
      HOME: folder,
      SKEIN_PORT: '0',
      // Longer than a take-over: else workers rightly give up what nobody renews.
      SKEIN_LEASE_MS: '10s',
      SKEIN_CLAIM_TIMEOUT_MS: '2s',
      SKEIN_DATA_DIR: join(folder, 'data'),
      SKEIN_WORKER_SLOTS: '2',
    };
    text = JSON.stringify({
      version: 1,
      name: 'side-by-side',
      repo: { url: repo.bare, base: 'main' },
      integrate: { branch: 'side-by-side', verify: ['test -f all.txt'] },
      steps: [
        {
          name: 'change',
          matrix: Array.from({ length: 10 }, (_, index) => `n${index}`),
          run: 'sleep 0.3; echo "$SKEIN_MATRIX" > "change-$SKEIN_MATRIX.txt"',
        },
        { name: 'all', needs: ['change'], run: 'cat change-*.txt > all.txt' },
      ],
    });
  }, TEST_MS);

  afterEach(() => owned.stopAll(), 60_000);

  const isReady = async (at: Program): Promise<boolean> => (await fetch(`${at.url}/readyz`)).ok;
  const inData = (name: string) => ({ ...env, SKEIN_DATA_DIR: join(env['SKEIN_DATA_DIR']!, name) });

  async function submit(at: Program): Promise<string> {
    const reply = await eventually(() => post<{ planId: string }>(at.url, '/v1/plans', { text }), {
      timeoutMs: 20_000,
      what: 'a plan to be taken',
    });
    return reply.planId;
  }

  it(
    'a new standby takes over from an old decider that is killed in mid-plan, with old and new workers',
    async () => {
      const first = owned.own(await old.coordinator(env));
      await eventually(() => isReady(first), { timeoutMs: 20_000, what: 'the old one to decide' });
      const standby = owned.own(await today.coordinator(env));
      owned.own(await old.worker(inData('old')));
      owned.own(await today.worker(inData('new')));
      const planId = await submit(first);
      const witness = owned.own(await Witness.of(database.adminUrl));
      await eventually(async () => (await witness.count(planId, 'step.passed')) >= 3, {
        timeoutMs: 60_000,
        what: 'three steps to pass',
      });
      await first.end('SIGKILL');
      const killedAt = performance.now();
      await eventually(() => standby.log.includes('"Deciding"'), {
        timeoutMs: 20_000,
        what: 'the take-over',
      });
      expect(performance.now() - killedAt).toBeLessThan(5_000);
      await witness.closed(planId);
      const plan = await get<Shown>(standby.url, `/v1/plans/${planId}`);
      expect(plan).toMatchObject({ status: 'completed', integration: { state: 'published' } });
      const stored = await witness.story(planId);
      expect([...new Set(stored.map(({ body }) => body.slice(0, 6)))]).toEqual(['{"v":1', '{"v":2']);
      expect(stored.filter(({ event }) => event.type === 'lease.lost')).toEqual([]);
      const passed = stored.flatMap(({ event }) =>
        event.type === 'step.passed' ? [event.data.ordinal] : [],
      );
      expect(new Set(passed).size).toBe(passed.length);
    },
    TEST_MS,
  );

  it(
    'an old coordinator does not decide after a new one: it says why, changes nothing, and a new one goes on',
    async () => {
      const first = owned.own(await today.coordinator(env));
      await eventually(() => isReady(first), { timeoutMs: 20_000, what: 'the new one to decide' });
      const standby = owned.own(await old.coordinator(env));
      const worker = owned.own(await today.worker(inData('new')));
      // So that there is something left to project, however fast the new one is.
      const free = await heldProjections(database.adminUrl);
      const planId = await submit(first);
      const witness = owned.own(await Witness.of(database.adminUrl));
      await eventually(async () => (await witness.count(planId, 'step.passed')) >= 3, {
        timeoutMs: 60_000,
        what: 'three steps to pass',
      });
      await first.end('SIGKILL');
      await eventually(() => standby.log.includes('start a coordinator of that version'), {
        timeoutMs: 20_000,
        what: 'the old one to be refused the term',
      });
      await free();
      await eventually(() => standby.log.includes('leaves the projections to newer ones'), {
        timeoutMs: 20_000,
        what: 'the old one to leave the projections alone',
      });
      expect(await isReady(standby)).toBe(false);
      expect(standby.log).not.toContain('"Deciding"');
      const stored = await witness.story(planId);
      expect(stored.every(({ body }) => body.startsWith('{"v":2'))).toBe(true);

      owned.own(await today.coordinator(env));
      await witness.closed(planId);
      expect((await witness.story(planId)).slice(0, stored.length)).toEqual(stored);
      expect(await witness.count(planId, 'plan.completed')).toBe(1);
      expect(worker.runs).toBe(true);
    },
    TEST_MS,
  );

  it(
    'an old worker hands back what it does not know, with a reason, and a new one does it',
    async () => {
      const decider = owned.own(await today.coordinator(env));
      owned.own(await old.worker(inData('old')));
      const plan = { ...(JSON.parse(text) as object), baseline: { verify: ['test -f README.md'] } };
      text = JSON.stringify(plan);
      const planId = await submit(decider);
      const witness = owned.own(await Witness.of(database.adminUrl));
      const released = await eventually(
        async () =>
          (await witness.story(planId)).find(({ event }) => event.type === 'lease.released') ?? null,
        { timeoutMs: 30_000, what: 'the old worker to hand the job back' },
      );
      expect(released.event.data).toMatchObject({ counts: false });
      owned.own(await today.worker(inData('new')));
      await witness.closed(planId);
      expect(await get<Shown>(decider.url, `/v1/plans/${planId}`)).toMatchObject({ status: 'completed' });
      expect(await witness.count(planId, 'step.poisoned')).toBe(0);
    },
    TEST_MS,
  );

  it(
    'a coordinator that is older than the last decider is not ready, says why, and touches nothing',
    async () => {
      const witness = owned.own(await Witness.of(database.adminUrl));
      await newerDecider(database.adminUrl);
      const late = owned.own(await today.coordinator(env));
      await eventually(() => late.log.includes('start a coordinator of that version'), {
        timeoutMs: 20_000,
        what: 'it to be refused the term',
      });
      const answer = await fetch(`${late.url}/readyz`);
      expect(answer.status).toBe(503);
      expect(await answer.text()).toContain(
        `a newer coordinator has decided (it writes events of version ${EVENT_VERSION + 1}`,
      );
      const refused = await fetch(`${late.url}/v1/plans`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
      });
      expect(refused.status).toBe(503);
      expect(await get(late.url, '/v1/plans')).toMatchObject({ plans: [] });
      await witness.stop();
    },
    TEST_MS,
  );
});

/** What the first term of a newer version does to the ledger. */
async function newerDecider(adminUrl: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  await client.query('UPDATE skein.term SET term = term + 1, writes = $1', [EVENT_VERSION + 1]);
  await client.end();
}
