import { setTimeout as wait } from 'node:timers/promises';
import type { Run } from '#servers';
import { Chance } from './faults/chance.ts';
import { ALL_FAULT_KINDS } from './faults/fault-kind.ts';
import { planFaults } from './faults/fault-plan.ts';
import { runFaults, type FaultsDone } from './faults/fault-runner.ts';
import { Fleet, LEASE_MS } from './fleet/fleet.ts';
import { FleetClient } from './fleet/fleet-client.ts';
import { FleetWatch } from './fleet/fleet-watch.ts';
import { Poisoning } from './load/poisoning.ts';
import { shapes } from './load/shapes.ts';
import { Load } from './load/submitting.ts';
import { judgeAll, type Judged } from './oracle/judging.ts';
import { leftovers } from './oracle/leftovers.ts';
import { keepEvidence } from './reporting/log-folder.ts';
import { makeReport, type Report } from './reporting/report.ts';

export interface ChaosOptions {
  seed: number;
  minutes: number;
  run: Run;
  logDir: string;
  say: (line: string) => void;
  /** Ends it early, without a verdict. */
  signal: AbortSignal;
}

/** After the last fault every plan must end within this time. */
const SETTLE_MS_MAX = 180_000;
const TAIL_MS = 1_500;

/** Null: it was interrupted. */
export async function runChaos(o: ChaosOptions): Promise<Report | null> {
  const folder = await o.run.ephemeralDir('chaos');
  const fleet = await Fleet.start({ folder, logDir: o.logDir, run: o.run });
  o.say(`the fleet is in ${folder}`);
  const watch = new FleetWatch(fleet);
  const poisoning = await Poisoning.start(Fleet.witnessFile(fleet.folder), fleet.workers);
  let stopped = false;
  try {
    const told = await Promise.race([underLoad(fleet, watch, o), aborted(o.signal)]);
    if (told === null) return null;
    const { load, client, done, settledMs } = told;
    await watch.look();
    const judged = await judgeAll(load.plans, fleet, client);
    for (const { planId, shape } of load.open)
      judged.violations.push(`${planId} (${shape.name}) is not closed ${settledMs} ms after the last fault`);
    stopped = true;
    judged.violations.push(...(await endAndLook(fleet, judged)));
    if (judged.violations.length > 0) await keepEvidence(o.logDir, fleet, judged);
    return makeReport({
      ...{ seed: o.seed, minutes: o.minutes, leaseMs: LEASE_MS, plans: load.plans, done, settledMs, judged },
      leftOut: fleet.disk === null ? ['disk-full'] : [],
      poisonKills: poisoning.kills,
      repairsByKind: watch.repairsByKind(),
      terms: watch.termsBegun(),
      ownEnds: Object.fromEntries(
        fleet.programs
          .filter(({ ownEnds }) => ownEnds.length > 0)
          .map(({ name, ownEnds }) => [name, ownEnds]),
      ),
    });
  } finally {
    watch.stop();
    await poisoning.stop();
    if (!stopped) await fleet.stopPrograms();
    await fleet.stopServers();
  }
}

/** Ends the programs as an orchestrator would, and tells what they left. */
async function endAndLook(fleet: Fleet, { replays }: Judged): Promise<string[]> {
  const smallDisk = await fleet.keepSmallDisk();
  try {
    const killed = await fleet.stopPrograms();
    const late = killed.map((name) => `${name} did not end when it was told to`);
    return [...late, ...(await leftovers(fleet, replays, smallDisk))];
  } finally {
    await smallDisk?.close();
  }
}

function aborted(signal: AbortSignal): Promise<null> {
  if (signal.aborted) return Promise.resolve(null);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
}

interface Told {
  load: Load;
  client: FleetClient;
  done: FaultsDone;
  settledMs: number;
}

/** Plans come in all the time; the faults; then everything is healed, and the plans come to their ends. */
async function underLoad(fleet: Fleet, watch: FleetWatch, o: ChaosOptions): Promise<Told> {
  const durationMs = o.minutes * 60_000;
  const client = new FleetClient(fleet.urls);
  await client.ready();
  const key = `chaos-${o.seed}`;
  const load = new Load({ client, key, say: o.say, shapes: shapes(fleet.repoUrl, new Chance(o.seed + 1)) });
  const kinds = ALL_FAULT_KINDS.filter((kind) => kind !== 'disk-full' || fleet.disk !== null);
  const sizes = { workers: fleet.workers.length, coordinators: fleet.coordinators.length };
  const rounds = planFaults({ seed: o.seed, durationMs, leaseMs: LEASE_MS, kinds, ...sizes });
  const enough = new AbortController();
  const submitting = load.submitUntil(AbortSignal.any([enough.signal, o.signal]));
  // Should submitting fail, nothing more can be learned.
  const failed = submitting.then(() => new Promise<never>(() => undefined));
  const done = await Promise.race([
    runFaults(rounds, { fleet, watch, say: o.say, signal: o.signal }),
    failed,
  ]);
  const healedAt = performance.now();
  o.say('all faults are over');
  await wait(TAIL_MS);
  enough.abort();
  await submitting;
  if (!o.signal.aborted) await load.allClosed(SETTLE_MS_MAX);
  return { load, client, done, settledMs: Math.round(performance.now() - healedAt) };
}
