import { setTimeout as wait } from 'node:timers/promises';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetWatch } from '../fleet/fleet-watch.ts';
import type { FaultKind } from './fault-kind.ts';
import type { FaultRound, PlannedFault } from './fault-plan.ts';
import { inflict } from './inflicting.ts';

export interface FaultsDone {
  byKind: Partial<Record<FaultKind, number>>;
  /** When the last fault of each round was over, in milliseconds since the epoch. */
  roundEnds: number[];
}

/** Carries out the plan. Whatever happens, everything is healed when it returns. */
export async function runFaults(
  rounds: FaultRound[],
  o: { fleet: Fleet; watch: FleetWatch; say: (line: string) => void; signal: AbortSignal },
): Promise<FaultsDone> {
  const begin = performance.now();
  const done: FaultsDone = { byKind: {}, roundEnds: [] };
  for (const round of rounds) {
    if (o.signal.aborted) break;
    await Promise.all(round.faults.map((fault) => carryOut(fault, begin, done, o)));
    done.roundEnds.push(Date.now());
  }
  return done;
}

async function carryOut(
  fault: PlannedFault,
  begin: number,
  done: FaultsDone,
  o: { fleet: Fleet; watch: FleetWatch; say: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const sleep = (ms: number): Promise<unknown> =>
    wait(Math.max(0, ms), undefined, { signal: o.signal }).catch(() => undefined);
  await sleep(begin + fault.atMs - performance.now());
  if (o.signal.aborted) return;
  const heal = await inflict(fault, o.fleet, o.watch);
  if (heal === null) return o.say(`${stamp(begin)} ${fault.kind}: nothing to do it to`);
  done.byKind[fault.kind] = (done.byKind[fault.kind] ?? 0) + 1;
  o.say(`${stamp(begin)} ${fault.kind} (${fault.target}) for ${fault.lastsMs} ms`);
  await sleep(fault.lastsMs);
  await heal();
}

function stamp(begin: number): string {
  return `${((performance.now() - begin) / 1_000).toFixed(1).padStart(6)} s`;
}
