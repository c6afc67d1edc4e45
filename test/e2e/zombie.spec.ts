import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { promisify } from 'node:util';
import { eventually, gitRepo, type GitRepo } from '#testing';
import { BuiltFleet } from './built-fleet.ts';
import { processesOf } from './stack.ts';

const TEST_MS = 180_000;
const run = promisify(execFile);

/** Every ref of the repository with its commit. */
async function refsOf(repo: GitRepo): Promise<Map<string, string>> {
  const { stdout } = await run('git', ['-C', repo.bare, 'for-each-ref', '--format=%(refname) %(objectname)']);
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
}

/** The lease, and why it is lost. */
const LOST = /^Lease \S+ s\d+ epoch 1 is lost: \S/;

/** What a worker's log says as reasons of what befell the plan's leases. */
function reasonsIn(log: string, planId: string): string[] {
  return log.split('\n').flatMap((line) => {
    // The last line may be half written.
    if (!line.startsWith('{') || !line.endsWith('}')) return [];
    const entry = JSON.parse(line) as { planId?: string; why?: unknown };
    return entry.planId === planId && typeof entry.why === 'string' ? [entry.why] : [];
  });
}

/** Between a worker and its nats-server: what is sent while it holds arrives when it lets go. */
class Delay {
  private readonly sockets = new Set<net.Socket>();
  private holds = false;

  private constructor(
    private readonly server: net.Server,
    readonly url: string,
  ) {}

  static async before(target: string): Promise<Delay> {
    const url = new URL(target);
    const { hostname, port } = url;
    const server = net.createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url.port = String((server.address() as net.AddressInfo).port);
    const delay = new Delay(server, url.href);
    server.on('connection', (client) => delay.relay(client, net.connect(Number(port), hostname)));
    return delay;
  }

  hold(): void {
    this.holds = true;
    for (const socket of this.sockets) socket.pause();
  }

  letGo(): void {
    this.holds = false;
    for (const socket of this.sockets) socket.resume();
  }

