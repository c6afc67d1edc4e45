import type { JsonValue } from '../json.ts';
import fc from 'fast-check';
import type { PlanEvent } from '../ledger/events.ts';
import type { FleetCaps } from '../scheduling/caps.ts';
import { Fleet } from '../scheduling/fleet.ts';
import { admit, decide, type Decision } from './decide.ts';
import type { PlanDefinition, StepDefinition } from './definition.ts';
import { evolve } from './evolve.ts';
import { ExpressionError, type Expressions } from './expressions.ts';
import type { LeaseClaim, PlanInput } from './input.ts';
import { toIso } from '../time.ts';
import {
  initialPlanState,
  integrationBranch,
  isMet,
  isStuck,
  type PlanState,
  type StepState,
} from './state.ts';

const T0 = 1_800_000_000_000;
const POOLS = ['default', 'heavy'];
const LIMITED = ['fleet', 'pool:default', 'tenant:t0', 'repository:/repo', 'lock:ours', 'plan:plan00000000'];
const RUNS = 250;
const PLANTED_SEED = 20_261_120;

/** What is under test. A planted bug replaces a part of it. */
interface Engine {
  decide(state: PlanState, input: PlanInput, now: number, history: readonly Recorded[]): Decision;
  fleet(caps: FleetCaps): Fleet;
}

const HONEST: Engine = {
  decide: (state, input, now) => decide(state, input, now, WORDS),
  fleet: (caps) => new Fleet(caps),
};

interface Recorded {
  event: PlanEvent;
  at: number;
}

type Move = {
  kind:
    | 'admit'
    | 'tick'
    | 'time'
    | 'claim'
    | 'attempt'
    | 'pass'
    | 'release'
    | 'expire'
    | 'cancel'
    | 'operate'
    | 'limit';
  /** Choices are numbers: what they mean depends on where the story stands. */
  a: number;
  b: number;
  c: number;
  yes: boolean;
};

interface Story {
  caps: FleetCaps;
  slots: number[];
  plans: PlanDefinition[];
  moves: Move[];
}

// ---------------------------------------------------------------- stories

const stepArb = fc.record({
  needs: fc.array(fc.nat(20), { maxLength: 3 }),
  pool: fc.constantFrom(...POOLS),
  attempts: fc.integer({ min: 1, max: 3 }),
  work: fc.constantFrom<StepDefinition['work'][]>(
    { kind: 'noop' },
    { kind: 'noop' },
    { kind: 'run', commands: ['x'], script: null },
    { kind: 'run', commands: ['x'], script: null },
    { kind: 'run', commands: ['x'], script: null },
    { kind: 'wait', until: { forMs: 60_000 } },
    { kind: 'wait', until: { at: toIso(T0 + 30_000) } },
    { kind: 'wait', until: { expression: 'soon' } },
    { kind: 'wait', until: { expression: 'broken' } },
  ),
  when: fc.constantFrom(null, null, null, null, 'true', 'true', 'false', 'broken', 'soon'),
  priority: fc.constantFrom(0, 0, 5, -5),
  locks: fc.constantFrom<string[][]>([], [], [], ['own'], ['ours'], ['ours', 'own']),
  matrix: fc.constantFrom<StepDefinition['matrix'][]>(
    null,
    null,
    { kind: 'from', expression: 'two' },
    { kind: 'from', expression: 'none' },
    { kind: 'from', expression: 'broken' },
    { kind: 'list', values: [] },
    { kind: 'list', values: ['x', 'y', 'z'] },
    { kind: 'glob', include: ['**'], exclude: [], chunk: 2 },
  ),
});

const planArb: fc.Arbitrary<PlanDefinition> = fc
  .record({
    steps: fc.array(stepArb, { minLength: 1, maxLength: 6, size: 'max' }),
    repo: fc.boolean(),
    integrate: fc.boolean(),
    maxParallel: fc.constantFrom(null, null, 1, 2),
    maxLeases: fc.integer({ min: 1, max: 3 }),
    priority: fc.constantFrom(0, 0, 3),
    deadline: fc.constantFrom<PlanDefinition['deadline'][]>(
      null,
      null,
      null,
      { afterMs: 90_000 },
      { at: toIso(T0 + 400_000) },
    ),
    baseline: fc.boolean(),
    progress: fc.boolean(),
  })
  .map((o) => ({
    version: 1,
    name: 'a plan',
    labels: {},
    params: {},
    priority: o.priority,
    deadline: o.deadline,
    locks: { own: 1 },
    baseline:
      o.repo && o.baseline
        ? {
            setup: [],
            verify: ['x'],
            env: {},
            network: false,
            timeout: { attemptMs: 1, idleMs: 1 },
            pool: 'heavy',
            onRed: 'halt',
          }
        : null,
    progress: o.repo && o.progress ? { branch: 'team/progress', everyMs: 50_000 } : null,
    repo: o.repo ? { url: '/repo', base: 'main' } : null,
    maxParallel: o.maxParallel,
    maxLeases: o.maxLeases,
    sandbox: 'auto',
    integrate:
      o.repo && o.integrate
        ? {
            branch: 'team/change',
            setup: [],
            verify: [],
            env: {},
            network: false,
            timeout: { attemptMs: 1, idleMs: 1 },
            pool: 'heavy',
          }
        : null,
    steps: o.steps.map((step, index) => ({
      name: `n${index}`,
      needs: index === 0 ? [] : [...new Set(step.needs.map((need) => `n${need % index}`))],
      when: step.when,
      pool: step.pool,
      priority: step.priority,
      locks: step.locks,
      with: {},
      attempts: step.attempts,
      timeout: { attemptMs: 1, idleMs: 1 },
      paths: { write: null, protect: [] },
      setup: [],
      verify: [],
      env: {},
      network: false,
      outputs: [],
      // Only a repository has files.
      matrix: step.matrix?.kind === 'glob' && !o.repo ? null : step.matrix,
      work: step.work,
    })),
  }));

