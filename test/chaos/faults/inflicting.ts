import type { Fleet } from '../fleet/fleet.ts';
import type { FleetWatch } from '../fleet/fleet-watch.ts';
import type { Link, LinkMode } from '../proxy/link.ts';
import type { PlannedFault } from './fault-plan.ts';

/** Undoes what was done. May be called when there is nothing to undo any more. */
export type Heal = () => Promise<void> | void;

const DONE: Heal = () => undefined;

/** Does it to the fleet. Null: there was nothing to do it to at that moment. */
export async function inflict(fault: PlannedFault, fleet: Fleet, watch: FleetWatch): Promise<Heal | null> {
  const worker = fleet.workers[fault.target]!;
  const decider = fleet.coordinators[watch.decider]!;
  const standby = fleet.coordinators.find((one) => one !== decider)!;
  switch (fault.kind) {
    case 'worker-killed':
      return after(() => worker.kill());
    case 'worker-stopped':
    case 'worker-paused':
      return worker.freeze();
    case 'decider-killed':
      return after(() => decider.kill());
    case 'decider-stopped':
      return decider.freeze();
    case 'standby-killed':
      return after(() => standby.kill());
    case 'standby-stopped':
      return standby.freeze();
    case 'nats-killed':
      return after(() => fleet.broker.kill());
    case 'nats-stopped':
      return fleet.broker.freeze();
    case 'jetstream-wiped':
      return after(() => fleet.broker.wipe());
    case 'postgres-killed':
      return after(() => fleet.database.kill());
    case 'postgres-stopped':
      return fleet.database.freeze();
    case 'backend-killed':
      return (await fleet.database.killBackend()) ? DONE : null;
    case 'disk-full':
      return fillDisk(fleet);
    default:
      return fail(linkOf(fault, fleet), modeOf(fault.kind));
  }
}

async function after(done: () => void | Promise<void>): Promise<Heal> {
  await done();
  return DONE;
}

async function fillDisk(fleet: Fleet): Promise<Heal | null> {
  const pid = fleet.workers.at(-1)!.pid;
  return fleet.disk === null || pid === null ? null : fleet.disk.fill(pid);
}

function fail(link: Link, mode: LinkMode): Heal {
  link.set(mode);
  return () => link.set('open');
}

function linkOf({ kind, target }: PlannedFault, fleet: Fleet): Link {
  if (kind.startsWith('worker-link')) return fleet.workerLinks[target]!;
  return kind.startsWith('ledger-link') ? fleet.ledgerLinks[target]! : fleet.remoteLink;
}

function modeOf(kind: string): LinkMode {
  const modes: LinkMode[] = ['cut', 'slow', 'black-hole', 'half-open'];
  return modes.find((mode) => kind.endsWith(mode))!;
}
