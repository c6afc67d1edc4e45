import { Chance } from '../core/chance.ts';
import type { Drift } from '../core/process.ts';
import type { NetworkSettings } from '../network/nats-server.ts';
import { generateFaults, type Fault } from '../faults/fault.ts';
import { generatePlan } from './plan-generator.ts';
import type { FleetSettings, Mood, PlannedChange, PlannedProcess, PlannedWorker } from './planned-fleet.ts';
import type { PlannedPlan } from './planned-plan.ts';

/** All that happens from outside in one run. With the same scenario and seed a run is the same to the last byte. */
export interface Scenario {
  seed: number;
  settings: FleetSettings;
  network: NetworkSettings;
  replicas: PlannedProcess[];
  workers: PlannedWorker[];
  plans: PlannedPlan[];
  changes: PlannedChange[];
  faults: Fault[];
}

const POOLS = ['default', 'heavy'];

export function generateScenario(seed: number): Scenario {
  const chance = new Chance(`scenario ${seed}`);
  const mood = generateMood(chance);
  const settings = generateSettings(chance.fork('settings'));
  const replicas = generateReplicas(chance.fork('replicas'), mood);
  const workers = generateWorkers(chance.fork('workers'), mood);
  const withinMs = chance.pick([500, 2_000, 6_000]);
  const ofPlans = chance.fork('plans');
  const plans = Array.from({ length: ofPlans.pick([1, 1, 2, 2, 3, 4]) }, (_, index) =>
    generatePlan(ofPlans.fork(String(index)), index, {
      tenants: ['alpha', 'beta'],
      pools: POOLS,
      withinMs,
      stepsMax: ofPlans.pick([2, 4, 6, 8]),
    }),
  );
  if (mood === 'calm') makeCalm(plans);
  const faults = generateFaults(chance.fork('faults'), mood, { replicas, workers, plans, withinMs });
  const network = {
    latencyMs: { low: 0.2, high: chance.pick([1, 5, 40]) },
    slowShare: mood === 'calm' ? 0 : 0.01,
  };
  const changes = generateChanges(chance.fork('changes'));
  return { seed, settings, network, replicas, workers, plans, changes, faults };
}

function generateMood(chance: Chance): Mood {
  const drawn = chance.next();
  return drawn < 0.1 ? 'calm' : drawn < 0.6 ? 'rough' : 'stormy';
}

/** Nothing is repaired in a calm run, so nobody's worker dies in it. */
function makeCalm(plans: PlannedPlan[]): void {
  for (const plan of plans) for (const behaviour of Object.values(plan.behaviours)) behaviour.kills = 0;
}

function generateSettings(chance: Chance): FleetSettings {
  const few = (share: number): number | null => (chance.bool(share) ? chance.int(1, 4) : null);
  const fleet = few(0.3);
  const of = (name: string, limit: number | null) => (limit === null ? {} : { [name]: limit });
  return {
    leaseMs: chance.pick([2_000, 3_000, 5_000]),
    claimTimeoutMs: chance.pick([1_000, 2_000, 4_000]),
    ttlMs: chance.pick([1_500, 3_000]),
    drainGraceMs: chance.pick([1_000, 4_000]),
    caps: {
      fleet: fleet === null ? null : fleet + 1,
      pools: of('default', few(0.25)),
      tenants: of('alpha', few(0.25)),
      repositories: of('/repo/one', few(0.25)),
      locks: of('deploy', few(0.3)),
    },
  };
}

const LIMITS = [
  'fleet',
  'pool:default',
  'pool:heavy',
  'tenant:alpha',
  'tenant:*',
  'repository:/repo/one',
  'repository:*',
  'lock:deploy',
  'plan:plan00000000',
  'weight:alpha',
  'priority:plan00000000',
];

/** Never to nothing at all: who stops a fleet has to start it again. */
function generateChanges(chance: Chance): PlannedChange[] {
  const count = chance.bool(0.25) ? chance.int(1, 4) : 0;
  return Array.from({ length: count }, () => ({
    atMs: chance.int(0, 8_000),
    limits: Object.fromEntries(
      chance
        .shuffle(LIMITS)
        .slice(0, chance.int(1, 3))
        .map((key) => [key, chance.bool(0.3) ? null : chance.int(1, 4)]),
    ),
  }));
}

function generateReplicas(chance: Chance, mood: Mood): PlannedProcess[] {
  const count = mood === 'calm' ? chance.int(1, 2) : chance.pick([1, 2, 2, 3]);
  return Array.from({ length: count }, (_, index) => ({
    name: `r${index + 1}`,
    drift: generateDrift(chance, mood),
  }));
}

function generateWorkers(chance: Chance, mood: Mood): PlannedWorker[] {
  const count = chance.int(1, 4);
  return Array.from({ length: count }, (_, index) => ({
    name: `w${index + 1}`,
    drift: generateDrift(chance, mood),
    // The first one serves everything: no pool is without a worker.
    pools: index === 0 ? POOLS : chance.pick([['default'], ['heavy']]),
    slots: chance.int(1, 2),
  }));
}

/** Quartz is a thousand times better than this; virtual machines are not always. */
function generateDrift(chance: Chance, mood: Mood): Drift {
  if (mood === 'calm') return { rate: 1, offsetMs: 0 };
  return {
    rate: chance.bool(0.5) ? 1 : chance.between(0.98, 1.02),
    offsetMs: chance.bool(0.5) ? 0 : chance.int(-3_000, 3_000),
  };
}