const moveArb: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom<Move['kind'][]>(
    'admit',
    'admit',
    'tick',
    'time',
    'claim',
    'claim',
    'attempt',
    'attempt',
    'pass',
    'pass',
    'pass',
    'release',
    'release',
    'expire',
    'expire',
    'cancel',
    'operate',
    'limit',
    'limit',
  ),
  a: fc.nat(1_000),
  b: fc.nat(1_000),
  c: fc.nat(1_000),
  yes: fc.boolean(),
});

const storyArb: fc.Arbitrary<Story> = fc.record({
  caps: fc.record({
    fleet: fc.constantFrom(null, 1, 3),
    pools: fc.constantFrom<Record<string, number>[]>({}, { default: 1 }, { heavy: 2 }),
    tenants: fc.constantFrom<Record<string, number>[]>({}, { t0: 1 }),
    repositories: fc.constantFrom<Record<string, number>[]>({}, {}, { '/repo': 2 }),
    locks: fc.constantFrom<Record<string, number>[]>({}, { ours: 2 }),
  }),
  slots: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  plans: fc.array(planArb, { minLength: 1, maxLength: 3 }),
  moves: fc.array(moveArb, { minLength: 30, maxLength: 150, size: 'max' }),
});

// ---------------------------------------------------------------- the world

/** What the events say of one step, counted here and not in the domain. */
interface Seen {
  epoch: number;
  inFlight: boolean;
  holder: { worker: string; tokenDigest: string } | null;
  /** Of the lease that ended the step by its own result. */
  endedBy: { epoch: number; worker: string; tokenDigest: string } | null;
  ended: string | null;
  passes: number;
  attempts: number;
  /** For a sleeping step: when it passes. */
  notBefore: number;
  sleeps: boolean;
  losses: number;
}

class Watched {
  readonly state: PlanState;
  readonly history: Recorded[] = [];
  readonly seen: Seen[] = [];
  accepted = 0;
  closed = false;
  /** Cancelled or halted: nothing of its own passes any more. */
  ended = false;
  paused = false;
  allowed: number[] = [];

  constructor(
    planId: string,
    readonly definition: PlanDefinition,
  ) {
    this.state = initialPlanState(planId);
  }

  at(ordinal: number): Seen {
    return (this.seen[ordinal] ??= {
      epoch: 0,
      inFlight: false,
      holder: null,
      endedBy: null,
      ended: null,
      passes: 0,
      attempts: 0,
      notBefore: 0,
      sleeps: false,
      losses: 0,
    });
  }
}

class World {
  readonly fleet: Fleet;
  readonly plans: Watched[];
  readonly slots: Map<string, number>;
  now = T0;
  /** What was changed at run time. */
  private readonly changed = new Map<string, number>();
  /** What was in use when the caps were last looked at. */
  private readonly used = new Map<string, number>();

  constructor(
    private readonly engine: Engine,
    private readonly story: Story,
  ) {
    this.fleet = engine.fleet(story.caps);
    this.slots = new Map(POOLS.map((pool, index) => [pool, story.slots[index]!]));
    this.plans = story.plans.map((definition, index) => new Watched(`plan0000000${index}`, definition));
    this.plans.forEach((plan, index) => {
      const by = { name: 'me', via: 'cli' };
      const { definition } = plan;
      const tenant = `t${index % 2}`;
      this.tell(plan, {
        kind: 'submit',
        submission: { tenant, definition, digest: 'd', idempotencyKey: 'k', by, traceparent: null },
      });
    });
  }

  play(): void {
    for (const move of this.story.moves) this.make(move);
    for (const plan of this.plans) this.checkReplay(plan);
    this.endWell();
  }

