import type { PlanEvent, PlanState } from '#domain';
import type { PlanView, StepView, StoredEvent } from '#ledger';
import { silentLogger, type OverviewPlan } from '#telemetry';
import { eventually } from '#testing';
import type { Committed } from '../deciding/decision-loop.ts';
import { OverviewWriter, type OverviewWriterOptions } from './overview-writer.ts';

const trace = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
const at = (second: number) => new Date(Date.UTC(2026, 10, 20, 12, 0, second)).toISOString();

/** The projections and the collector, as far as the writer sees them. */
class World {
  readonly plans = new Map<string, { view: PlanView; steps: StepView[]; submission: string | null }>();
  readonly traces: { planId: string; seq: number; ordinal: number; traceparent: string }[] = [];
  readonly written: OverviewPlan[] = [];
  taken = true;
  projected = true;

  plan(planId: string, rest: Partial<PlanView> = {}, steps: Partial<StepView>[] = []): void {
    const all = steps.map((step, ordinal) => aStepView({ ordinal, ...step }));
    const counts = { passed: all.length } as PlanView['counts'];
    const view = { planId, name: planId, status: 'running', submittedAt: at(0), endedAt: null, counts };
    const head = { seq: 9, hash: 'h' };
    this.plans.set(planId, {
      view: { ...view, head, closed: false, ...rest } as PlanView,
      steps: all,
      submission: trace('c'),
    });
  }

  readonly views: OverviewWriterOptions['views'] = {
    plan: async (planId) => this.plans.get(planId)?.view ?? null,
    steps: async (planId, o = {}) =>
      (this.plans.get(planId)?.steps ?? []).filter(({ ordinal }) => ordinal > (o.afterOrdinal ?? -1)),
    events: async (planId) => {
      const traceparent = this.plans.get(planId)?.submission;
      return [{ event: { type: 'plan.submitted', data: { traceparent } } } as StoredEvent];
    },
    leaseTraces: async (planId, afterSeq) =>
      this.traces.filter((one) => one.planId === planId && one.seq > afterSeq),
    lastEnded: async () =>
      [...this.plans.values()]
        .map(({ view }) => view)
        .filter(({ endedAt }) => endedAt !== null)
        .sort((one, other) => other.endedAt!.localeCompare(one.endedAt!)),
  };
  readonly projector = { waitFor: async () => this.projected, caughtUp: async () => true };
  readonly sink = {
    write: async (plan: OverviewPlan) => {
      this.written.push(plan);
      return this.taken;
    },
    close: async () => undefined,
  };
}

function aStepView(rest: Partial<StepView>): StepView {
  const name = `step ${rest.ordinal}`;
  return { name, state: 'passed', startedAt: at(1), endedAt: at(3), ...rest } as StepView;
}

function committed(planId: string, types: PlanEvent['type'][], rest: Partial<PlanState> = {}): Committed[] {
  const plan = { planId, seq: 1, closed: types.includes('plan.closed'), steps: [], ...rest } as unknown;
  const events = types.map((type) => ({ type, data: {} }) as PlanEvent);
  return [{ plan: plan as PlanState, events, aborts: [] }];
}

/** Plans whose traces are followed at once. */
const PLANS_MAX = 10_000;

