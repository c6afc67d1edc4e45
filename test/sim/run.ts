import type { Append, AppendResult } from '#ledger';
import { forgetReadings, silentLogger, type Logger } from '#telemetry';
import { Chance } from './core/chance.ts';
import { World } from './core/world.ts';
import { Injector } from './faults/injector.ts';
import { Fleet } from './fleet/fleet.ts';
import { GitRemote } from './fleet/git-remote.ts';
import type { Surroundings } from './fleet/surroundings.ts';
import { User } from './fleet/user.ts';
import { NatsServer } from './network/nats-server.ts';
import { checkRepairs, findLeak } from './oracle/leaks.ts';
import { LedgerOracle } from './oracle/ledger-oracle.ts';
import { MessageOracle } from './oracle/message-oracle.ts';
import type { PlanRecord } from './oracle/plan-record.ts';
import { isMet } from './oracle/step-record.ts';
import { checkAnswer } from './oracle/user-oracle.ts';
import { Violation } from './oracle/violation.ts';
import { originOf } from './plans/planned-plan.ts';
import type { Scenario } from './plans/scenario.ts';
import { Coverage } from './reporting/coverage.ts';
import type { Timeline } from './reporting/timeline.ts';
import { Postgres } from './store/postgres.ts';

export interface Outcome {
  violation: Violation | null;
  coverage: Coverage;
  /** Of everything that was recorded: the same for the same scenario. */
  digest: string;
  virtualMs: number;
  happened: number;
  commits: number;
  events: number;
}

/** After the last fault, this long without a commit while a plan could move is for ever. */
const STUCK_MS = 150_000;
/** After the last fault no plan takes longer, whatever it does. */
const END_MS = 900_000;
/** What acks, purges, heartbeats and hand-backs may take once every plan is closed, and how often it is looked. */
const SETTLE_MS = 60_000;
const LOOK_MS = 500;