  private make(move: Move): void {
    if (move.kind === 'admit') {
      this.admitAll();
      return;
    }
    if (move.kind === 'tick') {
      this.now += 1 + move.a * 100;
      return;
    }
    if (move.kind === 'limit') return this.limit(move);
    const plan = this.plans[move.a % this.plans.length]!;
    if (move.kind === 'time') return this.tell(plan, { kind: 'time' });
    // Rarely: a story that is cancelled at once tells little.
    if (move.kind === 'cancel') {
      if (move.b % 8 === 0) this.tell(plan, { kind: 'cancel', by: { name: 'me', via: 'cli' }, why: null });
      return;
    }
    if (move.kind === 'operate') return this.operate(plan, move);
    const step = this.pick(plan, move);
    if (step) this.tell(plan, inputOf(plan, step, move));
  }

  private limit({ a, b, yes }: Move): void {
    const key = LIMITED[a % LIMITED.length]!;
    if (yes) this.changed.set(key, b % 4);
    else this.changed.delete(key);
    this.fleet.changeLimits(this.changed);
    for (const plan of this.plans) this.check(plan);
  }

  private operate(plan: Watched, { b, c }: Move): void {
    const { steps } = plan.state;
    if (steps.length === 0) return;
    const who = { by: { name: 'me', via: 'cli' }, why: null };
    const failed = plan.state.failed.length > 0 ? plan.state.failed : [b % steps.length];
    const ordinal = c % 3 === 0 ? b % steps.length : failed[b % failed.length]!;
    const inputs: PlanInput[] = [
      { kind: 'pause', ...who },
      { kind: 'resume', ...who },
      { kind: 'retry', ordinal, attempts: c % 2 === 0 ? null : 1, note: 'do it', ...who },
      { kind: 'retry', ordinal, attempts: null, note: null, ...who },
      { kind: 'retry', ordinal, attempts: null, note: null, notBefore: toIso(this.now + c * 100), ...who },
      { kind: 'kill', ordinal, ...who },
      ...(c % 7 === 0 ? [{ kind: 'skip' as const, ordinal, ...who }] : []),
    ];
    this.tell(plan, inputs[b % inputs.length]!);
  }

  /** Mostly a step that is in flight, sometimes any. */
  private pick(plan: Watched, { b, yes }: Move): StepState | undefined {
    const { steps } = plan.state;
    const inFlight = steps.filter(({ status }) => status === 'admitted' || status === 'leased');
    const from = inFlight.length > 0 && (yes || b % 3 > 0) ? inFlight : steps;
    return from[b % from.length];
  }

  private tell(plan: Watched, input: PlanInput): void {
    const before = plan.history.length;
    const shadow = before % 3 === 0 ? replay(plan) : null;
    const isCurrent = 'lease' in input ? holds(plan.seen[input.lease.ordinal], input.lease) : true;
    const attempts = 'lease' in input ? plan.at(input.lease.ordinal).attempts : 0;
    const isOver = input.kind === 'lease-expired' && !canExpire(plan.seen[input.ordinal], input);
    const decision = this.engine.decide(plan.state, input, this.now, plan.history);
    if (shadow)
      same(this.engine.decide(shadow, input, this.now, plan.history), decision, 'replay decides the same');
    this.record(plan, decision.events);
    this.fleet.update(plan.state);

    if ('lease' in input && !isCurrent) {
      const applied = decision.events.filter(({ type }) => type !== 'result.late');
      same(applied, [], 'a message of a lease that is not the current one was applied');
      const endedBy = plan.seen[input.lease.ordinal]?.endedBy;
      const repeated = endedBy && sameLease(endedBy, input.lease);
      same(decision.reply.status, repeated ? 'applied' : 'lost', 'the answer to a lease that is over');
    }
    if (input.kind === 'lease-expired') {
      same(
        decision.events.length > 0 && isOver,
        false,
        'what a clock says of an epoch that is over was applied',
      );
    }
    if (input.kind === 'attempt' && isCurrent && input.attempt.attempt === attempts + 1) {
      const isOwn = plan.state.steps[input.lease.ordinal]!.instance.definition !== null;
      same(plan.at(input.lease.ordinal).attempts, attempts + (isOwn ? 1 : 0), 'an attempt is recorded');
    }
    if (input.kind === 'lease-expired' && input.counts) this.checkCounted(plan, input.ordinal, decision);
    this.check(plan);
  }

  private admitAll(): number {
    const admitted = this.fleet.admit(this.now, this.slots, (state, ordinal) => {
      const plan = this.plans.find((one) => one.state === state)!;
      this.record(plan, admit(state, ordinal, this.now));
    });
    for (const plan of this.plans) this.check(plan);
    return admitted;
  }