  stop(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private relay(client: net.Socket, upstream: net.Socket): void {
    const ways = [
      [client, upstream],
      [upstream, client],
    ] as const;
    for (const [from, to] of ways) {
      this.sockets.add(from);
      from.on('data', (chunk) => void to.write(chunk));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      if (this.holds) from.pause();
      else from.resume();
    }
  }
}

/** The first attempt is rejected; what the second does depends on whose it is. */
function planText(repo: GitRepo, branch: string, zombie: string): object {
  return {
    version: 1,
    name: branch,
    repo: { url: repo.bare, base: 'main' },
    integrate: { branch },
    steps: [
      {
        name: 'fix',
        attempts: 3,
        agent: {
          prompt: 'Write the second version.',
          command: [
            'if [ "$SKEIN_ATTEMPT" = 1 ]; then echo first > fixed.txt; exit 0; fi',
            `if [ "$SKEIN_EPOCH" = 1 ]; then ${zombie}; fi`,
            'test "$(cat fixed.txt)" = first && grep -q "not the second" "$SKEIN_FEEDBACK" && echo second > fixed.txt',
          ].join('\n'),
        },
        verify: ['grep -q "second" fixed.txt || { echo not the second; exit 1; }'],
      },
    ],
  };
}

describe('a worker that wakes up after its lease', () => {
  let fleet: BuiltFleet;
  let repo: GitRepo;

  beforeEach(async () => {
    repo = await gitRepo({ 'README.md': '# Zombie\n' });
  }, TEST_MS);

  afterEach(() => fleet.stop(), 60_000);

  it(
    'changes nothing: its programs die, no ref moves, its log says why, and it works on',
    async () => {
      fleet = await BuiltFleet.start({ SKEIN_LEASE_MS: '3s' });
      const mark = `${70_000 + Math.floor(Math.random() * 9_000)}.5`;
      const planId = await fleet.submit(
        planText(repo, 'slept', `(setsid sleep ${mark} &); echo zombie > fixed.txt; exec sleep ${mark}`),
      );
      const zombie = await fleet.worker('zombie');
      await eventually(async () => (await processesOf(`sleep\0${mark}`)).length > 0, {
        timeoutMs: 30_000,
        what: 'the second attempt to run',
      });
      zombie.signal('SIGSTOP');
      const other = await fleet.worker('other');
      const plan = await fleet.closed(planId);
      expect(plan).toMatchObject({ status: 'completed', integration: { state: 'published' } });
      const before = { refs: await refsOf(repo), events: await fleet.ledger(planId) };
      expect((await processesOf(mark)).length).toBeGreaterThan(0);

      zombie.signal('SIGCONT');
      await eventually(async () => (await processesOf(mark)).length === 0, {
        timeoutMs: 10_000,
        what: 'its programs to die',
      });
      await eventually(() => reasonsIn(zombie.log, planId).some((why) => LOST.test(why)), {
        timeoutMs: 10_000,
        what: 'its log to say why',
      });
      // It is a worker again, and nobody else is there: what it had left to say about the old lease is said by then.
      await other.end('SIGTERM');
      const next = await fleet.submit({ version: 1, name: 'next', steps: [{ name: 'any', noop: true }] });
      expect(await fleet.closed(next)).toMatchObject({ status: 'completed' });
      expect(await fleet.ledger(planId)).toEqual(before.events);
      expect(await refsOf(repo)).toEqual(before.refs);
      expect(await repo.show('slept', 'fixed.txt')).toBe('second\n');
      const story = (await fleet.story(planId, 'fix')).map(({ type, data }) => [
        type,
        data['worker'],
        data['epoch'],
      ]);
      expect(story).toEqual([
        ['step.admitted', undefined, 1],
        ['lease.granted', 'zombie', 1],
        ['attempt.finished', 'zombie', 1],
        ['lease.lost', 'zombie', 1],
        ['step.admitted', undefined, 2],
        ['lease.granted', 'other', 2],
        ['attempt.finished', 'other', 2],
        ['step.passed', 'other', 2],
      ]);
    },
    TEST_MS,
  );

  it(
    'is recorded as late when what it sent in time arrives too late; what it pushed is only its own ref',
    async () => {
      // Long enough for it to end its attempt, also on a busy machine: what it says after that it never sends.
      fleet = await BuiltFleet.start({ SKEIN_LEASE_MS: '10s' });
      const delay = await Delay.before(fleet.nats.url);
      try {
        const zombie = await fleet.worker('zombie', { NATS_URL: delay.url });
        const planId = await fleet.submit(
          planText(repo, 'delayed', 'echo second, by a zombie > fixed.txt; exit 0'),
        );
        await eventually(
          async () => (await fleet.story(planId, 'fix')).some(({ type }) => type === 'attempt.finished'),
          {
            timeoutMs: 30_000,
            what: 'the first attempt to be rejected',
          },
        );
        // From now on nobody hears it: it carries its attempt out, pushes and reports.
        delay.hold();
        const mine = new RegExp(`^refs/skein/${planId}/s\\d+/1-[0-9a-f]+/2$`);
        const pushed = async (): Promise<string | undefined> =>
          [...(await refsOf(repo)).keys()].find((ref) => mine.test(ref));
        await eventually(async () => (await pushed()) !== undefined, { timeoutMs: 20_000, what: 'its push' });
        await fleet.worker('other');
        await eventually(
          async () => (await fleet.story(planId, 'fix')).some(({ type }) => type === 'step.passed'),
          {
            timeoutMs: 30_000,
            what: 'the other worker to pass the step',
          },
        );
        delay.letGo();
        const late = await eventually(
          async () => (await fleet.story(planId, 'fix')).find(({ type }) => type === 'result.late'),
          { timeoutMs: 20_000, what: 'the late result to be recorded' },
        );
        expect(late.data).toMatchObject({ epoch: 1, worker: 'zombie' });
        const plan = await fleet.closed(planId);
        expect(plan).toMatchObject({ status: 'completed' });
        expect(await repo.show('delayed', 'fixed.txt')).toBe('second\n');
        const passed = (await fleet.story(planId, 'fix')).filter(({ type }) => type === 'step.passed');
        expect(passed.map(({ data }) => data['worker'])).toEqual(['other']);
        expect([...(await refsOf(repo)).keys()].sort()).toEqual(['refs/heads/delayed', 'refs/heads/main']);
        expect(zombie.runs).toBe(true);
      } finally {
        delay.stop();
      }
    },
    TEST_MS,
  );
});
