import { TAIL_START } from '../cursor.ts';
import { jest } from '@jest/globals';
import type { PlanDefinition, PlanEvent } from '#domain';
import { silentLogger as log } from '#telemetry';
import { eventually, freshDatabase, type FreshDatabase } from '#testing';
import { EMPTY_HEAD } from '../chain/event-body.ts';
import { aDefinition, aStepDefinition, PlanRun, seeded } from '../contract/plan-run.ts';
import { PostgresUnderTest } from '../contract/postgres-under-test.ts';
import type { Head } from '../ledger.ts';
import { PlanViews, type PlanView, type StepView } from './plan-views.ts';
import { Projector } from './projector.ts';

jest.setTimeout(60_000);

let fresh: FreshDatabase;
let under: PostgresUnderTest;
let term: number;
let views: PlanViews;
let schemas = 0;
const heads = new Map<string, Head>();

beforeAll(async () => {
  fresh = await freshDatabase();
});
beforeEach(async () => {
  under = await PostgresUnderTest.open(fresh.adminUrl, `s${(schemas += 1)}`);
  term = (await under.terms.campaign('a'))!.term;
  views = new PlanViews(under.database);
  heads.clear();
});
afterEach(() => under?.close());
afterAll(() => fresh?.drop());

/** Appends to each plan as the decider does, with one commit. */
async function append(at: string, ...plans: [planId: string, events: PlanEvent[]][]): Promise<void> {
  const appends = plans
    .filter(([, events]) => events.length > 0)
    .map(([planId, events]) => {
      return { planId, expected: heads.get(planId) ?? EMPTY_HEAD, at, traceparent: null, events };
    });
  for (const result of await under.ledger.appendAll(term, appends)) {
    if (result.status === 'conflict') throw new Error('a test that conflicts with itself');
    heads.set(result.planId, result.head);
  }
}

function aRun(planId: string, definition: PlanDefinition, seed = 1): PlanRun {
  return new PlanRun(planId, definition, seeded(seed));
}

async function advance(run: PlanRun, events: PlanEvent[]): Promise<void> {
  await append(new Date(run.nowMs).toISOString(), [run.planId, events]);
}

/** What the domain's own state says, in the views' words. */
function expectedSteps({ state }: PlanRun): Partial<StepView>[] {
  const names: Record<string, string> = { ready: 'waiting', leased: 'running' };
  return state.steps.map((step) => ({
    ordinal: step.instance.ordinal,
    name: step.instance.name,
    kind: step.instance.kind,
    state: (names[step.status] ?? step.status) as StepView['state'],
    epoch: step.epoch,
    attemptsUsed: step.attemptsUsed,
    leasesLost: step.leasesLost,
    commit: step.commit,
    outputs: step.outputs ?? {},
  }));
}

async function expectViewsOf(run: PlanRun): Promise<void> {
  const plan = (await views.plan(run.planId))!;
  const steps = await views.steps(run.planId);
  expect(steps).toMatchObject(expectedSteps(run));
  expect(plan).toMatchObject({
    status: run.state.status,
    closed: run.state.closed,
    baseSha: run.state.baseSha,
    head: heads.get(run.planId),
  });
  const counted = Object.values(plan.counts).reduce((sum, n) => sum + n, 0);
  expect(counted).toBe(steps.length);
  for (const step of steps) plan.counts[step.state] -= 1;
  expect(Object.values(plan.counts).every((rest) => rest === 0)).toBe(true);
}

const PAGE: PlanDefinition = aDefinition([
  aStepDefinition('first'),
  aStepDefinition('many', {
    needs: ['first'],
    matrix: { kind: 'list', values: ['a', 'b', 'c', 'd', 'e', 'f'] },
    work: { kind: 'run', commands: ['true'], script: null },
  }),
  aStepDefinition('join', { needs: ['many'] }),
]);

const REPO = { repo: { url: '/somewhere', base: 'main' } };
const WITH_REPO: PlanDefinition = aDefinition(PAGE.steps, {
  ...REPO,
  integrate: {
    branch: null,
    setup: [],
    verify: [],
    env: {},
    network: false,
    timeout: { attemptMs: 1, idleMs: 1 },
    pool: 'default',
  },
});