  private record(plan: Watched, events: PlanEvent[]): void {
    for (const event of events) {
      if (event.type !== 'plan.reopened') same(plan.closed, false, `${event.type} after plan.closed`);
      if (event.type === 'plan.closed') plan.closed = true;
      if (event.type === 'plan.cancelled' || event.type === 'plan.halted') plan.ended = true;
      if (event.type === 'plan.reopened') Object.assign(plan, { closed: false, ended: false });
      plan.history.push({ event, at: this.now });
      this.follow(plan, event);
    }
  }

  private follow(plan: Watched, event: PlanEvent): void {
    switch (event.type) {
      case 'step.admitted': {
        const seen = plan.at(event.data.ordinal);
        same(event.data.epoch, seen.epoch + 1, 'an epoch is the one before and one');
        same(seen.ended, null, 'a step that has ended is admitted');
        same(seen.notBefore <= this.now, true, 'a delayed step waits');
        same(seen.inFlight, false, 'a step in flight is admitted again');
        this.checkNeeds(plan, event.data.ordinal);
        this.checkCondition(plan, event.data.ordinal);
        same(plan.paused, false, 'a paused plan admits nothing');
        Object.assign(seen, { epoch: event.data.epoch, inFlight: true, holder: null, endedBy: null });
        return;
      }
      case 'lease.granted': {
        const seen = plan.at(event.data.ordinal);
        same(seen.holder, null, 'a lease is bound once');
        seen.holder = { worker: event.data.worker, tokenDigest: event.data.tokenDigest };
        return;
      }
      case 'lease.lost':
      case 'lease.released': {
        const seen = plan.at(event.data.ordinal);
        same(seen.inFlight, true, 'only what is in flight can be lost');
        const notBefore = event.data.notBefore ? new Date(event.data.notBefore).getTime() : 0;
        Object.assign(seen, { inFlight: false, holder: null, notBefore });
        return;
      }
      case 'wait.started': {
        const seen = plan.at(event.data.ordinal);
        same(seen.ended, null, 'a step that has ended goes to sleep');
        this.checkNeeds(plan, event.data.ordinal);
        this.checkCondition(plan, event.data.ordinal);
        Object.assign(seen, { sleeps: true, notBefore: new Date(event.data.until).getTime() });
        return;
      }
      case 'report.published': {
        const seen = plan.at(event.data.ordinal);
        same(seen.inFlight, true, 'only a report in flight is published');
        const notBefore = new Date(event.data.notBefore).getTime();
        const endedBy = seen.holder && { epoch: seen.epoch, ...seen.holder };
        Object.assign(seen, { inFlight: false, holder: null, notBefore, endedBy });
        return;
      }
      case 'attempt.finished': {
        const seen = plan.at(event.data.ordinal);
        same(event.data.attempt, seen.attempts + 1, 'attempts are counted one by one');
        seen.attempts += 1;
        const definition = plan.state.steps[event.data.ordinal]!.instance.definition!;
        const allowed = plan.allowed[event.data.ordinal] ?? plan.definition.steps[definition]!.attempts;
        same(seen.attempts <= allowed, true, 'attempts are bounded');
        return;
      }
      case 'step.passed': {
        const { ordinal, epoch, worker, tokenDigest } = event.data;
        const seen = plan.at(ordinal);
        seen.passes += 1;
        same(seen.passes, 1, 'a step passes once');
        same(epoch, seen.epoch, 'a step passes in its current epoch');
        const ofTheEnd = ['clean', 'report'].includes(plan.state.steps[ordinal]!.instance.kind);
        const ended = plan.ended;
        same(ended && !ofTheEnd, false, 'something passed after the plan had ended');
        const endedBy = worker === null || tokenDigest === null ? null : { epoch, worker, tokenDigest };
        if (!endedBy) {
          same(seen.sleeps, true, 'only what sleeps passes by itself');
          same(seen.notBefore <= this.now, true, 'a wait ends at its time');
        }
        Object.assign(seen, { ended: 'passed', inFlight: false, endedBy });
        return;
      }
      case 'plan.paused':
        plan.paused = true;
        return;
      case 'plan.resumed':
        plan.paused = false;
        return;
      case 'plan.reopened':
        for (const kind of ['clean', 'report'] as const) {
          const ordinal = plan.state.system[kind];
          // A page that could not be written is not tried again; cleaning is what every end needs.
          if (ordinal !== null && (kind === 'clean' || plan.at(ordinal).ended === 'passed'))
            Object.assign(plan.at(ordinal), { ended: null, passes: 0 });
        }
        return;
      case 'step.reopened': {
        const seen = plan.at(event.data.ordinal);
        same(
          seen.ended === 'step.blocked' || seen.ended === 'step.poisoned',
          true,
          'only failures are retried',
        );
        plan.allowed[event.data.ordinal] = event.data.attempts;
        const notBefore = event.data.notBefore ? new Date(event.data.notBefore).getTime() : 0;
        Object.assign(seen, { ended: null, endedBy: null, losses: 0, holder: null, notBefore });
        return;
      }
      case 'step.blocked':
      case 'step.poisoned':
      case 'step.skipped':
      case 'step.cancelled': {
        const seen = plan.at(event.data.ordinal);
        const byHand = event.type === 'step.skipped' && event.data.reason.code === 'skipped-by-operator';
        if (!byHand) same(seen.ended, null, 'a step ends once');
        const byItself = event.type === 'step.blocked' || event.type === 'step.poisoned';
        const endedBy = byItself && seen.holder ? { epoch: seen.epoch, ...seen.holder } : null;
        Object.assign(seen, { ended: event.type, inFlight: false, endedBy });
        return;
      }
      case 'plan.completed':
      case 'plan.halted':
      case 'plan.cancelled':
        // The last page is not put off.
        if (plan.state.system.report !== null) plan.at(plan.state.system.report).notBefore = 0;
        plan.paused = false;
        if (event.type === 'plan.completed') return;
        if (event.type === 'plan.halted' && !event.data.cancelsOpen) return;
        plan.state.steps.forEach(({ instance }) => {
          const seen = plan.at(instance.ordinal);
          if (instance.kind !== 'clean' && instance.kind !== 'report' && !seen.ended)
            Object.assign(seen, { ended: 'cancelled', inFlight: false });
        });
        return;
      case 'integration.accepted':
        plan.accepted += 1;
        same(plan.accepted, 1, 'one integration is accepted');
        return;
      default:
    }
  }

