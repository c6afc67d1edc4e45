import { fairLoad } from './fair.ts';
import { fleetLoad } from './fleet.ts';
import { gitLoad } from './git.ts';
import { idleLoad } from './idle.ts';
import { recoverLoad } from './recover.ts';
import { chainLoad, diamondLoad, wideLoad } from './throughput.ts';
import type { Workload } from './workload.ts';

export const workloads: Record<string, Workload> = {
  wide: wideLoad,
  chain: chainLoad,
  diamonds: diamondLoad,
  fair: fairLoad,
  git: gitLoad,
  recover: recoverLoad,
  idle: idleLoad,
  fleet: fleetLoad,
};