describe('the projector', () => {
  it('says of every step what the domain says, whatever happens to the plans', async () => {
    await using one = new Projector(under.database, { log, batch: 7, pollMs: 20, pauseMs: 1 });
    await using two = new Projector(under.database, { log, batch: 3, pollMs: 20, pauseMs: 1 });
    one.start();
    two.start();
    const runs = Array.from({ length: 8 }, (_, i) => aRun(`plan${i}`, i % 2 ? PAGE : WITH_REPO, i));
    const at = '2026-11-20T12:00:00.000Z';
    await append(at, ...runs.map((run): [string, PlanEvent[]] => [run.planId, run.submit()]));
    // Readers ask where the projection stands while it moves: what they find must not move it.
    let over = false;
    const reader = (async () => {
      while (!over) await one.caughtUpTo(TAIL_START, 1);
    })();
    for (let round = 0; round < 60; round++) {
      await append(at, ...runs.map((run): [string, PlanEvent[]] => [run.planId, run.turn()]));
      one.nudge();
      if (round === 25) await append(at, ['plan0', runs[0]!.cancel()], ['plan1', runs[1]!.cancel()]);
    }
    expect(await one.caughtUp(20_000)).toBe(true);
    over = true;
    await reader;
    for (const run of runs) await expectViewsOf(run);
    const statuses = new Set(runs.map(({ state }) => state.status));
    expect(statuses.has('cancelled') && statuses.size > 1).toBe(true);
    const events = await under.admin.query(`SELECT FROM events WHERE type = 'attempt.finished'`);
    const attempts = await under.admin.query('SELECT FROM attempts');
    expect(attempts.rowCount).toBe(events.rowCount);
  });

  it('computes the same rows again from nothing', async () => {
    const projector = new Projector(under.database, { log, batch: 10 });
    const run = aRun('plan1', WITH_REPO, 3);
    await advance(run, run.submit());
    for (let turn = 0; turn < 80; turn++) {
      const events = run.turn();
      if (events.length > 0) await advance(run, events);
    }
    expect(await projector.caughtUp(20_000)).toBe(true);
    const before = [await views.plan('plan1'), await views.steps('plan1'), await views.attempts('plan1', 2)];
    await projector.rebuild();
    expect(await projector.caughtUp(20_000)).toBe(true);
    expect([await views.plan('plan1'), await views.steps('plan1'), await views.attempts('plan1', 2)]).toEqual(
      before,
    );
    await projector.stop();
  });

  it('finishes the rebuild of another one that died', async () => {
    await using living = new Projector(under.database, { log });
    const run = aRun('plan1', PAGE, 3);
    await advance(run, run.submit());
    expect(await living.caughtUp(20_000)).toBe(true);
    await new Projector(under.database, { log }).rebuild();
    expect(await views.plan('plan1')).toBeNull();
    expect(await living.caughtUp(20_000)).toBe(true);
    await expectViewsOf(run);
  });

  it('keeps its cursor from programs that are older than the decider: they would leave out what they do not know', async () => {
    // As programs did that did not say what they know.
    const moved = under.admin.query("UPDATE projections SET position = position + 1 WHERE name = 'plans'");
    await expect(moved).rejects.toThrow('leaves the projections to newer ones');
  });

  it('goes on where another one stopped, and counts nothing twice', async () => {
    const run = aRun('plan1', PAGE, 5);
    await advance(run, run.submit());
    for (let life = 0; life < 6; life++) {
      for (let turn = 0; turn < 6; turn++) {
        const events = run.turn();
        if (events.length > 0) await advance(run, events);
      }
      await using projector = new Projector(under.database, { log, batch: 4 });
      expect(await projector.waitFor('plan1', run.state.seq, 20_000)).toBe(true);
      await expectViewsOf(run);
    }
  });

  it('shows a plan to whoever waits for the seq that he was given', async () => {
    await using projector = new Projector(under.database, { log, pollMs: 60_000 });
    projector.start();
    const run = aRun('plan1', PAGE);
    await advance(run, run.submit());
    expect(await projector.waitFor('plan1', run.state.seq, 20_000)).toBe(true);
    expect((await views.plan('plan1'))?.head.seq).toBe(run.state.seq);
  });

  it('tells which plans ended last, and where the live traces of leases are', async () => {
    await using projector = new Projector(under.database, { log });
    const plans = [aRun('early', PAGE), aRun('late', PAGE), aRun('open', PAGE)];
    for (const run of plans) await advance(run, run.submit());
    const lease = { epoch: 1, worker: 'w1', tokenDigest: 't' };
    const events: PlanEvent[] = [
      { type: 'step.admitted', data: { ordinal: 0, epoch: 1 } },
      { type: 'lease.granted', data: { ordinal: 0, ...lease } },
      { type: 'step.passed', data: { ordinal: 0, ...lease, commit: null, outputs: {} } },
      { type: 'plan.cancelled', data: { by: { name: 'me', via: 'cli' }, why: null } },
    ];
    for (const [planId, at] of [
      ['late', '2026-11-21T12:00:00.000Z'],
      ['early', '2026-11-20T12:00:00.000Z'],
    ] as const) {
      const traceparents = ['decider', 'lease', null, 'client'];
      const expected = heads.get(planId) ?? EMPTY_HEAD;
      await under.ledger.appendAll(term, [{ planId, expected, at, traceparent: null, traceparents, events }]);
    }
    await projector.caughtUp(20_000);
    expect((await views.lastEnded(5)).map(({ planId }) => planId)).toEqual(['late', 'early']);
    expect((await views.lastEnded(1)).map(({ planId }) => planId)).toEqual(['late']);
    const [granted, passed] = await views.leaseTraces('late', 0, 10);
    expect(granted).toMatchObject({ ordinal: 0, traceparent: 'lease' });
    expect(passed).toEqual({ seq: granted!.seq + 1, ordinal: 0, traceparent: '' });
    expect(await views.leaseTraces('late', granted!.seq, 1)).toEqual([passed]);
  });

  it('does not wait for ever for what an open transaction holds back', async () => {
    await using projector = new Projector(under.database, { log });
    const rival = await under.openRival({
      planId: 'late',
      expected: EMPTY_HEAD,
      at: 'now',
      traceparent: null,
      events: [{ type: 'plan.closed', data: {} }],
    });
    const run = aRun('plan1', PAGE);
    await advance(run, run.submit());
    expect(await projector.waitFor('plan1', run.state.seq, 100)).toBe(false);
    await rival.commit();
    expect(await projector.waitFor('plan1', run.state.seq, 20_000)).toBe(true);
  });

  it('wakes up at a nudge, long before it would look by itself', async () => {
    await using projector = new Projector(under.database, { log, pollMs: 60_000, pauseMs: 1 });
    projector.start();
    await projector.caughtUp(1_000);
    const run = aRun('plan1', PAGE);
    await advance(run, run.submit());
    await eventually(
      async () => {
        projector.nudge();
        return (await views.plan('plan1')) !== null;
      },
      { what: 'the plan after a nudge' },
    );
  });

  it('is not stopped by texts that no column can hold', async () => {
    const hostile = 'a\0b\ud800`|<script>\u202e\n# x';
    const definition = aDefinition(
      [aStepDefinition(hostile), aStepDefinition('next', { needs: [hostile] })],
      {
        name: hostile,
      },
    );
    const run = aRun('plan1', definition);
    await advance(run, run.submit());
    const lease = { ordinal: 0, epoch: 1, worker: hostile };
    await append('not a time\0', [
      'plan1',
      [
        { type: 'step.admitted', data: { ordinal: 0, epoch: 1 } },
        {
          type: 'step.blocked',
          data: { ...lease, reason: { code: hostile, message: hostile } },
        },
        { type: 'step.admitted', data: { ordinal: 77, epoch: 1 } },
      ],
    ]);
    const projector = new Projector(under.database, { log });
    expect(await projector.caughtUp(20_000)).toBe(true);
    await projector.stop();
    const [step, next] = await views.steps('plan1');
    expect(step).toMatchObject({ name: hostile.toWellFormed().replace('\0', '\ufffd'), state: 'blocked' });
    expect(step?.reason?.message).toBe(hostile);
    expect(next?.needs).toEqual([hostile]);
  });

  it('expands and cancels a plan of 20,000 steps in a bounded number of statements', async () => {
    const values = Array.from({ length: 20_000 }, (_, i) => `file-${i}.js`);
    const run = aRun('plan1', aDefinition([aStepDefinition('big', { matrix: { kind: 'list', values } })]));
    await advance(run, run.submit());
    await advance(run, run.turn());
    const projector = new Projector(under.database, { log });
    expect(await projector.caughtUp(30_000)).toBe(true);
    expect((await views.plan('plan1'))?.counts).toMatchObject({ waiting: 19_999, admitted: 1 });
    await advance(run, run.cancel());
    expect(await projector.caughtUp(30_000)).toBe(true);
    expect((await views.plan('plan1'))?.counts).toMatchObject({ waiting: 0, cancelled: 20_000 });
    expect(await views.steps('plan1')).toHaveLength(20_000);
    await projector.stop();
  });
});

