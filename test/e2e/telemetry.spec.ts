import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { overviewTraceparent } from '#telemetry';
import { OtlpReceiver, eventually, gitRepo, type GitRepo } from '#testing';
import { Stack, freshDataDir, kill, skein, type LedgerLine } from './stack.ts';

type TracedLine = LedgerLine & { traceparent: string | null };
type Span = OtlpReceiver['spans'][number];

const COORDINATOR = 'apps/coordinator/src/main.js';
/** Where OTLP over HTTP goes when a library is left to its own defaults. */
const OTLP_DEFAULT_PORT = 4_318;

/** A fan-out, an agent that needs its feedback, and an integration. */
function planText(repo: GitRepo, changes: number, sleepS = 0): string {
  return JSON.stringify({
    version: 1,
    name: 'traced',
    repo: { url: repo.bare, base: 'main' },
    integrate: { branch: 'traced' },
    steps: [
      {
        name: 'change',
        matrix: Array.from({ length: changes }, (_, index) => String(index + 1)),
        run: [`sleep ${sleepS}`, 'echo "$SKEIN_MATRIX" > "$SKEIN_MATRIX.txt"'],
        verify: ['test -f "$SKEIN_MATRIX.txt"'],
      },
      {
        name: 'second-try',
        needs: ['change'],
        agent: {
          prompt: 'Do it well.',
          command: 'if [ -n "$SKEIN_FEEDBACK" ]; then echo good > try.txt; else echo bad > try.txt; fi',
        },
        attempts: 2,
        verify: ['grep -q good try.txt'],
      },
    ],
  });
}

