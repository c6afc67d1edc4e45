import type { Fleet } from '../fleet/fleet.ts';
import type { Surroundings } from '../fleet/surroundings.ts';
import type { Coverage } from '../reporting/coverage.ts';
import { Violation } from './violation.ts';

/** Parts of the product that a run looks into at its very end: only whether anything is left in them. */
interface DeciderParts {
  leases: { size: number };
  dispatcher: { unclaimedJobs: number; unpurged: Set<string> };
  loop: { waiting: number };
  sweeper: { repairs: number; judged: Set<string>; told: Set<string> };
  plans: { all(): Iterable<unknown> };
  fleet: { stepsInFlight: number };
}

/** Once every plan is closed nothing may be held: no lease, no job, no timer, no request. null: nothing is. */
export function findLeak(around: Surroundings, fleet: Fleet): Violation | null {
  const deciders = fleet.replicas.map(({ elector }) => elector.current).filter((decider) => decider !== null);
  if (deciders.length !== 1)
    return new Violation('one-decides', `${deciders.length} replicas believe that they decide, in calm`);
  for (const [what, count] of held(partsOf(fleet), around, fleet))
    if (count !== 0) return new Violation('nothing-leaks', `${what}: ${count} when every plan is closed`);
  const processes = fleet.replicas.length + fleet.workers.length;
  if (around.world.pending <= 40 * (processes + 1)) return null;
  return new Violation(
    'nothing-leaks',
    `${around.world.pending} timers and messages for ${processes} processes`,
  );
}

function* held(parts: DeciderParts, around: Surroundings, fleet: Fleet): Generator<[string, number]> {
  yield ['leases watched', parts.leases.size];
  yield ['jobs unclaimed', parts.dispatcher.unclaimedJobs];
  yield ['plans unpurged', parts.dispatcher.unpurged.size];
  yield ['inputs waiting', parts.loop.waiting];
  yield ['leases judged', parts.sweeper.judged.size];
  yield ['plans told the time', parts.sweeper.told.size];
  yield ['plans cached', [...parts.plans.all()].length];
  yield ['steps counted in flight', parts.fleet.stepsInFlight];
  for (const { config, messages } of around.nats.jetstream.streams.values())
    if (config.name.includes('-jobs-'))
      for (const message of messages.values())
        if (isJob(message)) yield [`${message.subject} in ${config.name}`, 1];
  for (const { worker, process } of fleet.workers) {
    yield [`leases held by ${process.name}`, worker.keeper.leases.length];
    yield [`jobs run by ${process.name}`, worker.transport.busy];
  }
}

/** In a calm run there is nothing to repair. */
export function checkRepairs(fleet: Fleet, isCalmRun: boolean, coverage: Coverage): void {
  const { repairs } = partsOf(fleet).sweeper;
  coverage.sight('repairs', repairs);
  if (isCalmRun && repairs > 0)
    throw new Violation('calm-needs-no-repairs', `${repairs} repairs in a run without a fault`);
}

function partsOf(fleet: Fleet): DeciderParts {
  const decider = fleet.replicas.map(({ elector }) => elector.current).find((current) => current !== null);
  return decider as unknown as DeciderParts;
}

/** Not what a rogue left there: no plan is behind it. */
function isJob({ text }: { text: string }): boolean {
  return text.startsWith('{"version":1,"planId"');
}
