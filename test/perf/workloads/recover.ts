import { parsePlan } from '#contracts';
import { admit, decide, initialPlanState, type PlanEvent } from '#domain';
import { EMPTY_HEAD, LedgerDatabase, migrate, PostgresLedger, PostgresTerms } from '#ledger';
import { silentLogger } from '#telemetry';
import { NAMESPACE, type BenchStack } from '../bench-stack.ts';
import { round } from '../processes.ts';
import { independent } from './shapes.ts';
import type { Bench, Workload } from './workload.ts';

const EVENTS_OF_A_PLAN = 100;
const PLANS_OF_AN_APPEND = 20;
const STEPS = 60;
const START = Date.parse('2026-01-01T00:00:00.000Z');

/** The worst case of so many events: all of them belong to plans that are open, and must be read. */
export const recoverLoad: Workload = {
  meaning: 'N events of open plans, 100 each: from the start of the processes to deciding',
  defaultSize: 1_000_000,
  defaultSlots: 64,
  run: async ({ stack, size, slots, say }: Bench) => {
    const plans = Math.ceil(size / EVENTS_OF_A_PLAN);
    say(`writing ${plans} plans ...`);
    await fill(stack, plans, say);
    say('starting ...');
    const startedAt = performance.now();
    await stack.start({ workers: 0, slots });
    const seconds = round((performance.now() - startedAt) / 1_000);
    const usage = await stack.usage();
    const { cpuS, peakRssMb } = usage['coordinator'] ?? { cpuS: 0, peakRssMb: 0 };
    return {
      openPlans: plans,
      ledgerEvents: plans * EVENTS_OF_A_PLAN,
      seconds,
      coordinator: { cpuS, peakRssMb },
    };
  },
};

async function fill(stack: BenchStack, plans: number, say: (line: string) => void): Promise<void> {
  const log = silentLogger;
  const { runtimeUrl } = await migrate({ adminUrl: stack.postgres.adminUrl, schema: NAMESPACE, log });
  await using database = new LedgerDatabase({ url: runtimeUrl, schema: NAMESPACE, log });
  const terms = new PostgresTerms(database);
  const term = await terms.campaign('bench');
  if (term === null) throw new Error('somebody else decides');
  const ledger = new PostgresLedger(database);
  const events = eventsOfAPlan();
  for (let from = 0; from < plans; from += PLANS_OF_AN_APPEND) {
    const count = Math.min(PLANS_OF_AN_APPEND, plans - from);
    const appends = Array.from({ length: count }, (_, at) => ({
      planId: `recover${String(from + at).padStart(9, '0')}`,
      expected: EMPTY_HEAD,
      at: new Date(START).toISOString(),
      traceparent: null,
      events,
    }));
    const results = await ledger.appendAll(term.term, appends);
    if (results.some(({ status }) => status !== 'appended')) throw new Error('an append did not fit');
    if (from % 2_000 === 0 && from > 0) say(`${from} ...`);
  }
  await terms.resign(term.term);
}

/** As the decider writes them, of a plan of which a part has passed. */
function eventsOfAPlan(): PlanEvent[] {
  const parsed = parsePlan(independent('recover', STEPS));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const state = initialPlanState('recover');
  const submission = {
    tenant: 'local',
    definition: parsed.definition,
    digest: 'd'.repeat(64),
    idempotencyKey: 'recover',
    by: { name: 'bench', via: 'rest' },
    traceparent: null,
  };
  const events = [...decide(state, { kind: 'submit', submission }, START).events];
  for (let ordinal = 1; events.length < EVENTS_OF_A_PLAN; ordinal += 1) {
    events.push(...admit(state, ordinal, START));
    const epoch = state.steps[ordinal]?.epoch ?? 1;
    const lease = { ordinal, epoch, worker: 'w', tokenDigest: 't'.repeat(64) };
    const passed = {
      kind: 'passed',
      lease,
      commit: null,
      outputs: {},
      resolved: null,
      candidate: null,
    } as const;
    events.push(...decide(state, passed, START).events);
  }
  return events.slice(0, EVENTS_OF_A_PLAN);
}