describe('telemetry of the whole stack', () => {
  let collector: OtlpReceiver;
  let repo: GitRepo;
  let stack: Stack;

  beforeEach(async () => {
    collector = await OtlpReceiver.start();
    repo = await gitRepo({ 'README.md': '# Traced\n' });
  });

  afterEach(async () => {
    await stack.stop();
    await collector.stop();
  }, 60_000);

  async function up(env: Record<string, string>, slots = 4): Promise<void> {
    stack = await Stack.up({ dataDir: await freshDataDir(), slots, env });
  }
  const traced = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });

  const ledger = (planId: string) => stack.ledger(planId) as Promise<TracedLine[]>;

  /** The trace of a plan's overview, repetitions of a span taken for one. */
  function overview(planId: string): { root: Span | undefined; steps: Span[]; all: Span[] } {
    const [, traceId] = overviewTraceparent(planId).split('-');
    const all = [...byId(collector.spans.filter((span) => span.traceId === traceId)).values()];
    return {
      all,
      root: all.find(({ name }) => name === 'plan'),
      steps: all.filter(({ name }) => name === 'step'),
    };
  }

  async function overviewIsWhole(planId: string): Promise<void> {
    const ended = (await stack.steps(planId)).filter(({ state }) => state !== 'waiting').length;
    const isWhole = (): boolean => {
      const { root, steps } = overview(planId);
      return root !== undefined && steps.length === ended;
    };
    await eventually(isWhole, { timeoutMs: 30_000, what: `the overview trace with ${ended} steps` });
  }

  /** Each span under the root, with the times that the ledger has, linked to the leases that did the work. */
  async function expectOverviewAsInLedger(planId: string): Promise<void> {
    const events = await ledger(planId);
    const { all, root, steps } = overview(planId);
    expect(root).toMatchObject({
      parentSpanId: '',
      startMs: timeOf(events, 'plan.submitted'),
      endMs: timeOf(events, 'plan.completed'),
      attributes: { 'skein.plan.id': planId, 'skein.outcome': 'completed' },
    });
    const ids = new Set(all.map(({ spanId }) => spanId));
    for (const span of all) expect(span === root || ids.has(span.parentSpanId)).toBe(true);
    for (const { ordinal, name } of await stack.steps(planId)) {
      const of = events.filter(({ data }) => `s${String(data['ordinal'])}` === ordinal);
      const span = steps.find(({ attributes }) => attributes['skein.step.ordinal'] === ordinal);
      expect(span).toMatchObject({
        parentSpanId: root!.spanId,
        startMs: timeOf(of, 'lease.granted'),
        endMs: timeOf(of, 'step.passed'),
        attributes: { 'skein.step.name': name, 'skein.outcome': 'passed' },
      });
      const leases = of.filter(({ type }) => type === 'lease.granted').map(({ traceparent }) => traceparent);
      expect(span!.links.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`)).toEqual(leases);
    }
  }

  it('shows a plan in the trace of whoever submitted it, and as an overview of its own', async () => {
    await up(traced());
    const client = { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') };
    const submitted = await fetch(`${stack.url}/v1/plans`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        traceparent: `00-${client.traceId}-${client.spanId}-01`,
      },
      body: JSON.stringify({ text: planText(repo, 3) }),
    });
    expect(submitted.status).toBe(201);
    const { planId } = (await submitted.json()) as { planId: string };
    const secrets = await secretsOf(stack);
    expect(await stack.closed(planId)).toMatchObject({ status: 'completed' });
    await overviewIsWhole(planId);
    const events = await ledger(planId);
    const leaseCount = events.filter(({ type }) => type === 'lease.granted').length;
    await eventually(() => collector.named('lease').length === leaseCount, { what: 'the lease traces' });

    // The submission, and below it a trace for each lease.
    const [submission] = collector.named('plan submit');
    expect(submission).toMatchObject({ traceId: client.traceId, parentSpanId: client.spanId });
    const below = `00-${client.traceId}-${submission!.spanId}-01`;
    expect(events[0]).toMatchObject({ type: 'plan.submitted', data: { traceparent: below } });
    const live = collector.spans.filter(({ traceId }) => traceId === client.traceId);
    const known = new Set([client.spanId, ...live.map(({ spanId }) => spanId)]);
    expect(live.filter(({ parentSpanId }) => !known.has(parentSpanId))).toEqual([]);
    for (const lease of collector.named('lease')) {
      expect(lease).toMatchObject({ traceId: client.traceId, parentSpanId: submission!.spanId });
    }

    // What the worker said carries its lease's span into the ledger.
    const leaseOf = new Map(collector.named('lease').map((span) => [span.spanId, span]));
    const said = ['lease.granted', 'attempt.finished', 'step.passed'];
    for (const { data, traceparent } of events.filter(({ type }) => said.includes(type))) {
      const lease = leaseOf.get(traceparent!.split('-')[2]!);
      expect(lease?.attributes).toMatchObject({
        'skein.plan.id': planId,
        'skein.step.ordinal': `s${String(data['ordinal'])}`,
        'skein.lease.epoch': data['epoch'],
      });
    }

    // Inside a lease: each attempt with its git work and its checks.
    const attempts = collector.named('attempt');
    expect(attempts).toHaveLength(3 + 2);
    for (const attempt of attempts) {
      expect(leaseOf.has(attempt.parentSpanId)).toBe(true);
      const inside = live.filter(({ parentSpanId }) => parentSpanId === attempt.spanId);
      expect(inside.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['git commit', 'git push', 'verify']),
      );
    }
    expect(attempts.map(({ attributes }) => attributes['skein.verdict']).sort()).toEqual([
      ...Array<string>(4).fill('accepted'),
      'rejected',
    ]);

    await expectOverviewAsInLedger(planId);
    expect(overview(planId).root!.links).toEqual([{ traceId: client.traceId, spanId: submission!.spanId }]);

    expect(secrets.length).toBeGreaterThanOrEqual(3);
    const sent = collector.bodies.join('\n');
    for (const secret of secrets) expect(sent.includes(secret)).toBe(false);

    // From the trace to the logs.
    for (const program of ['coordinator', 'worker-1']) {
      const log = await readFile(`${stack.dataDir}/logs/${program}.log`, 'utf8');
      expect(log).toContain(`"trace_id":"${client.traceId}"`);
    }
  }, 240_000);

  it('loses no overview span when the coordinator is killed in mid-plan, and after its end', async () => {
    await up({ ...traced(), SKEIN_LEASE_MS: '3s', SKEIN_CLAIM_TIMEOUT_MS: '2s' }, 2);
    const planId = await stack.submit(planText(repo, 6, 0.3));
    await eventually(() => overview(planId).steps.length >= 2, {
      timeoutMs: 60_000,
      what: 'the first steps in the overview',
    });
    expect(overview(planId).root).toBeUndefined();
    await killCoordinator();

    // From here on nothing is taken: the decider that saw the plan end dies with its spans.
    await eventually(async () => (await stack.plan(planId)).counts['passed']! >= 6, { timeoutMs: 60_000 });
    collector.refuseWith = 503;
    expect(await stack.closed(planId)).toMatchObject({ status: 'completed' });
    expect(overview(planId).root).toBeUndefined();
    await killCoordinator();
    collector.refuseWith = null;
    await overviewIsWhole(planId);
    await expectOverviewAsInLedger(planId);
    expect(await skein(['ledger', 'verify', planId], { url: stack.url })).toMatchObject({ code: 0 });
  }, 240_000);

  it('connects to nobody when no collector is configured', async () => {
    const contacts: number[] = [];
    const listening = await listenByDefault(contacts);
    try {
      await up({});
      const planId = await stack.submit(planText(repo, 2));
      expect(await stack.closed(planId)).toMatchObject({ status: 'completed' });
      const said = (await ledger(planId)).map(({ traceparent }) => traceparent);
      expect(said.every((traceparent) => traceparent === null)).toBe(true);
      // What was held back would be sent at the end.
      expect(await stack.stop()).toBe(0);
      expect(collector.bodies).toEqual([]);
      expect(contacts).toEqual([]);
    } finally {
      listening?.close();
    }
  }, 240_000);

  /** `skein up` starts it again. */
  async function killCoordinator(): Promise<void> {
    const before = await stack.processes(COORDINATOR);
    expect(before).toHaveLength(1);
    kill(before[0]!, 'SIGKILL');
    await eventually(
      async () => {
        const now = await stack.processes(COORDINATOR);
        return now.length === 1 && now[0] !== before[0] && (await stack.get('/v1/plans')) !== null;
      },
      { timeoutMs: 60_000, what: 'the coordinator to be started again' },
    );
  }
});

function byId(spans: Span[]): Map<string, Span> {
  const found = new Map<string, Span>();
  for (const span of spans) {
    const before = found.get(span.spanId);
    // Repeated, perhaps by another process, but never another thing.
    if (before)
      expect([span.name, span.startMs, span.endMs]).toEqual([before.name, before.startMs, before.endMs]);
    found.set(span.spanId, span);
  }
  return found;
}

function timeOf(events: TracedLine[], type: string): number {
  return Date.parse(events.find((event) => event.type === type)?.at ?? '');
}

/** Passwords of this stack: those of its data folder, and those in the addresses that its programs were given. */
async function secretsOf(stack: Stack): Promise<string[]> {
  const kept = JSON.parse(await readFile(`${stack.dataDir}/secrets.json`, 'utf8')) as Record<string, unknown>;
  const own = Object.entries(kept).flatMap(([key, value]) =>
    /password|secret|token/i.test(key) && typeof value === 'string' ? [value] : [],
  );
  const given: string[] = [];
  for (const pid of await stack.processes('apps/')) {
    const environ = await readFile(`/proc/${pid}/environ`, 'utf8');
    for (const [, password] of environ.matchAll(/:\/\/[^\s:@\0]*:([^\s@\0]+)@/g)) given.push(password!);
  }
  expect(given.length).toBeGreaterThanOrEqual(2);
  return [...new Set([...own, ...given])];
}

/** Null: somebody else has that port. */
function listenByDefault(contacts: number[]): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      contacts.push(socket.remotePort ?? 0);
      socket.destroy();
    });
    server.once('error', () => resolve(null));
    server.listen(OTLP_DEFAULT_PORT, () => resolve(server));
  });
}