describe('the views', () => {
  async function project(): Promise<void> {
    await using projector = new Projector(under.database, { log });
    expect(await projector.caughtUp(20_000)).toBe(true);
  }

  it('list plans newest first, page by page, by status', async () => {
    for (let i = 1; i <= 5; i++) {
      const run = aRun(`plan${i}`, PAGE);
      await advance(run, run.submit());
      if (i % 2 === 0) await advance(run, run.cancel());
    }
    await project();
    const ids = (page: { plans: PlanView[] }) => page.plans.map(({ planId }) => planId);
    const first = await views.listPlans({ limit: 2 });
    expect(ids(first)).toEqual(['plan5', 'plan4']);
    const second = await views.listPlans({ limit: 2, cursor: first.next });
    expect(ids(second)).toEqual(['plan3', 'plan2']);
    const third = await views.listPlans({ limit: 2, cursor: second.next });
    expect(ids(third)).toEqual(['plan1']);
    expect(third.next).toBeNull();
    expect(ids(await views.listPlans({ limit: 9, status: 'cancelled' }))).toEqual(['plan4', 'plan2']);
  });

  it.each(['x', '-1', '1e9', '99999999999999999999', "1' OR true"])(
    'refuse the cursor %j',
    async (cursor) => {
      await expect(views.listPlans({ limit: 1, cursor })).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
    },
  );

  it('know nothing of a plan that is not there', async () => {
    expect(await views.plan('nothing')).toBeNull();
    expect(await views.steps('nothing')).toEqual([]);
    expect(await views.step('nothing', 1)).toBeNull();
    expect(await views.attempts('nothing', 1)).toEqual([]);
    expect(await views.events('nothing', 0, 10)).toEqual([]);
  });

  it('find a step by ordinal and by name', async () => {
    const run = aRun('plan1', PAGE);
    await advance(run, run.submit());
    await project();
    expect(await views.step('plan1', 3)).toMatchObject({ ordinal: 3, name: 'many[c]', needs: ['first'] });
    expect(await views.step('plan1', 'many[c]')).toMatchObject({ ordinal: 3 });
    expect(await views.step('plan1', 'many')).toBeNull();
  });

  it('show each attempt as the ledger has it', async () => {
    const run = aRun(
      'plan1',
      aDefinition([aStepDefinition('only', { work: { kind: 'run', commands: [], script: null } })]),
      1,
    );
    await advance(run, run.submit());
    for (let events = run.turn(); events.length > 0; events = run.turn()) await advance(run, events);
    await project();
    const raw = (await under.ledger.read('plan1', 0, 1_000)).flatMap(({ at, event }) =>
      event.type === 'attempt.finished' ? [{ ...event.data, finishedAt: at }] : [],
    );
    expect(raw.length).toBeGreaterThan(0);
    expect(await views.attempts('plan1', 0)).toEqual(raw);
    expect(run.state.status).toBe('completed');
    expect(await views.acceptedAttempts('plan1', { limit: 10 })).toEqual(raw.slice(-1));
    expect(await views.acceptedAttempts('plan1', { limit: 10, afterOrdinal: 0 })).toEqual([]);
    expect(await views.events('plan1', 2, 2)).toEqual(await under.ledger.read('plan1', 2, 2));
  });

  it('give steps that a halted plan never started a reason', async () => {
    const run = aRun('plan1', PAGE);
    await advance(run, run.submit());
    await append('2026-11-20T12:00:00.000Z', [
      'plan1',
      [
        {
          type: 'step.blocked',
          data: { ordinal: 0, epoch: 1, reason: { code: 'conflict', message: 'both changed a.js' } },
        },
        {
          type: 'plan.halted',
          data: { reason: { code: 'steps-failed', message: 'first is blocked' }, steps: [0] },
        },
      ],
    ]);
    await project();
    const steps = await views.steps('plan1');
    expect(steps[0]?.reason?.message).toBe('both changed a.js');
    expect(steps[1]).toMatchObject({ state: 'waiting', reason: { code: 'plan-ended' } });
    expect(await views.plan('plan1')).toMatchObject({
      status: 'halted',
      endedAt: '2026-11-20T12:00:00.000Z',
      reason: { message: 'first is blocked' },
    });
  });
});