/** Plays a scenario to its end. Without a timeline nothing is written down but what the oracles need. */
export async function run(scenario: Scenario, timeline?: Timeline): Promise<Outcome> {
  const coverage = new Coverage();
  const stage = setUp(scenario, coverage, timeline);
  let violation: Violation | null = null;
  try {
    await stage.play();
  } catch (error) {
    violation = error instanceof Violation ? error : new Violation('nothing-throws', describe(error));
  }
  const { world, oracle } = stage;
  return {
    violation,
    coverage,
    digest: `${oracle.digest} ${world.happened}`,
    virtualMs: world.nowMs,
    happened: world.happened,
    commits: oracle.commits,
    events: oracle.events,
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function setUp(scenario: Scenario, coverage: Coverage, timeline: Timeline | undefined) {
  const world = new World();
  const chance = new Chance(`run ${scenario.seed}`);
  /** What a listener throws would be caught by the code that it listens to. */
  let broken: Violation | null = null;
  const onError = (message: string): void => {
    if (!NO_DEFECTS.has(message)) broken ??= new Violation('no-defect-is-logged', message);
  };
  const { caps, leaseMs, ttlMs } = scenario.settings;
  const oracle = new LedgerOracle(
    caps,
    !scenario.faults.some(({ kind }) => kind === 'replica-clock-jumps'),
    coverage,
  );
  const nats = new NatsServer(world, chance.fork('nats'), scenario.network);
  const postgres = new Postgres(world, chance.fork('postgres'), ttlMs, (fault) => coverage.fault(fault));
  const planned = new Map(scenario.plans.map((plan) => [plan.planId, plan]));
  const around: Surroundings = {
    world,
    chance,
    nats,
    postgres,
    git: new GitRemote(),
    scenario,
    logOf: (process) => listening(timeline?.loggerOf(process, world) ?? silentLogger, onError),
    pageIsAway: false,
    onPoison: () => undefined,
    onWork: (lease) => guard(() => messages.worksOn(lease)),
    planOf: (planId) => planned.get(originOf(planId)),
  };
  const onUnhandled = (error: unknown): void => {
    broken ??= new Violation(
      'nothing-throws',
      `a promise was rejected and nobody minded: ${describe(error)}`,
    );
  };
  const guard = (check: () => void): void => {
    try {
      check();
    } catch (error) {
      broken ??= error instanceof Violation ? error : new Violation('nothing-throws', describe(error));
    }
  };
  const messages = new MessageOracle(
    oracle,
    leaseMs,
    () => world.nowMs,
    (replica, term, planId) => postgres.isUpToDate(replica, term, planId),
    (term) => postgres.termBeganMs(term),
  );
  postgres.listen((by, term, appends, results) =>
    guard(() => {
      timeline?.committed(world, by, term, appends, results);
      oracle.committed(by, term, appends, results, world.nowMs);
      messages.committed(term, appends);
      pageFor(appends, results, user);
    }),
  );
  nats.watch((to, parcel) => guard(() => messages.received(to, parcel)));
  nats.listen((from, parcel) =>
    guard(() => {
      timeline?.sent(world, from, parcel);
      messages.hear(from, parcel);
    }),
  );
  const fleet = new Fleet(around);
  const user = new User(
    around,
    fleet,
    (answered) => {
      timeline?.answered(world, answered);
      coverage.answer(answered.asked, answered.reply.status);
      guard(() => checkAnswer(oracle, answered));
    },
    (planId, verb) => oracle.plans.get(planId)?.candidates(verb) ?? [],
  );
  const injector = new Injector(around, fleet, (fault) => {
    coverage.fault(fault.kind);
    timeline?.fault(world, fault);
  });

  const play = async (): Promise<void> => {
    process.on('unhandledRejection', onUnhandled);
    try {
      await playThrough();
    } finally {
      process.off('unhandledRejection', onUnhandled);
      forgetReadings();
    }
  };
  const playThrough = async (): Promise<void> => {
    injector.start();
    fleet.start();
    user.start();
    const timesMs = timesOf(scenario);
    let calmSinceMs: number | null = null;
    let lookedMs = 0;
    await world.run(() => {
      if (broken) throw broken;
      const isDone = user.waiting === 0 && oracle.openCount === 0;
      // Whatever else could go wrong would go wrong for nobody.
      if (isDone) injector.callOff();
      if (!injector.isCalm || user.waiting > 0) calmSinceMs = null;
      else calmSinceMs ??= world.nowMs;
      if (world.nowMs - lookedMs < LOOK_MS) return false;
      lookedMs = world.nowMs;
      if (calmSinceMs === null) return checkAnswers(user, world);
      resumePaused(oracle, user);
      if (!isDone) return checkProgress(oracle, world, calmSinceMs, timesMs);
      const leak = findLeak(around, fleet);
      if (leak && world.nowMs - Math.max(calmSinceMs, oracle.lastCommitMs) > SETTLE_MS) throw leak;
      return leak === null;
    });
    if (broken) throw broken;
    await oracle.verify(postgres.ledger);
    checkRepairs(fleet, scenario.faults.length === 0, coverage);
  };
  return { world, oracle, play };
}

/** Whoever is paged for a dead letter may redrive it. */
function pageFor(appends: readonly Append[], results: readonly AppendResult[], user: User): void {
  appends.forEach(({ planId, events }, index) => {
    if (results[index]?.status !== 'appended') return;
    for (const event of events) if (event.type === 'step.poisoned') user.paged(planId, event.data.ordinal);
  });
}

/** The last instant at which time alone may move a plan (ms of the wall clock at its fastest). */
function timesOf(scenario: Scenario): number {
  const ends = scenario.plans.flatMap(({ definition, submitAtMs }) => {
    const deadline =
      definition.deadline && 'afterMs' in definition.deadline ? definition.deadline.afterMs : 0;
    const waits = definition.steps.map(({ work }) =>
      work.kind === 'wait' && 'forMs' in work.until ? work.until.forMs : 0,
    );
    return [submitAtMs + deadline + waits.reduce((sum, ms) => sum + ms, 0)];
  });
  return Math.max(0, ...ends);
}

function resumePaused(oracle: LedgerOracle, user: User): void {
  if (user.waiting === 0) for (const { planId, paused } of oracle.openPlans) if (paused) user.resume(planId);
}

function checkAnswers(user: User, world: World): false {
  if (world.nowMs > END_MS)
    throw new Violation('nothing-is-stuck', `nobody answers ${user.waiting} requests of users`);
  return false;
}

function checkProgress(oracle: LedgerOracle, world: World, calmSinceMs: number, timesMs: number): false {
  const since = Math.max(calmSinceMs, oracle.lastCommitMs, timesMs);
  const open = (): string => oracle.openPlans.map(whereabouts).join('; ');
  if (world.nowMs - since > STUCK_MS)
    throw new Violation(
      'nothing-is-stuck',
      `nothing was committed for ${STUCK_MS / 1_000} s of calm, and open are ${open()}`,
    );
  if (world.nowMs - calmSinceMs > END_MS + timesMs)
    throw new Violation('nothing-is-stuck', `${END_MS / 1_000} s after the last fault, open are ${open()}`);
  return false;
}

function whereabouts({ planId, status, steps }: PlanRecord): string {
  const open = steps.filter((step) => !isMet(step));
  return `${planId} (${status}): ${open.map(({ instance, status: at }) => `s${instance.ordinal} ${instance.name} ${at}`).join(', ')}`;
}

/** What a process may log as an error though nothing of ours is broken: somebody sent garbage. */
const NO_DEFECTS = new Set(['Terminated a job that cannot be read']);

/** Errors are for defects: they count, whether somebody reads the log or not. */
function listening(logger: Logger, onError: (message: string) => void): Logger {
  const heard: Logger = {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => {
      logger.error(fields, message);
      onError(message);
    },
    child: () => heard,
  };
  return heard;
}
