import { jest } from '@jest/globals';
import { silentLogger } from '#telemetry';
import { loadSettings } from '#config';
import {
  LedgerDatabase,
  LedgerUnavailableError,
  PostgresLedger,
  migrate,
  verifyChain,
  type Append,
  type LedgerEvent,
  type Ledger,
} from '#ledger';
import { DeadLetters } from '#bus';
import type { PlanDefinition, PlanEvent } from '#domain';
import {
  aPlan,
  aStep,
  eventually,
  freshDatabase,
  freshNamespace,
  startOwnNats,
  tempDir,
  testServers,
  type FreshDatabase,
} from '#testing';
import { planIdFor } from './commands/plan-commands.ts';
import { Coordinator } from './coordinator.ts';
import { ScriptedWorker, passAtOnce } from './testing/scripted-worker.ts';

const LEASE_MS = 1_500;

function noops(
  steps: { name: string; needs?: string[]; values?: string[] }[],
  maxLeases = 3,
): PlanDefinition {
  return aPlan({
    maxLeases,
    steps: steps.map(({ name, needs = [], values }) =>
      aStep({ name, needs, matrix: values ? { kind: 'list', values } : null }),
    ),
  });
}

const WIDE = noops([
  { name: 'root' },
  { name: 'leaf', needs: ['root'], values: Array.from({ length: 40 }, (_, index) => `v${index}`) },
  { name: 'join', needs: ['leaf'] },
]);

