import type { LeaseKey } from '#contracts';
import type { Logger } from '#telemetry';
import type { Chance } from '../core/chance.ts';
import type { World } from '../core/world.ts';
import type { NatsServer } from '../network/nats-server.ts';
import type { PlannedPlan } from '../plans/planned-plan.ts';
import type { Scenario } from '../plans/scenario.ts';
import type { Postgres } from '../store/postgres.ts';
import type { GitRemote } from './git-remote.ts';

/** What every process of a run stands in. */
export interface Surroundings {
  world: World;
  chance: Chance;
  nats: NatsServer;
  postgres: Postgres;
  git: GitRemote;
  scenario: Scenario;
  /** What a process logs; silent unless somebody reads it. */
  logOf: (process: string) => Logger;
  /** progress.md cannot be rendered for now: the projections are behind. */
  pageIsAway: boolean;
  /** A worker's process died of the work that it did. */
  onPoison: (worker: string) => void;
  /** A worker goes on with the work of a lease. */
  onWork: (lease: LeaseKey) => void;
  /** The plan that was brought under this id; a fork is its origin's. */
  planOf: (planId: string) => PlannedPlan | undefined;
}

export const NAMESPACE = 'sim';