  private checkCondition(plan: Watched, ordinal: number): void {
    const { definition } = plan.state.steps[ordinal]!.instance;
    if (definition === null) return;
    const { when } = plan.definition.steps[definition]!;
    same(when === null || when === 'true', true, 'a step goes only where its condition is true');
  }

  private checkNeeds(plan: Watched, ordinal: number): void {
    const { definition, kind } = plan.state.steps[ordinal]!.instance;
    if (definition !== null) {
      const { baseline } = plan.state.system;
      if (baseline !== null)
        same(isMet(plan.state.steps[baseline]!.status), true, 'the baseline comes before any step');
      for (const need of plan.definition.steps[definition]!.needs)
        same(met(plan, need), true, `${need} is met before its dependant starts`);
    } else if (kind === 'integrate') {
      for (const { name } of plan.definition.steps) same(met(plan, name), true, `${name} before integrate`);
    } else if (kind === 'publish') same(plan.accepted, 1, 'nothing is published that was not accepted');
    else if (kind === 'clean') same(plan.state.status === 'running', false, 'cleaning waits for the end');
  }

  private checkCounted(plan: Watched, ordinal: number, { events }: Decision): void {
    if (!events.some(({ type }) => type === 'lease.lost')) return;
    const seen = plan.at(ordinal);
    seen.losses += 1;
    const poisoned = events.some(({ type }) => type === 'step.poisoned');
    same(poisoned, seen.losses >= plan.definition.maxLeases, 'poisoned when maxLeases are lost, not before');
  }

  private check(plan: Watched): void {
    const { state } = plan;
    const count = (status: StepState['status']) =>
      state.steps.filter((step) => step.status === status).length;
    same(state.inFlight, count('admitted') + count('leased'), 'inFlight');
    same(state.readyCount, count('ready'), 'readyCount');
    same(state.sleepingCount, count('sleeping'), 'sleepingCount');
    same(state.seq, plan.history.length, 'seq');
    same(state.due.size, 0, 'nothing is left to be judged after a decision');
    for (const pool of POOLS) {
      const inPool = state.steps.filter((step) => step.lane.pool === pool && isInFlight(step)).length;
      same(state.inFlightByPool.get(pool) ?? 0, inPool, `inFlight of ${pool}`);
    }
    same(
      state.steps.filter(isInFlight).map(({ instance }) => instance.ordinal),
      plan.seen.flatMap((seen, ordinal) => (seen.inFlight ? [ordinal] : [])),
      'what is in flight is what the events say',
    );
    this.checkCaps(plan);
    if (state.inFlight + state.readyCount + state.sleepingCount === 0)
      same(state.closed, true, 'a plan is stuck');
    same(isStuck(state), false, 'a plan is said to be stuck');
    if (state.closed) same(state.inFlight, 0, 'a closed plan runs nothing');
  }

