import { createHash } from 'node:crypto';
import { overviewTraceparent } from '#telemetry';
import { eventually, gitRepo, type GitRepo } from '#testing';
import { findJaeger, JaegerServer, type JaegerSpan, type JaegerTrace } from './jaeger-server.ts';
import { Stack, freshDataDir, kill, type LedgerLine } from './stack.ts';

const jaegerProgram = await findJaeger();
const onJaeger = jaegerProgram === null ? describe.skip : describe;

const COORDINATOR = 'apps/coordinator/src/main.js';

/** Commands, a fan-out and an agent that needs its feedback, then an integration. */
function planText(repo: GitRepo, changes: number, sleepS: number): string {
  return JSON.stringify({
    version: 1,
    name: 'seen in jaeger',
    repo: { url: repo.bare, base: 'main' },
    integrate: { branch: `traced-${changes}`, verify: ['test -f try.txt'] },
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

onJaeger('the traces of the built programs, read back from a real Jaeger', () => {
  let jaeger: JaegerServer;
  let repo: GitRepo;
  let stack: Stack;

  beforeAll(async () => {
    jaeger = await JaegerServer.start(jaegerProgram!);
    repo = await gitRepo({ 'README.md': '# Traced\n' });
  }, 60_000);
  afterAll(async () => {
    await jaeger?.stop();
  });
  afterEach(async () => {
    await stack?.stop();
  }, 60_000);

  async function up(env: Record<string, string> = {}, slots = 4): Promise<void> {
    stack = await Stack.up({
      dataDir: await freshDataDir(),
      slots,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.otlpUrl, ...env },
    });
  }

  /** The plan's overview as Jaeger shows it, once its root and a span for each of the plan's steps are there. */
  function wholeOverview(planId: string, steps: number): Promise<Overview> {
    return eventually(
      async () => {
        const trace = await jaeger.trace(traceIdOf(overviewTraceparent(planId)));
        const overview = trace && new Overview(trace);
        return overview?.root && overview.steps.length === steps ? overview : null;
      },
      { timeoutMs: 60_000, what: `an overview trace with a root and ${steps} steps` },
    );
  }

  /** The shape that the ledger demands: a root, each step below it, times and outcomes as recorded. */
  async function expectShape(planId: string, overview: Overview): Promise<void> {
    const events = await stack.ledger(planId);
    const root = overview.root!;
    expect(root.references.filter(({ refType }) => refType === 'CHILD_OF')).toEqual([]);
    expect(tagsOf(root)).toMatchObject({ 'skein.plan.id': planId, 'skein.outcome': 'completed' });
    const at = (type: string, of: LedgerLine[]): number =>
      Date.parse(of.find((event) => event.type === type)!.at) * 1_000;
    expect(root.startTime).toBe(at('plan.submitted', events));
    expect(root.startTime + root.duration).toBe(at('plan.completed', events));
    expect(overview.trace.warnings).toBeNull();
    for (const step of await stack.steps(planId)) {
      const of = events.filter(({ data }) => `s${String(data['ordinal'])}` === step.ordinal);
      const span = overview.step(step.ordinal);
      expect(span.references).toContainEqual({
        refType: 'CHILD_OF',
        traceID: root.traceID,
        spanID: root.spanID,
      });
      expect(tagsOf(span)).toMatchObject({ 'skein.step.name': step.name, 'skein.outcome': 'passed' });
      expect(span.startTime).toBe(at('lease.granted', of));
      expect(span.startTime + span.duration).toBe(at('step.passed', of));
    }
  }

  /** Every link of a step leads to a trace that is there, of a lease of that very step. */
  async function leaseTracesOf(planId: string, overview: Overview): Promise<Map<string, LeaseTrace[]>> {
    const leases = new Map<string, LeaseTrace[]>();
    for (const span of overview.steps) {
      const ordinal = String(tagsOf(span)['skein.step.ordinal']);
      const links = span.references.filter(({ refType }) => refType === 'FOLLOWS_FROM');
      expect(links.length).toBeGreaterThan(0);
      for (const link of links) {
        const trace = await eventually(
          async () => {
            const found = await jaeger.trace(link.traceID);
            return found?.spans.some(({ spanID }) => spanID === link.spanID) ? found : null;
          },
          { timeoutMs: 20_000, what: `the trace of a lease of ${ordinal}` },
        );
        const lease = trace.spans.find(({ spanID }) => spanID === link.spanID)!;
        expect(lease.operationName).toBe('lease');
        expect(trace.processes[lease.processID]?.serviceName).toBe('skein-worker');
        expect(tagsOf(lease)).toMatchObject({ 'skein.plan.id': planId, 'skein.step.ordinal': ordinal });
        leases.set(ordinal, [...(leases.get(ordinal) ?? []), new LeaseTrace(trace, lease)]);
      }
    }
    return leases;
  }

  it('lead from a plan over its steps to the git, agent and check work of each lease', async () => {
    await up();
    const planId = await stack.submit(planText(repo, 3, 0));
    expect(await stack.closed(planId)).toMatchObject({ status: 'completed' });
    const steps = await stack.steps(planId);
    expect(steps.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['resolve', 'second-try', 'integrate', 'publish', 'clean']),
    );
    const overview = await wholeOverview(planId, steps.length);
    await expectShape(planId, overview);
    expect(overview.trace.spans).toHaveLength(1 + steps.length);

    const leases = await leaseTracesOf(planId, overview);
    const under = (name: string): string[][] =>
      leases.get(steps.find((step) => step.name === name)!.ordinal)!.map((lease) => lease.operations());
    expect(under('change[2]')).toEqual([
      expect.arrayContaining([
        'prepare',
        'attempt',
        'git checkout',
        'command',
        'git commit',
        'git push',
        'verify',
      ]),
    ]);
    const [tries] = under('second-try');
    expect(tries!.filter((name) => name === 'attempt')).toHaveLength(2);
    expect(tries!.filter((name) => name === 'agent')).toHaveLength(2);
    expect(tries!.filter((name) => name === 'verify')).toHaveLength(2);
    expect(under('integrate')[0]).toEqual(
      expect.arrayContaining(['integrate', 'git merge', 'verify', 'git push']),
    );
    expect(under('publish')[0]).toEqual(expect.arrayContaining(['publish', 'git push']));
    // A viewer groups by trace: what is not whole is shown with warnings.
    for (const traces of leases.values()) for (const { trace } of traces) expectWhole(trace);
    expectWhole(overview.trace, AFTER_THE_END);

    // What a person types into the search box finds them, too.
    const found = await jaeger.search('skein-coordinator', 'plan', { 'skein.plan.id': planId });
    expect(found.map(({ traceID }) => traceID)).toEqual([overview.trace.traceID]);
    const searched = await jaeger.search('skein-worker', 'lease', { 'skein.plan.id': planId });
    const linked = [...leases.values()].flat().map(({ trace }) => trace.traceID);
    expect(searched.map(({ traceID }) => traceID).sort()).toEqual([...new Set(linked)].sort());

    // The decider's turns are sampled, and linked to the leases whose messages they decided on.
    const turns = await eventually(
      async () => {
        const traces = await jaeger.search('skein-coordinator', 'decider decide', {});
        return traces.length > 0 ? traces : null;
      },
      { timeoutMs: 20_000, what: 'a turn of the decider' },
    );
    for (const turn of turns) {
      expectWhole(turn);
      expect(turn.spans.map(({ operationName }) => operationName).sort()).toEqual([
        'decider decide',
        'ledger append',
      ]);
    }
    const decidedOn = turns.flatMap(({ spans }) => spans.flatMap(({ references }) => references));
    const toLeases = decidedOn.filter(
      ({ refType, traceID }) => refType === 'FOLLOWS_FROM' && linked.includes(traceID),
    );
    expect(toLeases.length).toBeGreaterThan(0);
  }, 240_000);

  it('lose nothing when the coordinator is killed in mid-plan and a new one finishes it', async () => {
    await up({ SKEIN_LEASE_MS: '3s', SKEIN_CLAIM_TIMEOUT_MS: '2s' }, 2);
    const planId = await stack.submit(planText(repo, 6, 0.3));
    const early = await eventually(
      async () => {
        const trace = await jaeger.trace(traceIdOf(overviewTraceparent(planId)));
        const overview = trace && new Overview(trace);
        return overview && overview.steps.length >= 2 ? overview : null;
      },
      { timeoutMs: 60_000, what: 'the first steps in the overview' },
    );
    expect(early.root).toBeUndefined();
    const before = await stack.processes(COORDINATOR);
    expect(before).toHaveLength(1);
    kill(before[0]!, 'SIGKILL');
    expect(await stack.closed(planId)).toMatchObject({ status: 'completed' });
    expect(await stack.processes(COORDINATOR)).not.toEqual(before);

    const steps = await stack.steps(planId);
    const overview = await wholeOverview(planId, steps.length);
    await expectShape(planId, overview);
    // What the dead one wrote is still the same span, also where its successor wrote it again.
    for (const span of early.steps) {
      const now = overview.step(String(tagsOf(span)['skein.step.ordinal']));
      expect([now.spanID, now.startTime, now.duration]).toEqual([span.spanID, span.startTime, span.duration]);
    }
    const leases = await leaseTracesOf(planId, overview);
    expect(leases.size).toBe(steps.length);
    expectWhole(overview.trace, AFTER_THE_END, WRITTEN_AGAIN);
    for (const traces of leases.values()) for (const { trace } of traces) expectWhole(trace);
  }, 240_000);
});

/** A plan's overview trace. This Jaeger keeps repetitions of a span apart: they count once, and must be alike. */
class Overview {
  readonly root: JaegerSpan | undefined;
  readonly steps: JaegerSpan[];

  constructor(readonly trace: JaegerTrace) {
    const once = new Map<string, JaegerSpan>();
    for (const span of trace.spans) {
      const before = once.get(span.spanID);
      if (before) expect(digest(span)).toBe(digest(before));
      once.set(span.spanID, span);
    }
    const spans = [...once.values()];
    this.root = spans.find(({ operationName }) => operationName === 'plan');
    this.steps = spans.filter(({ operationName }) => operationName === 'step');
  }

  step(ordinal: string): JaegerSpan {
    const span = this.steps.find((candidate) => tagsOf(candidate)['skein.step.ordinal'] === ordinal);
    if (!span) throw new Error(`the overview has no span of ${ordinal}`);
    return span;
  }
}

class LeaseTrace {
  constructor(
    readonly trace: JaegerTrace,
    readonly lease: JaegerSpan,
  ) {}

  /** Names of all spans below the lease. */
  operations(): string[] {
    const below = new Set([this.lease.spanID]);
    const names: string[] = [];
    // Parents may come after their children.
    for (let grown = true; grown;) {
      grown = false;
      for (const { spanID, operationName, references } of this.trace.spans) {
        if (below.has(spanID) || !references.some((one) => below.has(one.spanID))) continue;
        below.add(spanID);
        names.push(operationName);
        grown = true;
      }
    }
    return names;
  }
}

/** The step `clean` comes after the plan's end, and so after its parent: to Jaeger that is a clock that goes wrong. */
const AFTER_THE_END = /^step: clock skew adjustment disabled/;
/** The new decider writes again what its predecessor may not have written. Alike: `Overview` looks at that. */
const WRITTEN_AGAIN = /^(step|plan): duplicate span IDs/;

/** Nothing of it is missing: no parent that Jaeger does not know, no other complaint of it. */
function expectWhole(trace: JaegerTrace, ...but: RegExp[]): void {
  const warnings = trace.spans.flatMap((span) =>
    (span.warnings ?? []).map((text) => `${span.operationName}: ${text}`),
  );
  expect(warnings.filter((text) => !but.some((one) => one.test(text)))).toEqual([]);
  const known = new Set(trace.spans.map(({ spanID }) => spanID));
  const orphans = trace.spans.filter(({ references }) =>
    references.some(({ refType, spanID }) => refType === 'CHILD_OF' && !known.has(spanID)),
  );
  expect(orphans.map(({ operationName }) => operationName)).toEqual([]);
}

function tagsOf(span: JaegerSpan): Record<string, unknown> {
  return Object.fromEntries(span.tags.map(({ key, value }) => [key, value]));
}

function traceIdOf(traceparent: string): string {
  return traceparent.split('-')[1]!;
}

/** Everything of a span but who sent it. */
function digest({ operationName, startTime, duration, references, tags }: JaegerSpan): string {
  return createHash('sha256')
    .update(JSON.stringify([operationName, startTime, duration, references, tags]))
    .digest('hex');
}