describe('the writer of overview traces', () => {
  let world: World;
  let writer: OverviewWriter;

  beforeEach(() => {
    world = new World();
    writer = aWriter();
  });

  afterEach(() => writer.stop());

  function aWriter(rest: Partial<OverviewWriterOptions> = {}): OverviewWriter {
    return new OverviewWriter({
      views: world.views,
      projector: world.projector,
      settings: { otlpEndpoint: 'http://127.0.0.1:1', serviceName: null },
      log: silentLogger,
      trace: world.sink,
      everyMs: 400,
      pauseMs: 20,
      ...rest,
    });
  }

  const writes = (count: number) =>
    eventually(() => world.written.length >= count, { what: `${count} writes` });

  it('writes a step when it has ended, with the submission and the leases linked', async () => {
    world.plan('p1', {}, [{}, { state: 'running', endedAt: null }]);
    world.traces.push({ planId: 'p1', seq: 3, ordinal: 0, traceparent: trace('a') });
    world.traces.push({ planId: 'p1', seq: 5, ordinal: 0, traceparent: trace('a') });
    world.traces.push({ planId: 'p1', seq: 6, ordinal: 0, traceparent: '' });
    writer.follow(committed('p1', ['step.passed']));
    await writes(1);
    expect(world.written[0]).toMatchObject({
      endedAt: null,
      outcome: null,
      traceparent: trace('c'),
      stepCount: 2,
      steps: [{ ordinal: 0, startedAt: at(1), endedAt: at(3), leaseTraceparents: [trace('a')] }],
    });
  });

  it('writes what is new together and no step twice, and the root at the end', async () => {
    world.plan('p1', {}, [{}, { state: 'running', endedAt: null }]);
    for (let i = 0; i < 20; i += 1) writer.follow(committed('p1', ['step.passed']));
    await writes(1);
    const first = performance.now();
    world.plan('p1', { status: 'completed', endedAt: at(9) }, [{}, {}]);
    writer.follow(committed('p1', ['step.passed', 'plan.completed', 'plan.closed']));
    await writes(2);
    expect(performance.now() - first).toBeGreaterThan(300);
    expect(world.written).toHaveLength(2);
    expect(world.written.map(({ steps }) => steps.map(({ ordinal }) => ordinal))).toEqual([[0], [1]]);
    expect(world.written[1]).toMatchObject({ outcome: 'completed', endedAt: at(9) });
  });

  it('writes again what was not taken', async () => {
    world.taken = false;
    world.plan('p1', { status: 'halted', endedAt: at(9) }, [{ state: 'blocked' }]);
    writer.follow(committed('p1', ['step.blocked', 'plan.halted', 'plan.closed']));
    await writes(2);
    world.taken = true;
    await writes(world.written.length + 1);
    expect(world.written.at(-1)?.steps).toHaveLength(1);
    const count = world.written.length;
    await writer.stop();
    expect(world.written).toHaveLength(count);
  });

  it('waits until the projections show what was committed', async () => {
    world.projected = false;
    world.plan('p1', {}, [{}]);
    writer.follow(committed('p1', ['step.passed']));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(world.written).toEqual([]);
    world.projected = true;
    await writes(1);
  });

  it('writes once more, at the start of a term, the plans that a dead decider saw end', async () => {
    world.plan('old', { status: 'completed', endedAt: at(-1_000), closed: true }, [{}]);
    world.plan('ended', { status: 'completed', endedAt: at(2), closed: true }, [{}]);
    world.plan('last', { status: 'cancelled', endedAt: at(8) }, [{ state: 'cancelled', startedAt: null }]);
    world.plan('open', {}, [{}]);
    writer.beginTerm();
    await writes(2);
    await writer.stop();
    expect(world.written.map(({ planId }) => planId).sort()).toEqual(['ended', 'last']);
    const [cancelled] = world.written.find(({ planId }) => planId === 'last')!.steps;
    expect(cancelled).toMatchObject({ outcome: 'cancelled', startedAt: at(3), endedAt: at(3) });
  });

  it('writes the steps that ended before its term with the first one that ends in it', async () => {
    world.plan('p1', {}, [{}, {}, { state: 'running', endedAt: null }]);
    writer.follow(committed('p1', ['step.passed']));
    await writes(1);
    expect(world.written[0]?.steps.map(({ ordinal }) => ordinal)).toEqual([0, 1]);
  });

  it('leaves a very large plan alone until its end', async () => {
    const counts = { passed: 2_001 } as PlanView['counts'];
    const steps = { length: 2_001 } as PlanState['steps'];
    world.plan('p1', { counts }, [{}]);
    writer.follow(committed('p1', ['step.passed'], { steps }));
    await writer.stop();
    expect(world.written).toEqual([]);

    writer = aWriter();
    world.plan('p1', { counts, status: 'halted', endedAt: at(9) }, [{ state: 'blocked' }]);
    world.traces.push({ planId: 'p1', seq: 3, ordinal: 0, traceparent: trace('a') });
    writer.follow(committed('p1', ['plan.halted'], { steps }));
    await writes(1);
    writer.follow(committed('p1', ['plan.closed'], { steps }));
    await writes(2);
    for (const overview of world.written) {
      expect(overview).toMatchObject({ stepCount: 2_001, outcome: 'halted' });
      expect(overview.steps).toMatchObject([{ ordinal: 0, leaseTraceparents: [trace('a')] }]);
    }
  });

  it('follows so many plans only: the oldest one’s trace stays incomplete, and that is logged', async () => {
    const warned: object[] = [];
    const log = { ...silentLogger, warn: (fields: object) => void warned.push(fields) };
    writer = aWriter({ log, everyMs: 60_000 });
    for (let n = 0; n < PLANS_MAX + 2; n += 1) writer.follow(committed(`p${n}`, ['plan.completed']));
    expect(warned).toEqual([{ planId: 'p0' }, { planId: 'p1' }]);
  });

  it('writes what is left when it stops, for a bounded time', async () => {
    world.plan('p1', { status: 'completed', endedAt: at(9) }, [{}]);
    writer.follow(committed('p1', ['plan.completed', 'plan.closed']));
    await writer.stop();
    expect(world.written).toHaveLength(1);

    const stuck = aWriter({
      trace: { ...world.sink, write: () => new Promise(() => undefined) },
      flushMs: 50,
    });
    stuck.follow(committed('p1', ['plan.completed']));
    const before = performance.now();
    await stuck.stop();
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  it('does nothing at all without an endpoint', async () => {
    const touched: string[] = [];
    const spy = new Proxy({}, { get: (_, name) => touched.push(String(name)) });
    const off = aWriter({
      settings: { otlpEndpoint: null, serviceName: null },
      views: spy as never,
      projector: spy as never,
    });
    off.beginTerm();
    off.follow(committed('p1', ['plan.completed']));
    await off.stop();
    expect(touched).toEqual([]);
    expect(world.written).toEqual([]);
  });
});