  private checkCaps(plan: Watched): void {
    const { caps } = this.story;
    const all = this.plans.flatMap((one) =>
      one.seen.flatMap((seen, ordinal) => (seen.inFlight ? [one.state.steps[ordinal]!.lane.pool] : [])),
    );
    same(this.fleet.stepsInFlight, all.length, 'what the fleet counts');
    this.hold('fleet', all.length, caps.fleet);
    for (const pool of POOLS) {
      const inPool = all.filter((one) => one === pool).length;
      this.hold(`pool:${pool}`, inPool, caps.pools[pool] ?? null);
      atMost(inPool, 2 * this.slots.get(pool)!, `the window of ${pool}`);
    }
    for (const one of this.plans) atMost(this.holders('own', [one]), 1, 'a lock of the plan');
    for (const tenant of [0, 1]) {
      const plans = this.plans.filter((_, index) => index % 2 === tenant);
      this.hold('lock:ours', this.holders('ours', plans), caps.locks?.['ours'] ?? 1, ` t${tenant}`);
      const inUse = sum(plans, (one) => one.state.inFlight);
      this.hold(`tenant:t${tenant}`, inUse, caps.tenants?.[`t${tenant}`] ?? null);
    }
    const onRepo = this.plans.filter(({ definition }) => definition.repo !== null);
    const ofRepo = sum(onRepo, (one) => one.state.inFlight);
    this.hold('repository:/repo', ofRepo, caps.repositories?.['/repo'] ?? null);
    const ofPlan = plan.seen.filter((seen) => seen.inFlight).length;
    this.hold(`plan:${plan.state.planId}`, ofPlan, plan.definition.maxParallel);
  }

  /** At most the limit; one that was lowered below what is in use lets nothing more in. */
  private hold(key: string, inUse: number, settings: number | null, of = ''): void {
    const limit = this.changed.get(key) ?? settings;
    const before = this.used.get(key + of) ?? 0;
    this.used.set(key + of, inUse);
    if (inUse > before) atMost(inUse, limit, `${key}${of}`);
  }

  private holders(lock: string, plans: Watched[]): number {
    return sum(
      plans,
      ({ state, seen }) =>
        state.steps.filter(
          ({ lane, instance }) => lane.locks.includes(lock) && seen[instance.ordinal]?.inFlight,
        ).length,
    );
  }

  private checkReplay(plan: Watched): void {
    same(comparable(replay(plan)), comparable(plan.state), 'replay makes the same state');
  }

  private workWell(): boolean {
    const admitted = this.admitAll();
    for (const plan of this.plans) {
      for (const step of plan.state.steps.filter(isInFlight)) {
        // An earlier one may have ended the plan.
        if (!isInFlight(step)) continue;
        const { ordinal } = step.instance;
        const lease = { ordinal, epoch: step.epoch, ...(step.holder ?? HOLDERS[0]!) };
        this.tell(plan, passed(plan, step, lease, 3, true));
      }
    }
    return admitted > 0;
  }

  /** Whatever happened: when the workers behave from now on, every plan comes to its end. */
  private endWell(): void {
    this.changed.clear();
    this.fleet.changeLimits(this.changed);
    for (let round = 0; round < 200 && this.plans.some(({ state }) => !state.closed); round += 1) {
      this.now += 120_000;
      for (const plan of this.plans)
        if (plan.paused) this.tell(plan, { kind: 'resume', by: { name: 'me', via: 'cli' }, why: null });
      for (const plan of this.plans) if (!plan.state.closed) this.tell(plan, { kind: 'time' });
      // More than once: pages that are due with every round must not be all that a narrow fleet does.
      for (let turn = 0; turn < 10 && this.workWell(); turn += 1);
    }
    for (const plan of this.plans) {
      same(plan.state.closed, true, 'a plan whose workers behave comes to its end');
      this.checkReplay(plan);
      const allMet =
        plan.state.expanded &&
        plan.state.steps.every(
          ({ status, instance }) => isMet(status) || instance.kind === 'clean' || instance.kind === 'report',
        );
      same(
        plan.state.status === 'completed',
        allMet && plan.state.status !== 'cancelled',
        'completed when all are met',
      );
    }
  }
}

// ---------------------------------------------------------------- inputs

const HOLDERS = [
  { worker: 'w1', tokenDigest: 't1' },
  { worker: 'w1', tokenDigest: 't2' },
  { worker: 'w2', tokenDigest: 't3' },
];

function leaseOf(step: StepState, { c, yes }: Move): LeaseClaim {
  const right = step.holder && (yes || c % 4 > 0);
  const holder = right ? step.holder! : HOLDERS[c % HOLDERS.length]!;
  const stale = step.epoch > 1 && c % 3 === 0 ? 1 : 0;
  return { ordinal: step.instance.ordinal, epoch: Math.max(1, step.epoch - stale), ...holder };
}