describe('a coordinator on real Postgres and NATS', () => {
  let database: FreshDatabase;
  let namespace: string;
  let artifacts: string;
  let ledger: Ledger;
  let ledgerDatabase: LedgerDatabase;
  let natsUrl: string;
  const open: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    database = await freshDatabase();
    namespace = freshNamespace();
    artifacts = await tempDir('artifacts');
    natsUrl = testServers().natsUrl;
    const { runtimeUrl } = await migrate({ adminUrl: database.adminUrl, log: silentLogger });
    ledgerDatabase = new LedgerDatabase({ url: runtimeUrl, log: silentLogger });
    ledger = new PostgresLedger(ledgerDatabase);
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    for (const one of open.splice(0).reverse()) await one.stop();
    await ledgerDatabase.close();
    await database.drop();
  });

  async function coordinator(): Promise<Coordinator> {
    const settings = loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: natsUrl,
      SKEIN_NAMESPACE: namespace,
      SKEIN_ARTIFACTS_DIR: artifacts,
      SKEIN_LEASE_MS: `${LEASE_MS}ms`,
      SKEIN_CLAIM_TIMEOUT_MS: '1s',
      SKEIN_DECIDER_TTL_MS: '1s',
      HOME: artifacts,
    });
    const one = await Coordinator.start(settings, silentLogger);
    open.push(one);
    return one;
  }

  async function worker(name: string, slots = 8, work = passAtOnce): Promise<ScriptedWorker> {
    const one = await ScriptedWorker.start({ name, natsUrl, namespace, slots, work });
    open.push(one);
    return one;
  }

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

  async function events(planId: string): Promise<PlanEvent[]> {
    const stored = await ledger.read(planId, 0, 10_000);
    expect(verifyChain(planId, stored).ok).toBe(true);
    return stored.map(({ event }) => event);
  }

  const ended = (planId: string) =>
    eventually(
      async () => {
        const all = await events(planId);
        return all.some(({ type }) => type === 'plan.closed') ? all : null;
      },
      { timeoutMs: 20_000, what: `plan ${planId} to close` },
    );

  it('carries a wide plan to its end, each step passing exactly once', async () => {
    const at = await coordinator();
    await worker('w1');
    const planId = await submit(at, WIDE, 'wide');
    const all = await ended(planId);
    expect(all.filter(({ type }) => type === 'step.passed')).toHaveLength(42);
    expect(all.filter(({ type }) => type === 'step.admitted')).toHaveLength(42);
    expect(await at.reader.plan(planId)).toMatchObject({
      status: 'completed',
      closed: true,
      counts: { passed: 42 },
    });
    expect((await at.reader.plans({ limit: 10, cursor: null, status: 'completed' })).plans).toHaveLength(1);
  });

  it('takes a repeated submission as the same plan, also after it has ended', async () => {
    const at = await coordinator();
    await worker('w1');
    const planId = await submit(at, noops([{ name: 'a' }]), 'same');
    const before = (await ended(planId)).length;
    await submit(at, noops([{ name: 'a' }]), 'same');
    expect(await events(planId)).toHaveLength(before);
  });

  it('says why a step waits when nobody serves its pool, and goes on when somebody comes', async () => {
    const at = await coordinator();
    await eventually(async () => (await at.readiness.missing()).length === 0, { what: 'somebody to decide' });
    const planId = await submit(at, noops([{ name: 'a' }]), 'lonely');
    const { steps } = await at.reader.steps(planId);
    expect(steps[0]?.wait).toMatch(/no worker serves pool "default"/);
    await worker('w1');
    await ended(planId);
  });

  it('issues a silent worker’s step to another, and fences its late result', async () => {
    const at = await coordinator();
    let wake = (): void => undefined;
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    open.push({ stop: async () => wake() });
    // One slot, which stays taken: like a stopped process, it pulls nothing else.
    const zombie = await worker('zombie', 1, async (hand) => {
      await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(10_000));
      await asleep;
      const result = {
        status: 'passed' as const,
        commit: null,
        outputs: { by: 'zombie' },
        resolved: null,
        candidate: null,
      };
      const reply = await hand.client.request(
        'result',
        { lease: hand.lease, result, traceparent: null },
        AbortSignal.timeout(10_000),
      );
      expect(reply.status).toBe('lost');
    });
    const planId = await submit(at, noops([{ name: 'a' }]), 'zombie');
    await eventually(async () => (await events(planId)).some(({ type }) => type === 'lease.granted'), {
      what: 'the claim',
    });
    zombie.fallSilent();
    await worker('w2');
    const passed = await eventually(
      async () => (await events(planId)).find((event) => event.type === 'step.passed') ?? null,
      { timeoutMs: 15_000, what: 'w2 to pass the step' },
    );
    expect(passed).toMatchObject({ data: { worker: 'w2', epoch: 2, outputs: {} } });
    wake();
    await ended(planId);
    expect((await events(planId)).filter(({ type }) => type === 'step.passed')).toHaveLength(1);
  });

  it('goes on with another decider when the first one stops, without counting leases as lost', async () => {
    const first = await coordinator();
    await worker('w1', 8, async (hand) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await passAtOnce(hand);
    });
    const planId = await submit(first, WIDE, 'handover');
    await eventually(
      async () => (await events(planId)).filter(({ type }) => type === 'step.passed').length > 5,
      {
        what: 'some steps to pass',
      },
    );
    const second = await coordinator();
    open.splice(open.indexOf(first), 1);
    await first.stop();
    const all = await ended(planId);
    expect(all.filter(({ type }) => type === 'step.passed')).toHaveLength(42);
    expect(all.filter(({ type }) => type === 'lease.lost')).toHaveLength(0);
    expect(await second.reader.plan(planId)).toMatchObject({ status: 'completed' });
  });

  it('does not hold it against a step that its worker died together with the decider', async () => {
    const first = await coordinator();
    const doomed = await worker('doomed', 1, async (hand) => {
      await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(10_000));
      await new Promise<void>((resolve) => hand.signal.addEventListener('abort', () => resolve()));
    });
    const planId = await submit(first, noops([{ name: 'a' }], 1), 'died together');
    await eventually(async () => (await events(planId)).some(({ type }) => type === 'lease.granted'), {
      what: 'the claim',
    });
    for (const one of [first, doomed]) {
      open.splice(open.indexOf(one), 1);
      await one.stop();
    }
    await coordinator();
    await worker('w2');
    const all = await ended(planId);
    expect(all.find(({ type }) => type === 'lease.lost')).toMatchObject({
      data: { worker: 'doomed', counts: false, reason: { code: 'lost-with-decider' } },
    });
    expect(all.at(-2)).toMatchObject({ type: 'plan.completed' });
  });

  /** The first append with such an event is written, but its answer gets lost. */
  function loseTheAnswer(type: PlanEvent['type']): void {
    const appendAll = PostgresLedger.prototype.appendAll;
    let lost = false;
    jest.spyOn(PostgresLedger.prototype, 'appendAll').mockImplementation(async function (
      this: PostgresLedger,
      term: number,
      appends: Append<LedgerEvent>[],
    ) {
      const results = await appendAll.call(this, term, appends);
      if (!lost && appends.some(({ events }) => events.some((event) => event.type === type))) {
        lost = true;
        throw new LedgerUnavailableError('unknown', new Error('the line died at the commit'));
      }
      return results;
    });
  }

  it('sends the jobs of a commit whose answer got lost', async () => {
    loseTheAnswer('step.admitted');
    const at = await coordinator();
    await worker('w1');
    const planId = await submit(at, noops([{ name: 'a' }, { name: 'b', needs: ['a'] }]), 'answer lost');
    const all = await ended(planId);
    expect(all.filter(({ type }) => type === 'step.admitted')).toHaveLength(2);
  });

  it('watches over a lease whose grant got lost on its way back, and issues it anew when its worker dies', async () => {
    loseTheAnswer('lease.granted');
    const at = await coordinator();
    const mortal = await worker('mortal', 1, async (hand) => {
      if (hand.job.epoch > 1) return passAtOnce(hand);
      await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(10_000));
      mortal.forget(hand.lease);
    });
    const planId = await submit(at, noops([{ name: 'a' }]), 'grant lost');
    const all = await ended(planId);
    expect(all.filter(({ type }) => type === 'lease.lost')).toHaveLength(1);
    expect(all.at(-2)).toMatchObject({ type: 'plan.completed' });
  });

  it('tells nobody that a lease is over while the commit that ends it is under way', async () => {
    const at = await coordinator();
    const commit = Promise.withResolvers<void>();
    const appendAll = PostgresLedger.prototype.appendAll;
    jest.spyOn(PostgresLedger.prototype, 'appendAll').mockImplementation(async function (
      this: PostgresLedger,
      term: number,
      appends: Append<LedgerEvent>[],
    ) {
      const ends = appends.some(({ events }) => events.some((event) => event.type === 'step.passed'));
      if (ends) await commit.promise;
      return appendAll.call(this, term, appends);
    });
    let lost: AbortSignal | null = null;
    await worker('patient', 1, async (hand) => {
      lost = hand.lost;
      await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(10_000));
      await passAtOnce(hand);
    });
    const planId = await submit(at, noops([{ name: 'a' }]), 'slow commit');
    await eventually(async () => (await events(planId)).some(({ type }) => type === 'lease.granted'), {
      what: 'the claim',
    });
    // Longer than a lease: several heartbeats are answered meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 2 * LEASE_MS));
    expect(lost!.aborted).toBe(false);
    commit.resolve();
    const all = await ended(planId);
    expect(all.filter(({ type }) => type === 'lease.lost')).toHaveLength(0);
  });

  it('takes commands on a standby and forwards them to the decider', async () => {
    const first = await coordinator();
    await eventually(async () => (await first.readiness.missing()).length === 0, {
      what: 'somebody to decide',
    });
    const standby = await coordinator();
    await worker('w1');
    const planId = await submit(standby, noops([{ name: 'a' }]), 'forwarded');
    await ended(planId);
    expect(await standby.reader.plan(planId)).toMatchObject({ status: 'completed' });
  });

  it('loses no step and applies no result twice when JetStream’s store is wiped in mid-plan', async () => {
    const nats = await startOwnNats();
    natsUrl = nats.url;
    const at = await coordinator();
    await worker('w1', 8, async (hand) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await passAtOnce(hand);
    });
    const planId = await submit(at, WIDE, 'wiped');
    await eventually(
      async () => (await events(planId)).filter(({ type }) => type === 'step.passed').length > 5,
      {
        what: 'some steps to pass',
      },
    );
    await nats.kill();
    await nats.wipe();
    const again = await nats.restart();
    open.unshift({ stop: () => again.stop() });
    const all = await ended(planId);
    expect(all.filter(({ type }) => type === 'step.passed')).toHaveLength(42);
  }, 60_000);

  it('poisons a step whose workers keep dying, copies a dead letter, and lets the rest go on', async () => {
    const at = await coordinator();
    const sick = await worker('sick', 8, async (hand) => {
      if (hand.job.stepName !== 'pill') return passAtOnce(hand);
      await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(10_000));
      sick.forget(hand.lease);
      await new Promise<void>((resolve) => hand.signal.addEventListener('abort', () => resolve()));
    });
    const plan = noops([{ name: 'pill' }, { name: 'after', needs: ['pill'] }, { name: 'other' }], 2);
    const planId = await submit(at, plan, 'poison');
    const all = await ended(planId);
    expect(all.find(({ type }) => type === 'step.poisoned')).toMatchObject({
      data: { reason: { code: 'leases-used-up' } },
    });
    expect(all.find(({ type }) => type === 'plan.halted')).toBeDefined();
    const { steps } = await at.reader.steps(planId);
    expect(steps.map(({ name, state }) => [name, state])).toEqual([
      ['pill', 'poisoned'],
      ['after', 'waiting'],
      ['other', 'passed'],
    ]);
  }, 30_000);

  /** Speaks no more for a `pill` that it has claimed; all else takes it for ever. */
  async function deadlyWorker(): Promise<ScriptedWorker> {
    const sick = await worker('sick', 8, async (hand) => {
      await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(10_000));
      if (hand.job.stepName === 'pill') return sick.forget(hand.lease);
      await new Promise<void>((resolve) => hand.signal.addEventListener('abort', () => resolve()));
    });
    return sick;
  }

  const copyOf = (on: ScriptedWorker, planId: string, ordinal: number) => {
    const letters = new DeadLetters({ bus: on.bus });
    return eventually(() => letters.get(planId, ordinal), { timeoutMs: 20_000, what: 'a copy' });
  };

  it('copies a dead letter whose commit came through and whose answer got lost', async () => {
    loseTheAnswer('step.poisoned');
    const at = await coordinator();
    const sick = await deadlyWorker();
    const planId = await submit(at, noops([{ name: 'pill' }], 1), 'poison, answer lost');
    expect(await copyOf(sick, planId, 0)).toMatchObject({
      payload: { epoch: 1, reason: { code: 'leases-used-up' }, lastLease: { worker: 'sick' } },
    });
    const all = await events(planId);
    expect(all.filter(({ type }) => type === 'step.poisoned')).toHaveLength(1);
  }, 30_000);

  it('copies a dead letter of a decider that died before it could, once it is taken over', async () => {
    const publish = jest.spyOn(DeadLetters.prototype, 'publish').mockRejectedValue(new Error('died'));
    const first = await coordinator();
    const sick = await deadlyWorker();
    const planId = await submit(
      first,
      noops([{ name: 'pill' }, { name: 'other' }], 1),
      'poison, then a crash',
    );
    await eventually(
      async () =>
        (await events(planId)).some(({ type }) => type === 'step.poisoned') && publish.mock.calls.length > 0,
      { timeoutMs: 20_000, what: 'a dead letter' },
    );
    await open.splice(0, 1)[0]!.stop();
    publish.mockRestore();
    await coordinator();
    expect(await copyOf(sick, planId, 0)).toMatchObject({ payload: { epoch: 1, step: 's0' } });
  }, 30_000);

  it('ends a job that every worker takes and none can read as a dead letter', async () => {
    const at = await coordinator();
    const held = Promise.withResolvers<void>();
    const worker = await ScriptedWorker.start({
      name: 'puzzled',
      natsUrl,
      namespace,
      slots: 2,
      work: async (hand) => {
        if (hand.job.stepName === 'other') {
          await hand.client.request('claim', { lease: hand.lease }, AbortSignal.timeout(10_000));
          hand.signal.addEventListener('abort', () => held.resolve());
          await held.promise;
        }
        return passAtOnce(hand);
      },
      unreadable: ({ stepName }) => stepName === 'garbled',
    });
    open.push(worker);
    const plan = noops([{ name: 'garbled' }, { name: 'after', needs: ['garbled'] }, { name: 'other' }], 2);
    const planId = await submit(at, plan, 'garbled');
    expect(await copyOf(worker, planId, 0)).toMatchObject({
      payload: {
        step: 's0',
        reason: { message: expect.stringContaining('never claimed: 2 times delivered') },
        job: { planId, ordinal: 0, work: { kind: 'noop' } },
        lastLease: null,
      },
    });
    const { wait } = await at.reader.explain(planId, 's1');
    expect(wait).toBe('needs garbled (s0), which is poisoned: it cannot go on');
    held.resolve();
    const all = await ended(planId);
    expect(all.find(({ type }) => type === 'step.poisoned')).toMatchObject({
      data: { reason: { message: expect.stringContaining('never claimed: 2 times delivered') } },
    });
    const garbled = all.filter(({ data }) => 'ordinal' in data && data.ordinal === 0);
    expect(garbled.map(({ type }) => type)).not.toContain('lease.granted');
    expect(worker.jobs.filter(({ stepName }) => stepName === 'garbled')).toHaveLength(2 * 2);
  }, 40_000);

  it('leaves no job on the queue when a plan has closed, even if an ack was lost', async () => {
    const at = await coordinator();
    const worker = await ScriptedWorker.start({
      name: 'mute',
      natsUrl,
      namespace,
      slots: 1,
      acks: false,
      work: passAtOnce,
    });
    open.push(worker);
    await ended(await submit(at, noops([{ name: 'a' }]), 'unacked'));
    await eventually(
      async () => {
        for await (const info of worker.bus.jsm.streams.list(worker.bus.subjects.allJobs()))
          if (info.state.messages > 0) return false;
        return true;
      },
      { what: 'the queue to be empty' },
    );
  });
});
