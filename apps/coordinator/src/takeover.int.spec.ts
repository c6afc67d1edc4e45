import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { loadSettings } from '#config';
import { LedgerDatabase, PostgresLedger, migrate, verifyChain, type Ledger, type StoredEvent } from '#ledger';
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
import { planIdFor } from './commands/plan-commands.ts';
import { Coordinator } from './coordinator.ts';
import { ScriptedWorker, passAtOnce } from './testing/scripted-worker.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'dist', 'apps', 'coordinator', 'src', 'main.js');
const TAKEOVER_MAX_MS = 5_000;

const WIDE = aPlan({
  name: 'wide',
  maxLeases: 1,
  steps: [
    aStep({
      name: 'leaf',
      matrix: { kind: 'list', values: Array.from({ length: 60 }, (_, index) => `v${index}`) },
    }),
  ],
});

/** A coordinator as its own process, the built program. */
class Replica {
  log = '';

  private constructor(private readonly child: ChildProcess) {
    child.stderr!.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  static async start(env: Record<string, string>): Promise<Replica> {
    await access(MAIN).catch((cause: unknown) => {
      throw new Error('This spec drives the built program: run `npm run build` first', { cause });
    });
    const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const replica = new Replica(child);
    await eventually(() => replica.log.includes('"Deciding"'), {
      timeoutMs: 30_000,
      what: 'the replica to decide',
    });
    return replica;
  }

  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.thaw();
    this.child.kill('SIGTERM');
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
    await exited;
    clearTimeout(deadline);
  }
}

/** Stands between a replica and Postgres. Frozen, it swallows nothing and passes nothing on: like a dead switch. */
class Wire {
  private readonly sockets = new Set<net.Socket>();
  private frozen = false;
  private down = false;

  private constructor(
    private readonly server: net.Server,
    readonly url: string,
  ) {}

  static async before(target: string): Promise<Wire> {
    const { hostname, port } = new URL(target);
    const server = net.createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as net.AddressInfo).port);
    const wire = new Wire(server, url.href);
    server.on('connection', (client) => {
      if (wire.down) client.destroy();
      else wire.relay(client, net.connect(Number(port), hostname));
    });
    return wire;
  }

  freeze(): void {
    this.frozen = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** Like a server that is down: connections break, new ones do not come to anything. */
  cut(): void {
    this.down = true;
    for (const socket of this.sockets) socket.destroy();
  }

  thaw(): void {
    this.frozen = false;
    this.down = false;
    for (const socket of this.sockets) socket.resume();
  }

  async stop(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private relay(client: net.Socket, upstream: net.Socket): void {
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (chunk) => void to.write(chunk));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      if (this.frozen) from.pause();
      else from.resume();
    }
  }
}