function inputOf(plan: Watched, step: StepState, move: Move): PlanInput {
  const lease = leaseOf(step, move);
  const reason = { code: 'because', message: 'a story' };
  const jitter = (move.b % 10) / 10;
  switch (move.kind) {
    case 'attempt': {
      const accepted = move.b % 3 === 0;
      return {
        kind: 'attempt',
        lease,
        outputs: {},
        attempt: {
          // The next one, sometimes one that was told before, sometimes one too far.
          attempt: Math.max(
            1,
            step.attemptsUsed + 1 + (move.b % 7 === 0 ? 1 : 0) - (move.b % 6 === 0 ? 1 : 0),
          ),
          startedAt: new Date(T0).toISOString(),
          durationMs: 1,
          verdict: accepted ? 'accepted' : 'rejected',
          reason,
          commit: { sha: 'c'.repeat(40), ref: `refs/skein/x/${lease.ordinal}` },
          feedback: accepted ? null : 'no',
          diffstat: null,
          logKey: null,
          diffKey: null,
          traceparent: null,
        },
      };
    }
    case 'pass':
      return passed(plan, step, lease, move.b % 4, move.yes);
    case 'release':
      if (move.b % 6 === 0) return { kind: 'blocked', lease, reason };
      return { kind: 'release', lease, cause: move.yes ? 'draining' : 'fault', reason, jitter };
    case 'expire': {
      const { ordinal, epoch } = lease;
      const unclaimedOnly = move.c % 4 === 0;
      return { kind: 'lease-expired', ordinal, epoch, counts: move.b % 4 > 0, unclaimedOnly, reason, jitter };
    }
    default:
      return { kind: 'claim', lease };
  }
}

function passed(
  plan: Watched,
  step: StepState,
  lease: LeaseClaim,
  files: number,
  change: boolean,
): PlanInput {
  const commit = change ? { sha: 'd'.repeat(40), ref: `refs/skein/x/${lease.ordinal}` } : null;
  const baseSha = 'b'.repeat(40);
  const { kind } = step.instance;
  const matched = ['a', 'b', 'c'].slice(0, files);
  const resolved = {
    baseSha,
    files: Object.fromEntries(plan.definition.steps.map((_, index) => [String(index), matched])),
    texts: {},
  };
  const branch = kind === 'integrate' ? integrationBranch(plan.state) : '';
  return {
    kind: 'passed',
    lease,
    commit,
    outputs: {},
    resolved: kind === 'resolve' ? resolved : null,
    candidate:
      kind === 'integrate' && commit ? { branch, commit, expectedOld: null, baseSha, diffstat: null } : null,
  };
}

// ---------------------------------------------------------------- helpers

function isInFlight(step: StepState): boolean {
  return step.status === 'admitted' || step.status === 'leased';
}

function holds(seen: Seen | undefined, lease: LeaseClaim): boolean {
  if (!seen?.inFlight || seen.epoch !== lease.epoch) return false;
  return !seen.holder || sameLease({ epoch: seen.epoch, ...seen.holder }, lease);
}

function canExpire(seen: Seen | undefined, input: Extract<PlanInput, { kind: 'lease-expired' }>): boolean {
  return !!seen?.inFlight && seen.epoch === input.epoch && !(input.unclaimedOnly && seen.holder);
}

function sameLease(a: Omit<LeaseClaim, 'ordinal'>, b: LeaseClaim): boolean {
  return a.epoch === b.epoch && a.worker === b.worker && a.tokenDigest === b.tokenDigest;
}

/** A matrix over nothing is met as soon as its own needs are. */
function met(plan: Watched, name: string): boolean {
  const index = plan.definition.steps.findIndex((step) => step.name === name);
  const instances = plan.state.steps.filter(({ instance }) => instance.definition === index);
  const isKnown =
    plan.definition.steps[index]!.matrix?.kind !== 'from' ||
    plan.history.some(({ event }) => event.type === 'steps.expanded' && event.data.definition === index);
  return (
    isKnown &&
    instances.every(({ instance }) =>
      ['passed', 'step.skipped'].includes(plan.at(instance.ordinal).ended ?? ''),
    ) &&
    // Steps that were skipped by hand need nothing.
    (instances.length > 0 || plan.definition.steps[index]!.needs.every((need) => met(plan, need)))
  );
}

function replay(plan: Pick<Watched, 'state' | 'history'>): PlanState {
  const state = initialPlanState(plan.state.planId);
  for (const { event, at } of plan.history) evolve(state, event, at);
  return state;
}

/** The order of ready steps, and which delayed ones are due by now, is the scheduler's own business. */
function comparable(state: PlanState): unknown {
  const steps = state.steps.map(({ lane, notBefore, ...step }) => ({
    ...step,
    lane: { ...lane, ready: null },
    notBefore: step.status === 'sleeping' ? notBefore : null,
  }));
  return { ...state, steps, lanes: null, delayed: null, sleepers: null };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** What the conditions, fan-outs and waits of stories say. */
const WORDS: Expressions = {
  evaluate(source) {
    const words: Record<string, JsonValue> = {
      true: true,
      false: false,
      none: [],
      two: ['x', { name: 'y' }],
      soon: '20s',
    };
    const value = words[source];
    if (value === undefined) throw new ExpressionError('no such thing');
    return value;
  },
};

function same(actual: unknown, expected: unknown, what: string): void {
  if (Object.is(actual, expected)) return;
  try {
    expect(actual).toEqual(expected);
  } catch (cause) {
    throw new Error(what, { cause });
  }
}

function atMost(actual: number, limit: number | null, what: string): void {
  if (limit !== null && actual > limit) throw new Error(`${what}: ${actual} of ${limit}`);
}

// ---------------------------------------------------------------- planted bugs

function withInput(change: (state: PlanState, input: PlanInput) => PlanInput): Engine {
  return { ...HONEST, decide: (state, input, now) => decide(state, change(state, input), now, WORDS) };
}

/** The clock that waits are measured by runs ahead. */
function withTime(aheadMs: number): Engine {
  return {
    ...HONEST,
    decide: (state, input, now) => decide(state, input, input.kind === 'time' ? now + aheadMs : now, WORDS),
  };
}

function withLease(change: (step: StepState, lease: LeaseClaim) => Partial<LeaseClaim>): Engine {
  return withInput((state, input) => {
    if (!('lease' in input)) return input;
    const step = state.steps[input.lease.ordinal];
    return step ? { ...input, lease: { ...input.lease, ...change(step, input.lease) } } : input;
  });
}

/** Forgets to record some events: the state goes on from what is left. */
function without(types: readonly PlanEvent['type'][]): Engine {
  return {
    ...HONEST,
    decide(state, input, now, history) {
      const decision = decide(state, input, now, WORDS);
      const events = decision.events.filter(({ type }) => !types.includes(type));
      if (events.length < decision.events.length) {
        const told = [...history, ...events.map((event) => ({ event, at: now }))];
        Object.assign(state, replay({ state, history: told }));
      }
      return { ...decision, events };
    },
  };
}

class CarelessFleet extends Fleet {
  constructor(caps: FleetCaps) {
    super(caps);
    (this as unknown as { planHold: () => null }).planHold = () => null;
  }
}

/** Does not see what was admitted already. */
class BlindFleet extends Fleet {
  constructor(caps: FleetCaps) {
    super(caps);
    (this as unknown as { counts: { of: () => number } }).counts.of = () => 0;
  }
}

/** Takes a limit that is changed for the one that was there. */
class StubbornFleet extends Fleet {
  override changeLimits(): void {
    super.changeLimits([]);
  }
}

const PLANTED: [bug: string, engine: Engine][] = [
  ['goes on with the limits that were', { ...HONEST, fleet: (caps) => new StubbornFleet(caps) }],
  ['does not compare tokens', withLease((step) => (step.holder ? { ...step.holder } : {}))],
  ['does not compare epochs', withLease((step) => ({ epoch: Math.max(1, step.epoch) }))],
  [
    'never counts a lost lease',
    withInput((_, input) => (input.kind === 'lease-expired' ? { ...input, counts: false } : input)),
  ],
  ['admits beyond maxParallel', { ...HONEST, fleet: (caps) => new CarelessFleet(caps) }],
  ['admits beyond the fleet’s caps', { ...HONEST, fleet: (caps) => new BlindFleet(caps) }],
  [
    'lets anybody have a lock that is held',
    {
      ...HONEST,
      fleet: (caps) => Object.assign(new Fleet(caps), { lockHold: () => null }),
    },
  ],
  ['passes a wait before its time', withTime(70_000)],
  ['forgets that a condition was judged', without(['steps.freed'])],
  ['does not end a plan', without(['plan.completed', 'plan.halted', 'plan.closed'])],
  ['does not close a plan', without(['plan.closed'])],
  ['forgets that an attempt was made', without(['attempt.finished'])],
  [
    'keeps something in memory that is in no event',
    {
      ...HONEST,
      decide(state, input, now) {
        const decision = decide(state, input, now, WORDS);
        if (input.kind === 'release' && decision.reply.status === 'applied')
          state.steps[input.lease.ordinal]!.leasesLost += 1;
        return decision;
      },
    },
  ],
  [
    'takes a lease back while its holder works',
    withInput((state, input) =>
      input.kind === 'lease-expired'
        ? { ...input, unclaimedOnly: false, epoch: state.steps[input.ordinal]?.epoch ?? 0 }
        : input,
    ),
  ],
];

describe('any story of any plans', () => {
  it('keeps every promise of the domain', () => {
    fc.assert(
      fc.property(storyArb, (story) => new World(HONEST, story).play()),
      { numRuns: RUNS },
    );
  });

  it.each(PLANTED)('finds a domain that %s', (_bug, engine) => {
    const found = fc.check(
      fc.property(storyArb, (story) => new World(engine, story).play()),
      { numRuns: 400, seed: PLANTED_SEED, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });
});