describe('a decider that stands still', () => {
  let database: FreshDatabase;
  let ledger: Ledger;
  let env: Record<string, string>;
  const open: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    database = await freshDatabase();
    const artifacts = await tempDir('artifacts');
    env = {
      PATH: '/usr/bin:/bin',
      DATABASE_URL: database.adminUrl,
      NATS_URL: testServers().natsUrl,
      SKEIN_NAMESPACE: freshNamespace(),
      SKEIN_ARTIFACTS_DIR: artifacts,
      SKEIN_PORT: '0',
      HOME: artifacts,
    };
    const { runtimeUrl } = await migrate({ adminUrl: database.adminUrl, log: silentLogger });
    const ledgerDatabase = new LedgerDatabase({ url: runtimeUrl, log: silentLogger });
    open.push({ stop: () => ledgerDatabase.close() });
    ledger = new PostgresLedger(ledgerDatabase);
  });

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.stop();
    await database.drop();
  });

  function own<T extends { stop(): Promise<void> }>(one: T): T {
    open.push(one);
    return one;
  }

  async function submit(at: Coordinator, key: string): Promise<string | null> {
    const planId = planIdFor('local', key);
    const by = { name: 'spec', via: 'rest' };
    const submission = {
      tenant: 'local',
      definition: WIDE,
      digest: key,
      idempotencyKey: key,
      by,
      traceparent: null,
    };
    const reply = await at.commands.execute({ kind: 'submit', planId, submission }, null);
    return reply.status === 'decided' ? planId : null;
  }

  async function count(planId: string, type: string): Promise<number> {
    const stored = await ledger.read(planId, 0, 10_000);
    return stored.filter(({ event }) => event.type === type).length;
  }

  async function story(planId: string): Promise<StoredEvent[]> {
    const stored = await ledger.read(planId, 0, 10_000);
    expect(verifyChain(planId, stored).ok).toBe(true);
    return stored;
  }

  it.each(['because its process is stopped', 'because its Postgres does not answer any more'])(
    'is replaced within five seconds, %s, loses nothing, and changes nothing when it wakes',
    async (how) => {
      const wire = own(await Wire.before(database.adminUrl));
      const first = own(await Replica.start({ ...env, DATABASE_URL: wire.url }));
      const standby = own(await Coordinator.start(loadSettings(env), silentLogger));
      own(
        await ScriptedWorker.start({
          name: 'w1',
          natsUrl: env['NATS_URL']!,
          namespace: env['SKEIN_NAMESPACE']!,
          slots: 4,
          work: async (hand) => {
            await new Promise((resolve) => setTimeout(resolve, 50));
            await passAtOnce(hand);
          },
        }),
      );
      const planId = await eventually(() => submit(standby, 'before'), { what: 'a plan to be taken' });
      await eventually(async () => (await count(planId, 'step.passed')) > 10, { what: 'steps to pass' });

      const victim = how.includes('process') ? first : wire;
      victim.freeze();
      const frozenAt = performance.now();
      const later = await eventually(() => submit(standby, 'after'), {
        timeoutMs: 20_000,
        what: 'the standby to take plans',
      });
      const tookMs = Math.round(performance.now() - frozenAt);
      process.stderr.write(`taken over ${tookMs} ms after the decider stood still, ${how}\n`);
      expect(tookMs).toBeLessThan(TAKEOVER_MAX_MS);

      const plans = [planId, later];
      for (const id of plans) {
        await eventually(async () => (await count(id, 'plan.closed')) === 1, {
          timeoutMs: 30_000,
          what: `plan ${id} to close`,
        });
        expect(await count(id, 'step.passed')).toBe(60);
        expect(await count(id, 'lease.lost')).toBe(0);
        expect(await count(id, 'plan.completed')).toBe(1);
      }
      const before = await Promise.all(plans.map(story));
      victim.thaw();
      await eventually(() => first.log.includes('standing by'), {
        timeoutMs: 30_000,
        what: 'the old decider to stand by',
      });
      expect(await submit(standby, 'and again')).not.toBeNull();
      expect(await Promise.all(plans.map(story))).toEqual(before);
    },
  );

  it('keeps every lease while Postgres is away for longer than a lease', async () => {
    const wire = own(await Wire.before(database.adminUrl));
    const settings = loadSettings({ ...env, DATABASE_URL: wire.url, SKEIN_LEASE_MS: '2s' });
    const alone = own(await Coordinator.start(settings, silentLogger));
    const lost: AbortSignal[] = [];
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    own({ stop: async () => finish() });
    own(
      await ScriptedWorker.start({
        name: 'w1',
        natsUrl: env['NATS_URL']!,
        namespace: env['SKEIN_NAMESPACE']!,
        slots: 4,
        work: async (hand) => {
          await hand.claimed;
          lost.push(hand.lost);
          await finished;
          await passAtOnce(hand);
        },
      }),
    );
    const planId = await eventually(() => submit(alone, 'outage'), { what: 'a plan to be taken' });
    await eventually(() => lost.length === 4, { what: 'four claims' });
    wire.cut();
    // Two terms and three leases.
    await new Promise((resolve) => setTimeout(resolve, 6_500));
    expect(lost.map(({ aborted }) => aborted)).toEqual([false, false, false, false]);
    wire.thaw();
    finish();
    await eventually(async () => (await count(planId, 'plan.closed')) === 1, {
      timeoutMs: 30_000,
      what: 'the plan to close',
    });
    expect(await count(planId, 'step.passed')).toBe(60);
    expect(await count(planId, 'lease.lost')).toBe(0);
  });
});
